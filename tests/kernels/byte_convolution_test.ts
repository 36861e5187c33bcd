import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "../fast_check.ts";
import {
  byteConvolution,
  byteConvolutionBackward,
  type ByteConvolutionShape,
  nextByteConvolution,
  type NextByteConvolutionShape,
} from "@bgpt/kernels";
import { engineTest } from "../engines.ts";
import { anyThreadsTest } from "./any_threads.ts";
import { packFiles } from "./attention_cases.ts";
import {
  assertClose,
  compareWithReference,
  randomFloats,
  randomIntegers,
  runKernel,
  type Values,
} from "./compare.ts";

const sizes = {
  S: fc.constantFrom(2, 3, 15, 16),
  V: fc.constantFrom(3, 257),
  C: fc.constantFrom(1, 20, 64, 67),
  W: fc.constantFrom(1, 2, 3, 4, 5, 31, 112),
};
const shape: fc.Arbitrary<ByteConvolutionShape> = fc.record({
  N: fc.oneof(fc.constantFrom(1, 16, 17), fc.integer({ min: 1, max: 40 })),
  ...sizes,
});
const nextShape: fc.Arbitrary<NextByteConvolutionShape> = fc.record({
  B: fc.constantFrom(1, 2, 17),
  L: fc.constantFrom(1, 2, 15),
  ...sizes,
});

/** Files of up to seven patches, and the bytes of each patch again as those behind the patch before. */
function forwardInputs({ N, S, V, C, W }: ByteConvolutionShape, seed: number): Values {
  const firstPatches = packFiles(N, 7, seed % 2, seed);
  return {
    tokens: randomIntegers(N * S, seed, V),
    patches: randomIntegers(N * S, seed + 1, V),
    fileStart: Uint32Array.from({ length: N * S }, (_, row) => S * firstPatches[Math.floor(row / S)]!),
    vectors: randomFloats(V * C, seed + 2),
    weight: randomFloats(W * C, seed + 3),
    x: randomFloats(N * S * C, seed + 4),
  };
}

function backwardInputs(shape: ByteConvolutionShape, seed: number): Values {
  const { x, ...inputs } = forwardInputs(shape, seed);
  return { ...inputs, dx: x!, dWeight: randomFloats(shape.W * shape.C, seed + 5) };
}

/** States have up to L patches, and up to S bytes of the next. */
function nextInputs({ B, L, S, V, C, W }: NextByteConvolutionShape, seed: number): Values {
  return {
    sequences: Uint32Array.from(
      { length: 4 * B },
      (_, i) => randomIntegers(1, seed + i, i % 4 === 0 ? L + 1 : S + 1)[0]!,
    ),
    tokens: randomIntegers(B * S, seed + 1, V),
    patches: randomIntegers(B * L * S, seed + 2, V),
    vectors: randomFloats(V * C, seed + 3),
    weight: randomFloats(W * C, seed + 4),
    x: randomFloats(B * C, seed + 5),
  };
}

engineTest("convolutions of bytes equal the reference at any size", async (engine) => {
  const cases = fc.asyncProperty(shape, fc.nat(), async (shape, seed) => {
    await compareWithReference(engine, byteConvolution, shape, forwardInputs(shape, seed));
  });
  await fc.assert(cases, { numRuns: 25 });
});

engineTest("their gradients equal the reference at any size", async (engine) => {
  const cases = fc.asyncProperty(shape, fc.nat(), async (shape, seed) => {
    await compareWithReference(engine, byteConvolutionBackward, shape, backwardInputs(shape, seed));
  });
  await fc.assert(cases, { numRuns: 20 });
});

engineTest("the convolutions of next bytes equal the reference at any size", async (engine) => {
  const cases = fc.asyncProperty(nextShape, fc.nat(), async (shape, seed) => {
    await compareWithReference(engine, nextByteConvolution, shape, nextInputs(shape, seed));
  });
  await fc.assert(cases, { numRuns: 20 });
});

engineTest("a file of more rows than are gone through at a time equals the reference", async (engine) => {
  const shape = { N: 1100, S: 16, V: 257, C: 3, W: 6 };
  const fileStart = new Uint32Array(1100 * 16).fill(1600, 1600);
  await compareWithReference(engine, byteConvolution, shape, { ...forwardInputs(shape, 1), fileStart });
  const inputs = { ...backwardInputs(shape, 2), fileStart };
  await compareWithReference(engine, byteConvolutionBackward, shape, inputs);
  assertEquals(
    await runKernel(engine, byteConvolutionBackward, shape, inputs),
    await runKernel(engine, byteConvolutionBackward, shape, inputs),
  );
});

engineTest("the next byte's convolution has the bits that it has among all bytes", async (engine) => {
  const L = 3, V = 257;
  for (const [S, C, W] of [[2, 20, 3], [3, 67, 100], [16, 64, 33]] as const) {
    const next = nextInputs({ B: 1, L, S, V, C, W }, 6);
    const patches = next.patches!;
    // The patch behind each, that being made behind the last.
    const tokens = Uint32Array.from([...patches.slice(S), ...next.tokens!]);
    const x = randomFloats(L * S * C, 7);
    const all = await runKernel(engine, byteConvolution, { N: L, S, V, C, W }, {
      ...next,
      tokens,
      fileStart: new Uint32Array(L * S),
      x,
    });
    for (let row = 0; row < L * S; row++) {
      const [patchCount, at] = [Math.floor(row / S) + 1, row % S];
      const own = await runKernel(engine, nextByteConvolution, { B: 1, L, S, V, C, W }, {
        ...next,
        tokens: tokens.slice((patchCount - 1) * S, patchCount * S),
        sequences: Uint32Array.of(patchCount, at, 0, 0),
        x: x.slice(row * C, (row + 1) * C),
      });
      assertEquals(own.x, all.x!.slice(row * C, (row + 1) * C), `row ${row}, ${S} bytes a patch`);
    }
  }
});

engineTest("a row depends on the W bytes before it in its file, and on none behind", async (engine) => {
  const shape = { N: 6, S: 3, V: 7, C: 1, W: 5 };
  const inputs: Values = {
    ...forwardInputs(shape, 8),
    fileStart: Uint32Array.of(0, 0, 0, 0, 0, 0, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6),
  };
  const { x } = await runKernel(engine, byteConvolution, shape, inputs);
  for (let row = 0; row < 18; row++) {
    const tokens = inputs.tokens!.slice(), patches = inputs.patches!.slice();
    if (row % 3 === 0) patches[row + 2] = (patches[row + 2]! + 1) % 7;
    else tokens[row - 1] = (tokens[row - 1]! + 1) % 7;
    const changed = await runKernel(engine, byteConvolution, shape, { ...inputs, tokens, patches });
    const rows = Array.from(x!.keys()).filter((other) => changed.x![other] !== x![other]);
    const end = row < 6 ? 6 : 18;
    const dependent = [0, 1, 2, 3, 4].map((k) => row + k).filter((other) => other < end);
    assertEquals(rows, dependent, `the byte before row ${row} is another`);
  }
});

const threadCases = [
  { N: 70, S: 16, V: 257, C: 67, W: 112 },
  { N: 5, S: 4, V: 257, C: 33, W: 3 },
  { N: 1, S: 2, V: 3, C: 5, W: 1 },
];

anyThreadsTest(byteConvolution, threadCases.map((shape) => [shape, forwardInputs(shape, 1)]));
anyThreadsTest(byteConvolutionBackward, threadCases.map((shape) => [shape, backwardInputs(shape, 2)]));
anyThreadsTest(
  nextByteConvolution,
  [{ B: 2, L: 3, S: 16, V: 257, C: 101, W: 30 }].map((shape) => [shape, nextInputs(shape, 5)]),
);

Deno.test("the gradients are the adjoints of the convolution, which is linear in vectors and in weights", () => {
  const shape = { N: 9, S: 3, V: 7, C: 3, W: 5 };
  const values = backwardInputs(shape, 9);
  const float = (name: string) => Float64Array.from(values[name]!);
  const integer = (name: string) => values[name] as Uint32Array;
  const bytes = { tokens: integer("tokens"), patches: integer("patches"), fileStart: integer("fileStart") };
  const [vectors, weight, dx] = [float("vectors"), float("weight"), float("dx")];
  const x = new Float64Array(dx.length), dRows = new Float64Array(dx.length);
  const dWeight = new Float64Array(weight.length), dVectors = new Float64Array(vectors.length);
  byteConvolution.reference(shape, { ...bytes, vectors, weight, x });
  byteConvolutionBackward.reference(shape, { ...bytes, vectors, weight, dx, dWeight, dVectors, dRows });
  const dot = (a: Float64Array, b: Float64Array) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
  const tolerance = { absolute: 1e-12, relative: 1e-12 };
  assertClose([dot(dWeight, weight)], [dot(dx, x)], tolerance, "product with the weights");
  assertClose([dot(dVectors, vectors)], [dot(dx, x)], tolerance, "product with the vectors");
  assert(dot(dx, x) !== 0, "the product is not zero");
});

Deno.test("a convolution of no bytes, or of a part of one, is refused", () => {
  for (const W of [0, 1.5]) {
    const shape = { N: 1, S: 16, V: 257, C: 4, W };
    const message = `Cannot plan a convolution of ${W} bytes: it must be a whole number, at least 1`;
    assertThrows(() => byteConvolution.operands(shape), RangeError, message);
    assertThrows(() => byteConvolutionBackward.operands(shape), RangeError, message);
    assertThrows(() => nextByteConvolution.operands({ ...shape, B: 1, L: 1 }), RangeError, message);
  }
});
