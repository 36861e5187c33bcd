import { assertEquals, assertRejects } from "@std/assert";
import { fileSamples, presets } from "@bgpt/core";
import { join } from "@std/path";
import type { AblationData } from "../../../cli/studies/ablation_data.ts";
import type { AblationResult } from "../../../cli/studies/ablation_run.ts";
import { keepResult, keptResult } from "../../../cli/studies/kept_results.ts";
import { inTempFolder } from "../temp_folder.ts";

const data: AblationData = {
  name: "files",
  note: "Files.",
  noun: "files",
  training: fileSamples({ files: [{ path: "a", byteLength: 1 }], read: () => Promise.reject() }),
  evaluation: [],
  patchLength: 8,
};

const result: AblationResult = {
  variant: "base",
  seed: 0,
  config: presets.tiny,
  parameterCount: 1,
  stepFlops: 2,
  data: "files",
  seconds: 3,
  curve: [],
};

function reversed<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).reverse()) as T;
}

Deno.test("a kept run is the same whatever the order of the fields, now and when it was kept", () =>
  inTempFolder(async (folder) => {
    const path = join(folder, "run.json");
    await keepResult(folder, "run", data, result);
    const plan = { ...result, config: reversed(presets.tiny) };
    assertEquals(await keptResult(folder, "run", plan, data), result);

    const kept = JSON.parse(Deno.readTextFileSync(path));
    const request = JSON.parse(kept.request);
    const old = JSON.stringify({ ...reversed(request), config: reversed(request.config) });
    Deno.writeTextFileSync(path, JSON.stringify({ ...kept, request: old }));
    for (const same of [result, plan]) assertEquals(await keptResult(folder, "run", same, data), result);

    const other = { ...result, config: { ...presets.tiny, batch: presets.tiny.batch + 1 } };
    await assertRejects(
      () => keptResult(folder, "run", other, data),
      Error,
      `Cannot go on with the study in "${folder}": run was run with other options or other data`,
    );
  }));
