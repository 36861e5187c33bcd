import { assertEquals } from "@std/assert";
import fc from "../fast_check.ts";
import { classSums, ReferenceEngine } from "@bgpt/kernels";
import { engineTest } from "../engines.ts";
import { anyThreadsTest } from "./any_threads.ts";
import { compareWithReference, randomFloats, randomIntegers, runKernel } from "./compare.ts";

const files = fc.oneof(fc.constantFrom(1, 15, 16, 17, 255, 256, 257), fc.integer({ min: 1, max: 3000 }));

/** Random operands of three classes, so that a third of the files is right. */
function operandsFor(B: number, seed: number) {
  return {
    lossNats: randomFloats(B, seed).map((value) => value + 1),
    targets: randomIntegers(B, seed + 1, 3),
    best: randomIntegers(B, seed + 2, 3),
    weights: randomFloats(B, seed + 3).map((value) => value + 1),
    sums: Float32Array.of(1, 2, 3, 4),
  };
}

engineTest("class sums agree with the reference at every size", async (engine) => {
  const cases = fc.asyncProperty(files, fc.nat(), async (B, seed) => {
    await compareWithReference(engine, classSums, { B }, operandsFor(B, seed));
  });
  await fc.assert(cases, { numRuns: 25 });
});

engineTest("files of weight 1 are counted exactly, with the same bits every time", async (engine) => {
  const B = 5000;
  const inputs = { ...operandsFor(B, 1), weights: new Float32Array(B).fill(1), sums: new Float32Array(4) };
  const first = await runKernel(engine, classSums, { B }, inputs);
  assertEquals(first, await runKernel(engine, classSums, { B }, inputs));
  const right = inputs.best.filter((best, b) => best === inputs.targets[b]).length;
  assertEquals([...first.sums!.subarray(1)], [B, right, 0]);
});

anyThreadsTest(classSums, [1, 17, 3001].map((B) => [{ B }, operandsFor(B, 2)]));

Deno.test("the sums of four slots are their loss, their weight and the weight of the hits", async () => {
  const inputs = {
    lossNats: Float32Array.of(1, 2, 4, 0),
    targets: Uint32Array.of(1, 2, 0, 0),
    best: Uint32Array.of(1, 1, 0, 0),
    weights: Float32Array.of(1, 1, 0.5, 0),
    sums: new Float32Array(4),
  };
  const { sums } = await runKernel(new ReferenceEngine(), classSums, { B: 4 }, inputs);
  assertEquals([...sums!], [7, 2.5, 1.5, 0]);
});
