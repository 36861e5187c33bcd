import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "../fast_check.ts";
import {
  nextByteNgrams,
  type NextByteNgramsShape,
  ngramEmbedding,
  ngramEmbeddingBackward,
  type NgramEmbeddingShape,
  ngramTableRows,
} from "@bgpt/kernels";
import { engineTest } from "../engines.ts";
import { anyThreadsTest } from "./any_threads.ts";
import {
  assertClose,
  compareWithReference,
  randomFloats,
  randomIntegers,
  runKernel,
  type Values,
} from "./compare.ts";

const sizes = {
  S: fc.constantFrom(2, 3, 4, 15, 16),
  C: fc.constantFrom(1, 20, 64, 257),
  rows: fc.constantFrom(1, 2, 256),
};
const shape: fc.Arbitrary<NgramEmbeddingShape> = fc.record({
  N: fc.oneof(fc.constantFrom(1, 15, 16, 17), fc.integer({ min: 1, max: 40 })),
  ...sizes,
});
const nextShape: fc.Arbitrary<NextByteNgramsShape> = fc.record({
  B: fc.constantFrom(1, 2, 17),
  L: fc.constantFrom(1, 2, 15),
  ...sizes,
});

function forwardInputs({ N, S, C, rows }: NgramEmbeddingShape, seed: number): Values {
  return {
    tokens: randomIntegers(N * S, seed, 257),
    patches: randomIntegers(N * S, seed + 1, 257),
    table: randomFloats(ngramTableRows(rows) * C, seed + 2),
    x: randomFloats(N * S * C, seed + 3),
  };
}

function backwardInputs(shape: NgramEmbeddingShape, seed: number): Values {
  const { tokens, patches, table, x } = forwardInputs(shape, seed);
  return { tokens: tokens!, patches: patches!, dTable: table!, dx: x! };
}

/** States have up to L patches, and up to S bytes of the next. */
function nextInputs({ B, L, S, C, rows }: NextByteNgramsShape, seed: number): Values {
  return {
    sequences: Uint32Array.from(
      { length: 4 * B },
      (_, i) => randomIntegers(1, seed + i, i % 4 === 0 ? L + 1 : S + 1)[0]!,
    ),
    tokens: randomIntegers(B * S, seed + 1, 257),
    patches: randomIntegers(B * L * S, seed + 2, 257),
    table: randomFloats(ngramTableRows(rows) * C, seed + 3),
    x: randomFloats(B * C, seed + 4),
  };
}

engineTest("n-grams equal the reference at any size", async (engine) => {
  const cases = fc.asyncProperty(shape, fc.nat(), async (shape, seed) => {
    await compareWithReference(engine, ngramEmbedding, shape, forwardInputs(shape, seed));
  });
  await fc.assert(cases, { numRuns: 20 });
});

engineTest("the gradients of n-grams, and their hashes, equal the reference at any size", async (engine) => {
  const cases = fc.asyncProperty(shape, fc.nat(), async (shape, seed) => {
    await compareWithReference(engine, ngramEmbeddingBackward, shape, backwardInputs(shape, seed));
  });
  await fc.assert(cases, { numRuns: 15 });
});

engineTest("the n-grams of next bytes equal the reference at any size", async (engine) => {
  const cases = fc.asyncProperty(nextShape, fc.nat(), async (shape, seed) => {
    await compareWithReference(engine, nextByteNgrams, shape, nextInputs(shape, seed));
  });
  await fc.assert(cases, { numRuns: 20 });
});

engineTest(
  "sums of more rows than are sorted at a time equal the reference, twice the same bits",
  async (engine) => {
    const shape = { N: 1100, S: 16, C: 5, rows: 2 };
    const inputs = backwardInputs(shape, 3);
    await compareWithReference(engine, ngramEmbeddingBackward, shape, inputs);
    assertEquals(
      await runKernel(engine, ngramEmbeddingBackward, shape, inputs),
      await runKernel(engine, ngramEmbeddingBackward, shape, inputs),
    );
  },
);

engineTest("the gradient of the largest table equals the reference", async (engine) => {
  const shape = { N: 7, S: 16, C: 4, rows: 65536 };
  await compareWithReference(engine, ngramEmbeddingBackward, shape, backwardInputs(shape, 4));
});

engineTest("the next byte's n-grams have the bits that they have among all bytes", async (engine) => {
  const L = 3, rows = 256;
  for (const [S, C] of [[2, 20], [3, 67], [16, 64]] as const) {
    const next = nextInputs({ B: 1, L, S, C, rows }, 6);
    const x = randomFloats(S * C, 7);
    for (const patchCount of [1, L]) {
      const all = await runKernel(engine, ngramEmbedding, { N: 1, S, C, rows }, {
        ...next,
        patches: next.patches!.slice((patchCount - 1) * S, patchCount * S),
        x,
      });
      for (let at = 0; at < S; at++) {
        const row = await runKernel(engine, nextByteNgrams, { B: 1, L, S, C, rows }, {
          ...next,
          sequences: Uint32Array.of(patchCount, at, 0, 0),
          x: x.slice(at * C, (at + 1) * C),
        });
        assertEquals(row.x, all.x!.slice(at * C, (at + 1) * C));
      }
    }
  }
});

engineTest("a row depends on the four bytes before it, and on none behind", async (engine) => {
  for (const S of [2, 3, 5, 16]) {
    const shape = { N: 2, S, C: 1, rows: 65536 };
    const inputs = forwardInputs(shape, 8);
    const { x } = await runKernel(engine, ngramEmbedding, shape, inputs);
    // Places of a run: the S bytes of the second patch before, then those of the second patch.
    for (let place = 0; place < 2 * S; place++) {
      const patches = inputs.patches!.slice(), tokens = inputs.tokens!.slice();
      if (place < S) patches[S + place]! ^= 1;
      else tokens[place]! ^= 1;
      const changed = await runKernel(engine, ngramEmbedding, shape, { ...inputs, tokens, patches });
      const rows = Array.from(x!.keys()).filter((row) => changed.x![row] !== x![row]);
      const dependent = [1, 2, 3, 4].map((k) => place + k).filter((row) => row >= S && row < 2 * S);
      assertEquals(rows, dependent, `${S} bytes a patch, byte ${place} of the run is another`);
    }
  }
});

anyThreadsTest(
  ngramEmbedding,
  [{ N: 5, S: 4, C: 33, rows: 16 }, { N: 1, S: 2, C: 5, rows: 1 }].map((
    shape,
  ) => [shape, forwardInputs(shape, 1)]),
);

anyThreadsTest(
  ngramEmbeddingBackward,
  [{ N: 70, S: 16, C: 161, rows: 16 }, { N: 1200, S: 16, C: 64, rows: 2 }, { N: 1, S: 2, C: 5, rows: 1 }].map(
    (
      shape,
    ) => [shape, backwardInputs(shape, 2)],
  ),
);

anyThreadsTest(
  nextByteNgrams,
  [{ B: 2, L: 3, S: 16, C: 101, rows: 64 }].map((shape) => [shape, nextInputs(shape, 5)]),
);

Deno.test("hashes are what their definition says, with 256 for bytes before the patch before", () => {
  /** The definition in whole numbers; `bytes` from the last back. */
  const hashOf = (...bytes: number[]) => {
    let h = 0n;
    for (const byte of bytes.reverse()) {
      h = ((h ^ BigInt(byte + 1)) * 0x9e3779b1n) % 2n ** 32n;
      h ^= h >> 15n;
    }
    return Number(h % 4096n);
  };
  const shape = { N: 1, S: 2, C: 1, rows: 4096 };
  const hashes = new Uint32Array(6);
  ngramEmbeddingBackward.reference(shape, {
    tokens: Uint32Array.of(7, 9),
    patches: Uint32Array.of(200, 256),
    dx: new Float64Array(2),
    dTable: new Float64Array(3 * 4096),
    hashes,
  });
  assertEquals([...hashes], [
    hashOf(256, 200),
    hashOf(7, 256),
    hashOf(256, 200, 256),
    hashOf(7, 256, 200),
    hashOf(256, 200, 256, 256),
    hashOf(7, 256, 200, 256),
  ]);
});

Deno.test("the gradient is the adjoint of the lookup: ⟨dx, lookup(table)⟩ = ⟨gradient(dx), table⟩", () => {
  for (const S of [2, 3, 16]) {
    const shape = { N: 9, S, C: 3, rows: 8 };
    const { tokens, patches, table, x: dx } = forwardInputs(shape, 9);
    const floats = { table: Float64Array.from(table!), dx: Float64Array.from(dx!) };
    const bytes = { tokens: tokens as Uint32Array, patches: patches as Uint32Array };
    const x = new Float64Array(dx!.length), dTable = new Float64Array(table!.length);
    ngramEmbedding.reference(shape, { ...bytes, table: floats.table, x });
    ngramEmbeddingBackward.reference(shape, {
      ...bytes,
      dx: floats.dx,
      dTable,
      hashes: new Uint32Array(27 * S),
    });
    const dot = (a: Float64Array, b: Float64Array) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
    assertClose(
      [dot(floats.dx, x)],
      [dot(dTable, floats.table)],
      { absolute: 1e-12, relative: 1e-12 },
      "product",
    );
    assert(dot(floats.dx, x) !== 0, "the product is not zero");
  }
});

Deno.test("n-grams are refused with a table of no power of two, and with patches that are too short or long", () => {
  const refused: [Partial<NgramEmbeddingShape>, string][] = [
    [{ rows: 0 }, "Cannot plan n-grams with 0 rows a table: it must be a power of two up to 65536"],
    [{ rows: 3 }, "Cannot plan n-grams with 3 rows a table: it must be a power of two up to 65536"],
    [{ rows: 0.5 }, "Cannot plan n-grams with 0.5 rows a table: it must be a power of two up to 65536"],
    [{ rows: 131072 }, "Cannot plan n-grams with 131072 rows a table: it must be a power of two up to 65536"],
    [{ S: 1 }, "Cannot plan n-grams with 1 bytes a patch: it must be 2 to 16"],
    [{ S: 17 }, "Cannot plan n-grams with 17 bytes a patch: it must be 2 to 16"],
  ];
  for (const [part, message] of refused) {
    const shape = { N: 1, S: 16, C: 4, rows: 16, ...part };
    assertThrows(() => ngramEmbedding.operands(shape), RangeError, message);
    assertThrows(() => ngramEmbeddingBackward.operands(shape), RangeError, message);
    assertThrows(() => nextByteNgrams.operands({ ...shape, B: 1, L: 1 }), RangeError, message);
  }
});
