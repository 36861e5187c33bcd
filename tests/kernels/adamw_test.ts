import { assertEquals } from "@std/assert";
import fc from "../fast_check.ts";
import { adamw, type AdamwShape, encodeStep, type Engine, ReferenceEngine } from "@bgpt/kernels";
import { engineTest } from "../engines.ts";
import { anyThreadsTest } from "./any_threads.ts";
import { assertClose, compareWithReference, randomFloats, runKernel, type Values } from "./compare.ts";

const usual = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };

/** The step buffer of step t, counted from 1. */
function stepAt(t: number, learningRate: number, { beta1, beta2 }: Omit<AdamwShape, "length">): Uint32Array {
  return encodeStep({ learningRate, biasCorrection1: 1 - beta1 ** t, biasCorrection2: 1 - beta2 ** t });
}

function operandsFor(length: number, seed: number) {
  return {
    step: stepAt(1 + seed % 50, 0.01, usual),
    parameters: randomFloats(length, seed),
    gradients: randomFloats(length, seed + 1, 0.1),
    moment1: randomFloats(length, seed + 2, 0.1),
    moment2: randomFloats(length, seed + 3, 0.01).map(Math.abs),
    decay: randomFloats(length / 64, seed + 4).map((decay) => Math.max(0, decay)),
    norm: Float32Array.of(7, 0.7),
  };
}

engineTest("AdamW agrees with the reference", async (engine) => {
  const blocks = fc.oneof(fc.constantFrom(1, 15, 16, 17, 257), fc.integer({ min: 1, max: 500 }));
  const cases = fc.asyncProperty(blocks, fc.nat(), async (blocks, seed) => {
    const length = 64 * blocks;
    await compareWithReference(engine, adamw, { length, ...usual }, operandsFor(length, seed));
  });
  await fc.assert(cases, { numRuns: 20 });
});

/** Steps with a gradient for each; the parameters after each step. */
async function trajectory(
  engine: Engine,
  shape: AdamwShape,
  learningRate: number,
  inputs: Values,
  gradients: Float32Array[],
): Promise<Float32Array[]> {
  let values = inputs;
  const parameters: Float32Array[] = [];
  for (const [i, gradient] of gradients.entries()) {
    const step = stepAt(i + 1, learningRate, shape);
    values = {
      ...values,
      ...await runKernel(engine, adamw, shape, { ...values, step, gradients: gradient }),
    };
    parameters.push(values.parameters as Float32Array);
  }
  return parameters;
}

/** All parameters at `value`, moments 0. */
function start(length: number, value: number, decay: number): Values {
  return {
    parameters: new Float32Array(length).fill(value),
    moment1: new Float32Array(length),
    moment2: new Float32Array(length),
    decay: new Float32Array(length / 64).fill(decay),
    norm: Float32Array.of(1, 1),
  };
}

/**
 * By hand: β₁ = 1/2, β₂ = 3/4, lr = 1/2, decay = 1/2, so each step begins with p · 3/4.
 * Step 1, g = 2: m = 1, v = 1, m̂ = 2, v̂ = 4; p = 4 · 3/4 − 1/2 · 2/2 = 5/2.
 * Step 2, g = −2: m = −1/2, v = 7/4, m̂ = −2/3, v̂ = 4; p = 5/2 · 3/4 + 1/2 · (2/3)/2 = 49/24.
 */
async function followHandComputedSteps(engine: Engine): Promise<void> {
  const shape = { length: 64, beta1: 0.5, beta2: 0.75, epsilon: 1e-8 };
  const gradients = [2, -2].map((g) => new Float32Array(64).fill(g));
  const steps = await trajectory(engine, shape, 0.5, start(64, 4, 0.5), gradients);
  for (const [i, expected] of [5 / 2, 49 / 24].entries()) {
    assertClose(
      steps[i]!,
      new Float32Array(64).fill(expected),
      { absolute: 5e-7, relative: 0 },
      `step ${i + 1}`,
    );
  }
}

Deno.test("two steps computed by hand come out of the reference", async () => {
  await followHandComputedSteps(new ReferenceEngine());
});

engineTest("two steps computed by hand come out of the engine", followHandComputedSteps);

engineTest("twenty steps in f32 stay within 1e-4 of f64, for gradients of 1 to 1e-15", async (engine) => {
  const length = 64 * 16;
  const gradients = Array.from(
    { length: 20 },
    (_, t) => randomFloats(length, t).map((g, i) => g * 10 ** -(i >> 6)),
  );
  const learningRate = 1e-3;
  const inputs = start(length, 0, 0.01);
  const [actual, expected] = [
    await trajectory(engine, { length, ...usual }, learningRate, inputs, gradients),
    await trajectory(new ReferenceEngine(), { length, ...usual }, learningRate, inputs, gradients),
  ];
  for (let block = 0; block < 16; block++) {
    const at = (steps: Float32Array[]) => steps.at(-1)!.subarray(64 * block, 64 * block + 64);
    assertClose(at(actual), at(expected), { absolute: 0, relative: 1e-4 }, `gradients of 1e-${block}`);
  }
});

engineTest("a weight decay of a millionth a step is kept to a hundredth over 20 steps", async (engine) => {
  const inputs = { ...start(64, 0, 0.01), parameters: randomFloats(64, 1) };
  const gradients = Array.from({ length: 20 }, () => new Float32Array(64));
  const last = (await trajectory(engine, { length: 64, ...usual }, 1e-4, inputs, gradients)).at(-1)!;
  const sum = (values: ArrayLike<number>) => Array.from(values).reduce((a, b) => a + Math.abs(b), 0);
  const lost = (sum(inputs.parameters) - sum(last)) / sum(inputs.parameters);
  assertClose([lost / 20], [1e-6], { absolute: 1e-8, relative: 0 }, "share lost a step");
});

engineTest(
  "a negative scale changes nothing, not even through gradients that are not finite",
  async (engine) => {
    const inputs = { ...operandsFor(128, 3), norm: Float32Array.of(NaN, -1) };
    inputs.gradients.fill(NaN, 0, 64).fill(Infinity, 64);
    for (const device of [engine, new ReferenceEngine()]) {
      const after = await runKernel(device, adamw, { length: 128, ...usual }, inputs);
      const { parameters, moment1, moment2 } = inputs;
      assertEquals(after, { parameters, moment1, moment2 });
    }
  },
);

engineTest(
  "blocks of negative decay are left alone, and the others have the bits they have without",
  async (engine) => {
    const inputs = operandsFor(256, 3);
    const shape = { length: 256, ...usual };
    const plain = await runKernel(engine, adamw, shape, inputs);
    const decay = inputs.decay.slice().fill(-1, 1, 3);
    const marked = await runKernel(engine, adamw, shape, { ...inputs, decay });
    for (const name of ["parameters", "moment1", "moment2"] as const) {
      const expected = plain[name]!.slice();
      expected.set(inputs[name].subarray(64, 192), 64);
      assertEquals(marked[name], expected, name);
    }
  },
);

anyThreadsTest(adamw, [64, 64 * 17].map((length) => [{ length, ...usual }, operandsFor(length, 5)]));

engineTest("padding, which is 0 with gradient 0, stays 0", async (engine) => {
  const inputs = { ...start(64, 0, 0.01), gradients: new Float32Array(64), step: stepAt(1, 0.01, usual) };
  const { parameters } = await runKernel(engine, adamw, { length: 64, ...usual }, inputs);
  assertEquals([...parameters!], new Array(64).fill(0));
});
