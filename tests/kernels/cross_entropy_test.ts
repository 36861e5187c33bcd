import { assert, assertEquals } from "@std/assert";
import fc from "../fast_check.ts";
import { crossEntropy, encodeStep, ReferenceEngine } from "@bgpt/kernels";
import { engineTest } from "../engines.ts";
import { anyThreadsTest } from "./any_threads.ts";
import {
  assertClose,
  compareWithReference,
  finiteDifferences,
  randomFloats,
  randomIntegers,
  runKernel,
} from "./compare.ts";

const rows = fc.oneof(fc.constantFrom(1, 7, 8, 9, 16, 17, 257), fc.integer({ min: 1, max: 300 }));
const vocabulary = fc.oneof(
  fc.constantFrom(1, 15, 16, 17, 31, 32, 33, 257, 256, 258, 600),
  fc.integer({ min: 1, max: 300 }),
);

/** Random operands; about a third of the rows have weight 0. */
function operandsFor(R: number, V: number, seed: number, scale = 5) {
  return {
    step: encodeStep({ lossScale: 0.25 }),
    logits: randomFloats(R * V, seed, scale),
    targets: randomIntegers(R, seed + 1, V),
    weights: randomFloats(R, seed + 2, 1.5).map((weight) => Math.max(0, weight + 0.5)),
  };
}

engineTest("cross-entropy agrees with the reference at every size", async (engine) => {
  const cases = fc.asyncProperty(rows, vocabulary, fc.nat(), fc.boolean(), async (R, V, seed, gradient) => {
    await compareWithReference(engine, crossEntropy, { R, V, gradient }, operandsFor(R, V, seed));
  });
  await fc.assert(cases, { numRuns: 40 });
});

engineTest("logits of ten thousand give finite losses and exact gradients", async (engine) => {
  const [R, V] = [40, 257];
  const inputs = operandsFor(R, V, 3);
  inputs.logits = inputs.logits.map((logit) => logit < 0 ? -1e4 : 1e4);
  inputs.weights.fill(1);
  inputs.logits.fill(-1e4, 0, V);
  inputs.logits.fill(1e4, V, 2 * V);
  const shape = { R, V, gradient: true };
  const { lossNats, logits } = await runKernel(engine, crossEntropy, shape, inputs);
  const expected = await runKernel(new ReferenceEngine(), crossEntropy, shape, inputs);
  assert(lossNats!.some((loss) => loss > 19_000), "some target must have the low logit");
  assertClose(lossNats!, expected.lossNats!, { absolute: 1e-5, relative: 2e-7 }, "lossNats");
  assertClose(logits!, expected.logits!, crossEntropy.tolerance, "dLogits");
});

engineTest(
  "a row of weight 0 has loss 0 and gradient 0 whatever its logits and target are",
  async (engine) => {
    const [R, V] = [11, 257];
    const inputs = operandsFor(R, V, 4);
    inputs.weights.fill(1);
    for (const [row, logit] of [[2, NaN], [5, Infinity], [10, 3]] as const) {
      inputs.weights[row] = 0;
      inputs.targets[row] = 0xffffffff;
      inputs.logits.fill(logit, row * V, (row + 1) * V);
    }
    for (const device of [engine, new ReferenceEngine()]) {
      const { lossNats, logits } = await runKernel(device, crossEntropy, { R, V, gradient: true }, inputs);
      for (let row = 0; row < R; row++) {
        const zeros = [...logits!.subarray(row * V, (row + 1) * V)].filter((value) => value === 0).length;
        assertEquals([zeros, lossNats![row] === 0], inputs.weights[row] === 0 ? [V, true] : [0, false]);
      }
    }
  },
);

engineTest("the loss has the same bits with and without the gradient, and every time", async (engine) => {
  const [R, V] = [50, 257];
  const inputs = operandsFor(R, V, 5);
  const run = (gradient: boolean) => runKernel(engine, crossEntropy, { R, V, gradient }, inputs);
  const [first, second, alone] = [await run(true), await run(true), await run(false)];
  assertEquals(first, second);
  assertEquals(first.lossNats, alone.lossNats);
});

anyThreadsTest(
  crossEntropy,
  [[1, 1], [7, 17], [300, 257]].flatMap(([R, V]) =>
    [true, false].map((gradient) => [{ R: R!, V: V!, gradient }, operandsFor(R!, V!, 8)] as const)
  ),
);

engineTest(
  "a row that is not a number has a loss that is not a number, and no other row has",
  async (engine) => {
    const [R, V] = [9, 257];
    for (const at of [0, 3, 100, 256]) {
      const inputs = operandsFor(R, V, 9);
      inputs.weights.fill(1);
      inputs.logits[4 * V + at] = NaN;
      const { lossNats } = await runKernel(engine, crossEntropy, { R, V, gradient: false }, inputs);
      assertEquals(Array.from(lossNats!, Number.isNaN), Array.from({ length: R }, (_, r) => r === 4));
    }
  },
);

Deno.test("cross-entropy of equal logits is log V", async () => {
  const inputs = { ...operandsFor(2, 257, 6), logits: new Float32Array(514), weights: Float32Array.of(1, 2) };
  const shape = { R: 2, V: 257, gradient: false };
  const { lossNats } = await runKernel(new ReferenceEngine(), crossEntropy, shape, inputs);
  assertClose(lossNats!, [Math.log(257), 2 * Math.log(257)], { absolute: 1e-6, relative: 0 }, "lossNats");
});

Deno.test("dLogits is the derivative of the loss times its scale", () => {
  const [R, V] = [4, 9];
  const { step, targets, ...floats } = operandsFor(R, V, 7, 2);
  const inputs = {
    targets,
    logits: Float64Array.from(floats.logits),
    weights: Float64Array.of(1, 0, 0.5, 2),
  };
  const dLogits = inputs.logits.slice();
  const operands = { ...inputs, step, logits: dLogits, lossNats: new Float64Array(R) };
  crossEntropy.reference({ R, V, gradient: true }, operands);
  const expected = finiteDifferences(crossEntropy, { R, V, gradient: false }, inputs, {
    operand: "logits",
    output: "lossNats",
    weights: new Float64Array(R).fill(0.25),
    indices: Array.from({ length: R * V }, (_, i) => i),
  });
  assertClose(dLogits, expected, { absolute: 1e-9, relative: 1e-7 }, "dLogits");
  assert(expected.some((value) => Math.abs(value) > 0.1), "a test of zeros is no test");
});
