import { assertEquals } from "@std/assert";
import fc from "../fast_check.ts";
import { ReferenceEngine, unitNorm } from "@bgpt/kernels";
import { engineTest } from "../engines.ts";
import { anyThreadsTest } from "./any_threads.ts";
import { assertClose, randomFloats, runKernel } from "./compare.ts";

engineTest("a matrix made as long as 1 equals the reference at any size and scale", async (engine) => {
  const length = fc.oneof(
    fc.constantFrom(1, 15, 16, 17, 257, 1024, 1025, 70_000, 263_171),
    fc.integer({ min: 1, max: 5000 }),
  );
  const scale = fc.constantFrom(1e-12, 1, 1e6);
  const cases = fc.asyncProperty(length, scale, fc.nat(), async (length, scale, seed) => {
    const inputs = { x: randomFloats(length, seed, scale) };
    // Not the scratch, which the reference does without.
    const expected = await runKernel(new ReferenceEngine(), unitNorm, { length }, inputs);
    const actual = await runKernel(engine, unitNorm, { length }, inputs);
    assertClose(actual.x!, expected.x!, unitNorm.tolerance, `${length} numbers up to ${scale}`);
  });
  await fc.assert(cases, { numRuns: 25 });
});

engineTest("its length is 1, and zeros stay zeros", async (engine) => {
  const { x } = await runKernel(engine, unitNorm, { length: 5 }, { x: Float32Array.of(3, 0, -4, 12, 84) });
  assertClose(x!, [3 / 85, 0, -4 / 85, 12 / 85, 84 / 85], { absolute: 1e-7, relative: 0 }, "x");
  const zeros = new Float32Array(130);
  assertEquals((await runKernel(engine, unitNorm, { length: 130 }, { x: zeros })).x, zeros);
});

anyThreadsTest(unitNorm, [5, 1000, 70_001].map((length) => [{ length }, { x: randomFloats(length, 3) }]));
