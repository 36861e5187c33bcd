import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { bgpt } from "../bgpt.ts";
import { testSizes, writeCheckpoint } from "../checkpoints.ts";
import { assertRefused } from "../refused.ts";
import { inTempFolder, namesIn, writeFiles } from "../temp_folder.ts";

Deno.test("a command that says --resume starts its run in a missing or empty folder, goes on with it, and is done", () =>
  inTempFolder(async (folder) => {
    const data = await writeFiles(join(folder, "data"), [9, 30, 17]);
    const weights = join(folder, "weights");
    await writeCheckpoint(weights, { ...testSizes, patchSize: 4 });
    const config = join(folder, "config.json");
    const configure = (fields: Record<string, number>) =>
      Deno.writeTextFileSync(config, JSON.stringify({ batch: 1, evalShare: 0.4, ...fields }));
    configure({ steps: 2 });
    const [missing, empty] = [join(folder, "missing"), join(folder, "empty")];
    Deno.mkdirSync(empty);
    const training = [
      "train",
      "--data",
      data,
      "--device",
      "reference",
      "--init",
      weights,
      "--config",
      config,
    ];
    const train = (out: string, ...args: string[]) => bgpt([...training, "--out", out, "--resume", ...args]);

    for (const out of [missing, empty]) {
      const begun = await train(out, "--preset", "tiny");
      assertEquals(begun.code, 0, begun.stderr);
      assertStringIncludes(begun.stderr, `No checkpoint in ${out} yet: starting from the beginning\n`);
      assertMatch(begun.stdout, /^Trained after 2 steps, /);
    }

    // The weights that the run began with are not read again.
    await Deno.remove(weights, { recursive: true });
    const again = await train(missing, "--preset", "tiny");
    assertEquals(again.code, 0, again.stderr);
    assertStringIncludes(again.stderr, `Not read: --init ${weights}, which was for the run's start\n`);
    assertMatch(again.stdout, /^Already at step 2; raise --steps to train on\ncheckpoint /);
    const { trainingBpb, bpb } = JSON.parse((await train(missing, "--json")).stdout);
    assertEquals([typeof trainingBpb, typeof bpb], ["number", "number"]);

    configure({ steps: 3 });
    assertMatch((await train(missing, "--preset", "tiny")).stdout, /^Trained after 3 steps, /);
    configure({ steps: 4, seed: 1 });
    await assertRefused({
      args: [...training, "--out", missing, "--resume"],
      code: 2,
      message:
        `Cannot resume with seed 1 (--config ${config}): the run was started with 0. Leave it out, or start`,
    });
  }));

Deno.test("train --resume says where its data are not those so far, and nothing where they only moved", () =>
  inTempFolder(async (folder) => {
    const data = await writeFiles(join(folder, "data"), [9, 30, 17]);
    const out = join(folder, "run");
    const config = join(folder, "config.json");
    await Deno.writeTextFile(config, JSON.stringify({ ...testSizes, patchSize: 4, batch: 1, evalShare: 0 }));
    const train = async (...args: string[]) => {
      const { code, stderr } = await bgpt(["train", "--out", out, "--device", "reference", ...args]);
      assertEquals(code, 0, stderr);
      return stderr;
    };
    const told =
      "Going on with other data than so far: as many samples, but of other sizes, kinds or weights\n";
    await train("--data", data, "--config", config, "--steps", "1");
    const moved = join(folder, "moved");
    await Deno.rename(data, moved);
    const again = await train("--data", moved, "--steps", "2", "--resume");
    assertEquals(again.includes("other data"), false, again);
    await Deno.writeFile(join(moved, "f1.bin"), new Uint8Array(300));
    assertStringIncludes(await train("--data", moved, "--steps", "3", "--resume"), told);
    assertStringIncludes(await train("--data", `${moved}=2`, "--steps", "4", "--resume"), told);
  }));

Deno.test("train --resume is refused in a folder with something else in it, which stays as it is", () =>
  inTempFolder(async (folder) => {
    const data = await writeFiles(join(folder, "data"), [9, 30]);
    const before = namesIn(data);
    await assertRefused({
      args: ["train", "--data", data, "--out", data, "--device", "reference", "--resume"],
      code: 1,
      message: `Cannot read checkpoint "${data}": it holds no model.safetensors, and no checkpoints of a run`,
    });
    assertEquals(namesIn(data), before);
  }));
