import { assert } from "@std/assert";
import fc from "fast-check";
import { dropout, dropoutFactor, encodeStep } from "@bgpt/kernels";
import { gpuTest } from "../gpu.ts";
import { compareWithReference, randomFloats } from "./compare.ts";

const length = fc.oneof(fc.constantFrom(1, 15, 16, 17, 255, 256, 257), fc.integer({ min: 1, max: 5000 }));

gpuTest("dropout on the GPU clears and scales the same elements as the reference", async (engine) => {
  const cases = fc.asyncProperty(length, fc.nat(), fc.boolean(), async (length, seed, residual) => {
    const step = encodeStep({ dropoutSeed: seed, dropoutRate: (seed % 10) / 10 });
    const inputs = { step, x: randomFloats(length, seed), residual: randomFloats(length, seed + 1) };
    await compareWithReference(engine, dropout, { length, stream: seed % 7, residual }, inputs);
  });
  await fc.assert(cases, { numRuns: 30 });
});

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
