import { assert } from "@std/assert";
import fc from "../fast_check.ts";
import { newtonSchulz } from "@bgpt/kernels";
import { engineTest } from "../engines.ts";
import { anyThreadsTest } from "./any_threads.ts";
import { compareWithReference, randomFloats } from "./compare.ts";

/** Any two matrices: the polynomial itself does not ask where they come from. */
function inputs(n: number, seed: number) {
  return { gram: randomFloats(n * n, seed), square: randomFloats(n * n, seed + 1) };
}

engineTest("the polynomial of Newton and Schulz equals the reference at any size", async (engine) => {
  const n = fc.oneof(fc.constantFrom(1, 15, 16, 17, 257), fc.integer({ min: 1, max: 90 }));
  const cases = fc.asyncProperty(n, fc.nat(), async (n, seed) => {
    await compareWithReference(engine, newtonSchulz, { n }, inputs(n, seed));
  });
  await fc.assert(cases, { numRuns: 20 });
});

anyThreadsTest(newtonSchulz, [1, 18, 67].map((n) => [{ n }, inputs(n, 4)]));

Deno.test("five steps take singular values from 0.002 to 1 to about 1", () => {
  // A matrix [1, 1] is its own singular value.
  for (const start of [0.002, 0.003, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 1]) {
    let value = start;
    for (let i = 0; i < 5; i++) {
      const square = Float64Array.of(value ** 4);
      newtonSchulz.reference({ n: 1 }, { gram: Float64Array.of(value ** 2), square });
      value *= square[0]!;
    }
    assert(value > 0.6 && value < 1.21, `${start} became ${value}`);
  }
});
