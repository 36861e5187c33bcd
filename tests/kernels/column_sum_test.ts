import { assertEquals } from "@std/assert";
import fc from "../fast_check.ts";
import { columnSum, columnSumScratchLength } from "@bgpt/kernels";
import { engineTest } from "../engines.ts";
import { anyThreadsTest } from "./any_threads.ts";
import { compareWithReference, randomFloats, runKernel } from "./compare.ts";

const rows = fc.oneof(fc.constantFrom(1, 15, 16, 17, 64, 65, 257, 4097), fc.integer({ min: 1, max: 5000 }));
const columns = fc.oneof(fc.constantFrom(1, 15, 16, 17, 64, 65, 257), fc.integer({ min: 1, max: 100 }));

engineTest(
  "column sums agree with the reference and are added to what stands there",
  async (engine) => {
    const cases = fc.asyncProperty(rows, columns, fc.nat(), async (R, C, seed) => {
      const inputs = { x: randomFloats(R * C, seed), sum: randomFloats(C, seed + 1) };
      await compareWithReference(engine, columnSum, { R, C }, inputs);
    });
    await fc.assert(cases, { numRuns: 25 });
  },
);

engineTest("column sums of the same matrix have the same bits", async (engine) => {
  const shape = { R: 3000, C: 33 };
  const inputs = { x: randomFloats(shape.R * shape.C, 1), sum: randomFloats(shape.C, 2) };
  assertEquals(
    await runKernel(engine, columnSum, shape, inputs),
    await runKernel(engine, columnSum, shape, inputs),
  );
});

anyThreadsTest(
  columnSum,
  [[1, 1], [65, 17], [3000, 257], [4100, 15]].map(([R, C]) => [
    { R: R!, C: C! },
    { x: randomFloats(R! * C!, 3), sum: randomFloats(C!, 4) },
  ]),
);

Deno.test("the reference adds up columns, not rows", () => {
  const shape = { R: 2, C: 3 };
  const sum = Float64Array.of(100, 0, 0);
  const scratch = new Float64Array(columnSumScratchLength(shape)).fill(NaN);
  columnSum.reference(shape, { x: Float64Array.of(1, 2, 3, 4, 5, 6), sum, scratch });
  assertEquals([...sum], [105, 7, 9]);
});
