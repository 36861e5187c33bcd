import { assertEquals } from "@std/assert";
import fc from "../fast_check.ts";
import { lossSums, ReferenceEngine } from "@bgpt/kernels";
import { engineTest } from "../engines.ts";
import { anyThreadsTest } from "./any_threads.ts";
import { assertClose, compareWithReference, randomFloats, randomIntegers, runKernel } from "./compare.ts";

const rows = fc.oneof(
  fc.constantFrom(1, 15, 16, 17, 255, 256, 257, 2048, 2049, 16384, 16385),
  fc.integer({ min: 1, max: 40_000 }),
);

/** Random operands; about a third of the targets are no bytes. */
function operandsFor(R: number, seed: number) {
  return {
    lossNats: randomFloats(R, seed).map((value) => 3 * (value + 1)),
    weights: randomFloats(R, seed + 1).map((value) => value + 1),
    targets: randomIntegers(R, seed + 2, 384).map((target) => Math.min(target, 256)),
    sums: Float32Array.of(1, 2, 3, 4),
  };
}

engineTest("loss sums agree with the reference at every size", async (engine) => {
  const cases = fc.asyncProperty(rows, fc.nat(), async (R, seed) => {
    await compareWithReference(engine, lossSums, { R }, operandsFor(R, seed));
  });
  await fc.assert(cases, { numRuns: 30 });
});

engineTest(
  "131,072 equal losses are summed to 2e-7, and weights of 1 are counted exactly",
  async (engine) => {
    const R = 131_072;
    const operands = {
      ...operandsFor(R, 1),
      weights: new Float32Array(R).fill(1),
      sums: new Float32Array(4),
    };
    for (const loss of [Math.log(257), Math.log(256), 0.1, 1.3]) {
      const inputs = { ...operands, lossNats: new Float32Array(R).fill(loss) };
      const { sums } = await runKernel(engine, lossSums, { R }, inputs);
      const expected = (await runKernel(new ReferenceEngine(), lossSums, { R }, inputs)).sums!;
      for (const i of [0, 2]) {
        assertClose([sums![i]!], [expected[i]!], { absolute: 0, relative: 2e-7 }, `sums[${i}] of ${loss}`);
      }
      assertEquals([sums![1], sums![3]], [R, expected[3]]);
    }
  },
);

engineTest("loss sums add to what is there, with the same bits every time", async (engine) => {
  const R = 3000;
  const inputs = operandsFor(R, 2);
  const first = await runKernel(engine, lossSums, { R }, inputs);
  assertEquals(first, await runKernel(engine, lossSums, { R }, inputs));
  const alone = await runKernel(engine, lossSums, { R }, { ...inputs, sums: new Float32Array(4) });
  assertClose(first.sums!, alone.sums!.map((sum, i) => sum + i + 1), { absolute: 0, relative: 1e-7 }, "sums");
});

anyThreadsTest(lossSums, [1, 17, 5001].map((R) => [{ R }, operandsFor(R, 3)]));

Deno.test("the sums of four positions are all and those whose target is a byte", async () => {
  const inputs = {
    lossNats: Float32Array.of(1, 2, 4, 0),
    weights: Float32Array.of(1, 0.5, 1, 0),
    targets: Uint32Array.of(255, 256, 0, 7),
    sums: new Float32Array(4),
  };
  const { sums } = await runKernel(new ReferenceEngine(), lossSums, { R: 4 }, inputs);
  assertEquals([...sums!], [7, 2.5, 5, 2]);
});
