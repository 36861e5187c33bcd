import { assertEquals, assertStringIncludes } from "@std/assert";
import { parameterTable } from "@bgpt/core";
import { saveRunCheckpoint } from "@bgpt/core/files";
import { join } from "@std/path";
import { smallCheckpoint, smallConfig } from "../../core/small_checkpoint.ts";
import { bgpt } from "../bgpt.ts";
import { assertRefused } from "../refused.ts";
import { inTempFolder } from "../temp_folder.ts";

Deno.test("info tells a run's sizes, configuration, progress and best evaluation", () =>
  inTempFolder(async (folder) => {
    await saveRunCheckpoint(folder, smallCheckpoint(), false);
    const json = await bgpt(["info", folder, "--json", "--tensors"]);
    assertEquals(json.code, 0);
    const { model, run } = smallCheckpoint();
    const { parameters, parameterCount } = parameterTable(model);
    const tensors = parameters.map(({ name, shape }) => ({ name, shape }));
    assertEquals(JSON.parse(json.stdout), { parameterCount, model, config: smallConfig, run, tensors });

    const { stdout } = await bgpt(["info", folder]);
    for (
      const line of [
        "hidden            64",
        "step              7",
        "epoch             2",
        "learningRate      0.001",
      ]
    ) {
      assertStringIncludes(stdout, `${line}\n`);
    }
    assertStringIncludes(stdout, "best loss         1.5 nats at step 4\n");
  }));

Deno.test("info refuses a folder that is none, or holds no checkpoint", () =>
  inTempFolder(async (folder) => {
    const missing = join(folder, "missing");
    await assertRefused({
      args: ["info", missing],
      code: 1,
      message: `Cannot read checkpoint "${missing}": there is no such folder. Check the path`,
    });
    await assertRefused({
      args: ["info", folder],
      code: 1,
      message:
        `Cannot read checkpoint "${folder}": it holds no model.safetensors, and no checkpoints of a run`,
    });
  }));
