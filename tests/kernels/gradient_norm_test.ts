import { assert, assertEquals } from "@std/assert";
import fc from "../fast_check.ts";
import { encodeStep, type Engine, gradientNorm, ReferenceEngine } from "@bgpt/kernels";
import { engineTest } from "../engines.ts";
import { anyThreadsTest } from "./any_threads.ts";
import { assertClose, randomFloats, runKernel } from "./compare.ts";

const length = fc.oneof(
  fc.constantFrom(1, 15, 16, 17, 257, 4096, 4097, 8192, 100_000),
  fc.integer({ min: 1, max: 30_000 }),
);

/** Norm and scale; scratch is the engine's own affair. */
async function normOf(engine: Engine, gradients: Float32Array, maxGradientNorm = 0): Promise<number[]> {
  const inputs = { step: encodeStep({ maxGradientNorm }), gradients };
  const { norm } = await runKernel(engine, gradientNorm, { length: gradients.length }, inputs);
  return [...norm!];
}

engineTest("the gradient norm and its scale agree with the reference", async (engine) => {
  const cases = fc.asyncProperty(
    length,
    fc.nat(),
    fc.constantFrom(0, 1, 1e6),
    async (length, seed, largest) => {
      const gradients = randomFloats(length, seed, 10 ** (seed % 9 - 4));
      const [norm, scale] = await normOf(engine, gradients, largest);
      const [expectedNorm, expectedScale] = await normOf(new ReferenceEngine(), gradients, largest);
      assertClose([norm!], [expectedNorm!], gradientNorm.tolerance, "norm");
      assertClose([scale!], [expectedScale!], gradientNorm.tolerance, "scale");
    },
  );
  await fc.assert(cases, { numRuns: 40 });
});

engineTest(
  "five million equal gradients have the right norm, with the same bits every time",
  async (engine) => {
    const gradients = new Float32Array(5_000_192).fill(0.1);
    const [norm] = await normOf(engine, gradients);
    assertClose([norm!], [Math.fround(0.1) * Math.sqrt(gradients.length)], gradientNorm.tolerance, "norm");
    assertEquals(norm, (await normOf(engine, gradients))[0]);
  },
);

engineTest("one gradient that is not finite, wherever it stands, makes the scale −1", async (engine) => {
  for (const length of [1, 257, 20_000, 5_000_192]) {
    for (const value of [Infinity, -Infinity, NaN, 3e38]) {
      for (const at of new Set([0, length >> 1, length - 1])) {
        if (length > 1e6 && at === 0) continue;
        const gradients = randomFloats(Math.min(length, 20_000), length);
        const all = new Float32Array(length);
        all.set(gradients);
        all[at] = value;
        const [norm, scale] = await normOf(engine, all, length % 2);
        assertEquals(scale, -1, `${value} at ${at} of ${length}`);
        assert(!Number.isFinite(norm), `the norm is ${norm}`);
      }
    }
  }
});

anyThreadsTest(
  gradientNorm,
  [1, 17, 100_003].map((length) => [
    { length },
    { step: encodeStep({ maxGradientNorm: 1 }), gradients: randomFloats(length, 3) },
  ]),
);

Deno.test("the scale clips as torch does, and tells a norm that is not finite", async () => {
  const reference = new ReferenceEngine();
  const gradients = Float32Array.of(3, 0, -4, 0);
  assertEquals(await normOf(reference, gradients), [5, 1]);
  assertEquals(await normOf(reference, gradients, 6), [5, 1]);
  assertEquals(await normOf(reference, gradients, 1), [5, Math.fround(1 / (5 + 1e-6))]);
  assertEquals(await normOf(reference, Float32Array.of(1, Infinity), 1), [Infinity, -1]);
  assertEquals(await normOf(reference, Float32Array.of(1, NaN), 0), [NaN, -1]);
});
