import { assert, assertEquals } from "@std/assert";
import fc from "../fast_check.ts";
import { fileMean, fileMeanBackward, type FileMeanShape, ReferenceEngine } from "@bgpt/kernels";
import { engineTest } from "../engines.ts";
import { anyThreadsTest } from "./any_threads.ts";
import { assertClose, compareWithReference, finiteDifferences, randomFloats, runKernel } from "./compare.ts";

/** Files back to back of these sizes, then two patches of padding, in a strip with two slots to spare. */
function stripOf(counts: readonly number[], C: number, seed: number) {
  const filled = counts.reduce((sum, count) => sum + count, 0);
  const shape: FileMeanShape = { P: filled + 2, C, B: counts.length + 2 };
  const firstPatch = new Uint32Array(shape.B);
  const patchCount = new Uint32Array(shape.B);
  const fileOf = new Uint32Array(shape.P).fill(0xffffffff);
  let first = 0;
  for (const [b, count] of counts.entries()) {
    firstPatch[b] = first;
    patchCount[b] = count;
    fileOf.fill(b, first, first += count);
  }
  const x = randomFloats(shape.P * C, seed);
  const dMean = randomFloats(shape.B * C, seed + 1);
  return { shape, forward: { x, firstPatch, patchCount }, backward: { dMean, fileOf, patchCount } };
}

const counts = fc.array(fc.oneof(fc.constantFrom(1, 15, 16, 17, 257), fc.integer({ min: 1, max: 600 })), {
  minLength: 1,
  maxLength: 5,
});
const channels = fc.oneof(fc.constantFrom(1, 15, 16, 17, 64, 65, 257), fc.integer({ min: 1, max: 100 }));

engineTest("means of files and their gradients agree with the reference at every size", async (engine) => {
  const cases = fc.asyncProperty(counts, channels, fc.nat(), async (counts, C, seed) => {
    const { shape, forward, backward } = stripOf(counts, C, seed);
    await compareWithReference(engine, fileMean, shape, forward);
    await compareWithReference(engine, fileMeanBackward, shape, backward);
  });
  await fc.assert(cases, { numRuns: 20 });
});

engineTest("a file has the same mean, bit for bit, alone and among others", async (engine) => {
  const C = 65;
  const { shape, forward } = stripOf([3, 300, 17], C, 1);
  const { mean } = await runKernel(engine, fileMean, shape, forward);
  const alone = await runKernel(engine, fileMean, { P: 300, C, B: 1 }, {
    x: forward.x.slice(3 * C, 303 * C),
    firstPatch: Uint32Array.of(0),
    patchCount: Uint32Array.of(300),
  });
  assertEquals(mean!.slice(C, 2 * C), alone.mean);
});

engineTest("a slot without a file has mean 0, and padding has gradient 0", async (engine) => {
  const C = 17;
  const { shape, forward, backward } = stripOf([2, 5], C, 2);
  forward.x.fill(NaN, 7 * C);
  const { mean } = await runKernel(engine, fileMean, shape, forward);
  assert(mean!.subarray(2 * C).every((value) => value === 0));
  assert(mean!.subarray(0, 2 * C).every(Number.isFinite));
  const { dx } = await runKernel(engine, fileMeanBackward, shape, backward);
  assert(dx!.subarray(7 * C).every((value) => value === 0));
});

engineTest("the mean of four thousand equal patches is that patch to 1e-6", async (engine) => {
  const [P, C] = [4_000, 3];
  const inputs = {
    x: new Float32Array(P * C).fill(0.1),
    firstPatch: Uint32Array.of(0),
    patchCount: Uint32Array.of(P),
  };
  const { mean } = await runKernel(engine, fileMean, { P, C, B: 1 }, inputs);
  assertClose(mean!, [0.1, 0.1, 0.1], { absolute: 0, relative: 1e-6 }, "mean");
});

for (const [C, counts] of [[1, [1]], [17, [300, 2]], [130, [9, 65, 1]]] as const) {
  const { shape, forward, backward } = stripOf(counts, C, 3);
  anyThreadsTest(fileMean, [[shape, forward]]);
  anyThreadsTest(fileMeanBackward, [[shape, backward]]);
}

Deno.test("dx is the derivative of the mean", async () => {
  const { shape, forward, backward } = stripOf([1, 4], 3, 4);
  const { dx } = await runKernel(new ReferenceEngine(), fileMeanBackward, shape, backward);
  const inputs = { ...forward, x: Float64Array.from(forward.x) };
  const expected = finiteDifferences(fileMean, shape, inputs, {
    operand: "x",
    output: "mean",
    weights: Float64Array.from(backward.dMean),
    indices: Array.from({ length: shape.P * shape.C }, (_, i) => i),
  });
  assertClose(dx!, expected, { absolute: 1e-7, relative: 1e-6 }, "dx");
  assert(expected.some((value) => Math.abs(value) > 0.1), "a test of zeros is no test");
});
