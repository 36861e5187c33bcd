import { assertEquals, assertThrows } from "@std/assert";
import { checkConfig, type Config, presets, trainingPlan } from "@bgpt/core";
import { generationPlan } from "../../core/generation_plan.ts";

const windowed: Config = {
  ...presets.tiny,
  ...{ hidden: 64, patchLayers: 1, byteLayers: 1, patchLength: 4, byteWindow: 8 },
};

function refused(config: Config, why: string): void {
  assertThrows(() => checkConfig(config, "it"), RangeError, why);
}

Deno.test("n-grams are refused where a patch has no two bytes, and planned where it has", () => {
  const config = { ...windowed, ngramRows: 64 };
  refused(
    { ...config, patchSize: 1 },
    "Cannot use it: ngramRows is 64, which needs a patchSize of 2 at least: it is 1",
  );
  trainingPlan(checkConfig({ ...config, patchSize: 2 }, "it"), 4);
  assertEquals(checkConfig({ ...config, patchSize: 1, ngramRows: 0 }, "it").patchSize, 1);
});

Deno.test("bytes that see all of a file are refused where it is longer than generation has room for", () => {
  const config = { ...windowed, patchSize: 16, patchLength: 2 ** 14 };
  const global = { ...config, byteGlobalHeads: 1 };
  const longer = { patchLength: 2 ** 14 + 1 };
  refused(
    { ...global, ...longer },
    "Cannot use it: byteGlobalHeads is 1, which takes files of at most 262144 bytes: " +
      "patchLength 16385 times patchSize 16 is 262160",
  );
  generationPlan(checkConfig(global, "it"), 1, global.patchLength, 1);
  // The limit is that of the kernel.
  assertThrows(() => generationPlan({ ...global, ...longer }, 1, longer.patchLength, 1), RangeError, "slots");
  checkConfig({ ...config, ...longer }, "it");
});
