import { assert, assertEquals } from "@std/assert";
import fc from "../fast_check.ts";
import { patchEmbedding, patchEmbeddingBackward, type PatchEmbeddingShape } from "@bgpt/kernels";
import { engineTest } from "../engines.ts";
import { anyThreadsTest } from "./any_threads.ts";
import {
  assertClose,
  compareWithReference,
  finiteDifferences,
  randomFloats,
  randomIntegers,
  runKernel,
  type Values,
} from "./compare.ts";

const shape: fc.Arbitrary<PatchEmbeddingShape> = fc.record({
  P: fc.oneof(fc.constantFrom(1, 15, 16, 17, 257, 1030), fc.integer({ min: 1, max: 300 })),
  S: fc.constantFrom(1, 2, 8, 16),
  V: fc.constantFrom(1, 3, 17, 257),
  C: fc.oneof(fc.constantFrom(1, 15, 16, 17, 257, 260), fc.integer({ min: 1, max: 70 })),
  L: fc.constantFrom(0, 1, 7, 64),
}).filter(({ P, S, V, C }) => S * V * (P + C) < 400_000);

/** The first patch of each patch's file, for files of random sizes from 1 to L patches, or P without positions. */
function randomFileStart(P: number, L: number, seed: number): Uint32Array {
  const sizes = randomIntegers(P, seed, L || P);
  const fileStart = new Uint32Array(P);
  for (let p = 0, start = 0, file = 0; p < P; p++) {
    if (p - start > sizes[file]!) {
      start = p;
      file++;
    }
    fileStart[p] = start;
  }
  return fileStart;
}

function forwardInputs({ P, S, V, C, L }: PatchEmbeddingShape, seed: number): Values {
  return {
    tokens: randomIntegers(P * S, seed, V),
    fileStart: randomFileStart(P, L, seed + 1),
    table: randomFloats(S * V * C, seed + 2),
    bias: randomFloats(C, seed + 3),
    ...(L > 0 ? { positions: randomFloats(L * C, seed + 4) } : {}),
  };
}

function backwardInputs({ P, S, V, C, L }: PatchEmbeddingShape, seed: number): Values {
  return {
    tokens: randomIntegers(P * S, seed, V),
    fileStart: randomFileStart(P, L, seed + 1),
    dx: randomFloats(P * C, seed + 2),
    dTable: randomFloats(S * V * C, seed + 3),
    dBias: randomFloats(C, seed + 4),
    ...(L > 0 ? { dPositions: randomFloats(L * C, seed + 5) } : {}),
  };
}

engineTest("patch embeddings equal the reference at any size", async (engine) => {
  const cases = fc.asyncProperty(shape, fc.nat(), async (shape, seed) => {
    await compareWithReference(engine, patchEmbedding, shape, forwardInputs(shape, seed));
  });
  await fc.assert(cases, { numRuns: 30 });
});

engineTest(
  "the gradients of patch embeddings are added to what is there, at any size",
  async (engine) => {
    const cases = fc.asyncProperty(shape, fc.nat(), async (shape, seed) => {
      await compareWithReference(engine, patchEmbeddingBackward, shape, backwardInputs(shape, seed));
    });
    await fc.assert(cases, { numRuns: 30 });
  },
);

engineTest(
  "a byte that fills every patch gets the sum of all their gradients, twice the same bits",
  async (engine) => {
    const shape = { P: 4100, S: 2, V: 5, C: 20, L: 4100 };
    const inputs = backwardInputs(shape, 8);
    inputs.tokens!.fill(3);
    await compareWithReference(engine, patchEmbeddingBackward, shape, inputs);
    const [first, second] = [
      await runKernel(engine, patchEmbeddingBackward, shape, inputs),
      await runKernel(engine, patchEmbeddingBackward, shape, inputs),
    ];
    assertEquals(first, second);
  },
);

anyThreadsTest(
  patchEmbedding,
  [{ P: 19, S: 4, V: 17, C: 33, L: 7 }, { P: 19, S: 4, V: 17, C: 65, L: 0 }].map((
    shape,
  ) => [shape, forwardInputs(shape, 1)]),
);

anyThreadsTest(
  patchEmbeddingBackward,
  [
    { P: 700, S: 3, V: 5, C: 97, L: 7 },
    { P: 700, S: 3, V: 5, C: 97, L: 0 },
    { P: 1, S: 1, V: 1, C: 1, L: 1 },
  ].map((shape) => [shape, backwardInputs(shape, 2)]),
);

Deno.test("a patch embedding is the published product of the one-hot patch with the transposed table", () => {
  const shape = { P: 7, S: 3, V: 5, C: 4, L: 4 };
  const inputs = forwardInputs(shape, 1) as Record<string, Float32Array>;
  const x = new Float64Array(shape.P * shape.C);
  patchEmbedding.reference(shape, { ...inputs, x } as never);
  const { P, S, V, C } = shape;
  const expected = Float64Array.from({ length: P * C }, (_, i) => {
    const [p, c] = [Math.floor(i / C), i % C];
    const oneHot = new Float64Array(S * V);
    for (let s = 0; s < S; s++) oneHot[s * V + inputs.tokens![p * S + s]!] = 1;
    const product = oneHot.reduce((sum, h, k) => sum + h * inputs.table![k * C + c]!, 0);
    return product + inputs.bias![c]! + inputs.positions![(p - inputs.fileStart![p]!) * C + c]!;
  });
  assertClose(x, expected, { absolute: 1e-12, relative: 0 }, "x");
});

Deno.test("the position of a patch counts from the start of its own file", () => {
  const shape = { P: 5, S: 1, V: 2, C: 1, L: 3 };
  const x = new Float64Array(5);
  patchEmbedding.reference(shape, {
    tokens: new Uint32Array(5),
    fileStart: Uint32Array.of(0, 0, 2, 2, 2),
    table: new Float64Array(2),
    bias: new Float64Array(1),
    positions: Float64Array.of(10, 11, 12),
    x,
  });
  assertEquals([...x], [10, 11, 10, 11, 12]);
});

Deno.test("without positions a patch has the same embedding wherever it stands", () => {
  const shape = { P: 5, S: 1, V: 2, C: 1, L: 0 };
  const x = new Float64Array(5);
  patchEmbedding.reference(shape, {
    tokens: Uint32Array.of(0, 1, 0, 1, 0),
    fileStart: Uint32Array.of(0, 0, 2, 2, 2),
    table: Float64Array.of(3, 5),
    bias: Float64Array.of(1),
    positions: new Float64Array(),
    x,
  });
  assertEquals([...x], [4, 6, 4, 6, 4]);
});

Deno.test("the gradients of patch embeddings equal finite differences of the forward pass", () => {
  assertGradients({ P: 11, S: 3, V: 4, C: 5, L: 6 });
});

Deno.test("so they do without positions", () => {
  assertGradients({ P: 11, S: 3, V: 4, C: 5, L: 0 });
});

/** Holds the gradients of the reference against central differences of its forward pass. */
function assertGradients(shape: PatchEmbeddingShape): void {
  const { P, S, V, C, L } = shape;
  const given = forwardInputs(shape, 5);
  const inputs: Record<string, Float64Array | Uint32Array> = {
    tokens: given.tokens as Uint32Array,
    fileStart: given.fileStart as Uint32Array,
    table: Float64Array.from(given.table!),
    bias: Float64Array.from(given.bias!),
    positions: Float64Array.from(given.positions ?? []),
  };
  const weights = Float64Array.from(randomFloats(P * C, 6));
  const gradients = {
    dTable: new Float64Array(S * V * C),
    dBias: new Float64Array(C),
    dPositions: new Float64Array(L * C),
  };
  patchEmbeddingBackward.reference(shape, {
    tokens: inputs.tokens as Uint32Array,
    fileStart: inputs.fileStart as Uint32Array,
    dx: weights,
    ...gradients,
  });
  for (
    const [operand, gradient] of [
      ["table", gradients.dTable],
      ["bias", gradients.dBias],
      ["positions", gradients.dPositions],
    ] as const
  ) {
    if (operand === "positions" && L === 0) continue;
    const numeric = finiteDifferences(patchEmbedding, shape, inputs, {
      operand,
      output: "x",
      weights,
      indices: Array.from(gradient.keys()),
    });
    assertClose(gradient, numeric, { absolute: 1e-9, relative: 1e-6 }, operand);
    assert(gradient.some((g) => g !== 0), `the gradient of ${operand} is not zero`);
  }
}
