import { assert, assertEquals } from "@std/assert";
import fc from "../fast_check.ts";
import { dropout, dropoutFactor, encodeStep, randomUniform } from "@bgpt/kernels";
import { engineTest } from "../engines.ts";
import { anyThreadsTest } from "./any_threads.ts";
import { compareWithReference, randomFloats, runKernel } from "./compare.ts";

const length = fc.oneof(fc.constantFrom(1, 15, 16, 17, 255, 256, 257), fc.integer({ min: 1, max: 5000 }));

engineTest("dropout clears and scales the same elements as the reference", async (engine) => {
  const cases = fc.asyncProperty(length, fc.nat(), fc.boolean(), async (length, seed, residual) => {
    const step = encodeStep({ dropoutSeed: seed, dropoutRate: (seed % 10) / 10 });
    const inputs = { step, x: randomFloats(length, seed), residual: randomFloats(length, seed + 1) };
    await compareWithReference(engine, dropout, { length, stream: seed % 7, residual }, inputs);
  });
  await fc.assert(cases, { numRuns: 30 });
});

engineTest(
  "dropout clears exactly the elements of the reference, also where the rate is one of its random numbers",
  async (engine) => {
    const length = 1003;
    const seed = 12345;
    // A random number below 1/4 leaves f32 room for a rate between it and the next one.
    const numbers = Array.from({ length }, (_, i) => randomUniform(i, 3, seed));
    const u = numbers.find((number) => number > 0.1 && number < 0.25)!;
    for (const dropoutRate of [0, 2 ** -24, u - 2 ** -26, u, u + 2 ** -26, 0.1, 0.5, 1 - 2 ** -24]) {
      const inputs = {
        step: encodeStep({ dropoutSeed: seed, dropoutRate }),
        x: new Float32Array(length).fill(1),
      };
      const { y } = await runKernel(engine, dropout, { length, stream: 3, residual: false }, inputs);
      const rate = Math.fround(dropoutRate);
      const kept = Array.from({ length }, (_, i) => dropoutFactor(i, 3, seed, rate) !== 0);
      assertEquals(Array.from(y!, (value) => value !== 0), kept, `rate ${dropoutRate}`);
    }
  },
);

anyThreadsTest(
  dropout,
  [1, 17, 5003].map((length) => [
    { length, stream: 2, residual: length > 1 },
    {
      step: encodeStep({ dropoutSeed: 9, dropoutRate: 0.3 }),
      x: randomFloats(length, 1),
      residual: randomFloats(length, 2),
    },
  ]),
);

Deno.test("dropout clears the stated share of elements, another set for another stream and seed", () => {
  const count = 100_000;
  const cleared = (stream: number, seed: number) =>
    Array.from({ length: count }, (_, i) => dropoutFactor(i, stream, seed, 0.1) === 0);
  const [a, b, c] = [cleared(0, 1), cleared(1, 1), cleared(0, 2)];
  const share = (mask: boolean[]) => mask.filter(Boolean).length / count;
  for (const mask of [a, b, c]) assert(Math.abs(share(mask) - 0.1) < 0.004, `share ${share(mask)}`);
  for (const other of [b, c]) {
    const both = share(a.map((cleared, i) => cleared && other[i]!));
    assert(Math.abs(both - 0.01) < 0.0015, `two masks share ${both}`);
  }
});
