import { assertRejects } from "@std/assert";
import { classify, initialParameters, type NamedSample, parameterTable } from "@bgpt/core";
import { ReferenceEngine } from "@bgpt/kernels";
import { smallConfig } from "./small_checkpoint.ts";

Deno.test("a file that alone is too long to be classified is refused by name", async () => {
  const labels = ["a", "b"];
  const parameters = initialParameters(parameterTable(smallConfig, labels.length), 1);
  const sampleOf = (name: string, patches: number): NamedSample => ({
    name,
    tokens: new Uint16Array(patches * smallConfig.patchSize),
  });
  const samples = (async function* () {
    yield* await Promise.resolve([sampleOf("short.bin", 2), sampleOf("long.bin", 5)]);
  })();
  const classifier = { model: smallConfig, labels, parameters };
  await assertRejects(
    () => Array.fromAsync(classify(new ReferenceEngine(), classifier, samples, 4)),
    RangeError,
    'Cannot classify "long.bin": it takes 5 patches, a strip holds 4. Raise patchCapacity, or cut the file',
  );
});
