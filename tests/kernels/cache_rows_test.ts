import { assertEquals } from "@std/assert";
import fc from "../fast_check.ts";
import { cacheRows, ReferenceEngine } from "@bgpt/kernels";
import { cpu, engineTest, strictCpu } from "../engines.ts";
import { anyThreadsTest } from "./any_threads.ts";
import { compareWithReference, randomFloats, runKernel } from "./compare.ts";

engineTest("the first rows of every slot are those of the reference", async (engine) => {
  const count = fc.constantFrom(1, 2, 15, 16, 17);
  const C = fc.constantFrom(1, 4, 67, 257);
  const cases = fc.asyncProperty(count, count, fc.nat(17), C, fc.nat(), async (B, F, others, C, seed) => {
    const shape = { B, F, L: F + others, C };
    const cache = randomFloats(B * shape.L * C, seed);
    await compareWithReference(engine, cacheRows, shape, { cache, rows: randomFloats(B * F * C, seed + 1) });
  });
  await fc.assert(cases, { numRuns: 25 });
});

anyThreadsTest(cacheRows, [
  [{ B: 3, F: 5, L: 7, C: 9 }, { cache: randomFloats(189, 1), rows: randomFloats(135, 2) }],
]);

Deno.test("rows behind the first of a slot stay what they are", async () => {
  const cache = Float32Array.of(0, 1, 2, 3, 4, 5);
  const rows = Float32Array.of(-1, -2, -3, -4);
  for (const engine of [new ReferenceEngine(), cpu, strictCpu]) {
    const results = await runKernel(engine, cacheRows, { B: 2, F: 2, L: 3, C: 1 }, { cache, rows });
    assertEquals([...results.cache!], [-1, -2, 2, -3, -4, 5]);
  }
});
