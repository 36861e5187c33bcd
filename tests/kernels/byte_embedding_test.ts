import { assert, assertEquals } from "@std/assert";
import fc from "../fast_check.ts";
import {
  byteEmbedding,
  byteEmbeddingBackward,
  type ByteEmbeddingShape,
  type Engine,
  ReferenceEngine,
} from "@bgpt/kernels";
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

const feature = "every" as const;

const shape: fc.Arbitrary<ByteEmbeddingShape> = fc.record({
  feature: fc.constantFrom("every" as const, undefined),
  N: fc.oneof(fc.constantFrom(1, 15, 16, 17, 257, 300), fc.integer({ min: 1, max: 40 })),
  S: fc.constantFrom(2, 3, 8, 16),
  V: fc.constantFrom(1, 3, 17, 257),
  C: fc.oneof(fc.constantFrom(1, 15, 16, 17, 257, 260), fc.integer({ min: 1, max: 70 })),
}).filter(({ N, S, V, C }) => S * (V + N) * (N + C) < 1_000_000)
  .map(({ feature, ...sizes }) => feature === undefined ? sizes : { ...sizes, feature });

/** The bytes that a row takes: with the feature on every row also those of the patch before. */
function tokenInputs({ N, S, V, feature }: ByteEmbeddingShape, seed: number): Values {
  const tokens = randomIntegers(N * S, seed, V);
  return feature === undefined ? { tokens } : { tokens, patches: randomIntegers(N * S, seed + 4, V) };
}

function forwardInputs(shape: ByteEmbeddingShape, seed: number): Values {
  const { N, S, V, C } = shape;
  return {
    ...tokenInputs(shape, seed),
    feature: randomFloats(N * C, seed + 1),
    table: randomFloats(V * C, seed + 2),
    positions: randomFloats((S + 1) * C, seed + 3),
  };
}

function backwardInputs(shape: ByteEmbeddingShape, seed: number): Values {
  const { N, S, V, C } = shape;
  return {
    ...tokenInputs(shape, seed),
    dx: randomFloats(N * S * C, seed + 1),
    dTable: randomFloats(V * C, seed + 2),
    dPositions: randomFloats((S + 1) * C, seed + 3),
  };
}

/** Compares everything but the scratch, which the reference does without. */
async function compareGradients(engine: Engine, shape: ByteEmbeddingShape, inputs: Values): Promise<void> {
  const expected = await runKernel(new ReferenceEngine(), byteEmbeddingBackward, shape, inputs);
  const actual = await runKernel(engine, byteEmbeddingBackward, shape, inputs);
  for (const name of ["dFeature", "dTable", "dPositions"]) {
    const what = `${name} at ${JSON.stringify(shape)}`;
    assertClose(actual[name]!, expected[name]!, byteEmbeddingBackward.tolerance, what);
  }
  if (engine.name === "gpu") {
    assert(actual.scratch!.every((value) => !Number.isNaN(value)), "every element of the scratch is written");
  }
}

engineTest("byte embeddings equal the reference at any size", async (engine) => {
  const cases = fc.asyncProperty(shape, fc.nat(), async (shape, seed) => {
    await compareWithReference(engine, byteEmbedding, shape, forwardInputs(shape, seed));
  });
  await fc.assert(cases, { numRuns: 30 });
});

engineTest("the gradients of byte embeddings equal the reference at any size", async (engine) => {
  const cases = fc.asyncProperty(shape, fc.nat(), async (shape, seed) => {
    await compareGradients(engine, shape, backwardInputs(shape, seed));
  });
  await fc.assert(cases, { numRuns: 15 });
});

engineTest(
  "a byte that is everywhere gets the sum of all its gradients, twice the same bits",
  async (engine) => {
    for (const shape of [{ N: 2100, S: 4, V: 5, C: 20 }, { N: 2100, S: 4, V: 5, C: 20, feature }]) {
      const inputs = backwardInputs(shape, 8);
      inputs.tokens!.fill(3);
      inputs.patches?.fill(3);
      await compareGradients(engine, shape, inputs);
      const [first, second] = [
        await runKernel(engine, byteEmbeddingBackward, shape, inputs),
        await runKernel(engine, byteEmbeddingBackward, shape, inputs),
      ];
      assertEquals(first, second);
    }
  },
);

anyThreadsTest(
  byteEmbedding,
  [{ N: 5, S: 4, V: 17, C: 33 }, { N: 5, S: 4, V: 17, C: 33, feature }].map((
    shape,
  ) => [shape, forwardInputs(shape, 1)]),
);

anyThreadsTest(
  byteEmbeddingBackward,
  [
    { N: 700, S: 16, V: 17, C: 161 },
    { N: 700, S: 16, V: 17, C: 161, feature },
    { N: 1, S: 2, V: 3, C: 5 },
    { N: 1200, S: 16, V: 3, C: 64 },
    { N: 1200, S: 16, V: 3, C: 64, feature },
  ].map((shape) => [shape, backwardInputs(shape, 2)]),
);

Deno.test("the feature stands in place of the first byte, and the last byte is never embedded", () => {
  const x = new Float64Array(6);
  byteEmbedding.reference({ N: 2, S: 3, V: 4, C: 1 }, {
    tokens: Uint32Array.of(1, 2, 3, 0, 1, 2),
    patches: new Uint32Array(),
    feature: Float64Array.of(1000, 2000),
    table: Float64Array.of(100, 200, 300, 400),
    positions: Float64Array.of(1, 2, 3, 4),
    x,
  });
  assertEquals([...x], [1001, 202, 303, 2001, 102, 203]);
});

Deno.test("with the feature on every row, the first row takes the last byte of the patch before", () => {
  const x = new Float64Array(6);
  byteEmbedding.reference({ N: 2, S: 3, V: 4, C: 1, feature }, {
    tokens: Uint32Array.of(1, 2, 3, 0, 1, 2),
    patches: Uint32Array.of(0, 0, 3, 0, 0, 2),
    feature: Float64Array.of(1000, 2000),
    table: Float64Array.of(100, 200, 300, 400),
    positions: Float64Array.of(1, 2, 3, 4),
    x,
  });
  assertEquals([...x], [1401, 1202, 1303, 2301, 2102, 2203]);
});

Deno.test("the gradients of byte embeddings equal finite differences of the forward pass", () => {
  assertGradients({ N: 7, S: 4, V: 5, C: 3 });
});

Deno.test("so they do with the feature on every row", () => {
  assertGradients({ N: 7, S: 4, V: 5, C: 3, feature });
});

/** Holds the gradients of the reference against central differences of its forward pass. */
function assertGradients(shape: ByteEmbeddingShape): void {
  const { N, S, V, C } = shape;
  const given = forwardInputs(shape, 5);
  const inputs: Record<string, Float64Array | Uint32Array> = {
    tokens: given.tokens as Uint32Array,
    patches: (given.patches ?? new Uint32Array()) as Uint32Array,
    feature: Float64Array.from(given.feature!),
    table: Float64Array.from(given.table!),
    positions: Float64Array.from(given.positions!),
  };
  const weights = Float64Array.from(randomFloats(N * S * C, 6));
  const gradients = {
    dFeature: new Float64Array(N * C),
    dTable: new Float64Array(V * C),
    dPositions: new Float64Array((S + 1) * C),
  };
  byteEmbeddingBackward.reference(shape, {
    tokens: inputs.tokens as Uint32Array,
    patches: inputs.patches as Uint32Array,
    dx: weights,
    scratch: new Float64Array(),
    ...gradients,
  });
  for (
    const [operand, gradient] of [
      ["feature", gradients.dFeature],
      ["table", gradients.dTable],
      ["positions", gradients.dPositions],
    ] as const
  ) {
    const numeric = finiteDifferences(byteEmbedding, shape, inputs, {
      operand,
      output: "x",
      weights,
      indices: Array.from(gradient.keys()),
    });
    assertClose(gradient, numeric, { absolute: 1e-9, relative: 1e-6 }, operand);
    assert(gradient.some((g) => g !== 0), `the gradient of ${operand} is not zero`);
  }
}
