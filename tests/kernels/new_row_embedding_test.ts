import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { byteEmbedding, lastPatchEmbedding, nextByteEmbedding, patchEmbedding } from "@bgpt/kernels";
import { engineTest } from "../engines.ts";
import { anyThreadsTest } from "./any_threads.ts";
import { compareWithReference, randomFloats, randomIntegers, runKernel, type Values } from "./compare.ts";

interface Sizes {
  readonly B: number;
  readonly L: number;
  readonly S: number;
  readonly V: number;
  readonly C: number;
}

/** Sequences with up to L patches; positions beyond the slot. */
function patchCase({ B, L, S, V, C }: Sizes, seed: number) {
  const shape = { B, L, S, V, C, positionCount: L + 2 };
  const inputs: Values = {
    sequences: randomIntegers(4 * B, seed, L + 1),
    tokens: randomIntegers(B * L * S, seed + 1, V),
    table: randomFloats(S * V * C, seed + 2),
    bias: randomFloats(C, seed + 3),
    positions: randomFloats((L + 2) * C, seed + 4),
  };
  return { shape, inputs };
}

/** Sequences with up to S bytes of a patch. */
function byteCase({ B, S, V, C }: Sizes, seed: number) {
  const shape = { B, S, V, C };
  const inputs: Values = {
    sequences: randomIntegers(4 * B, seed, S + 1),
    tokens: randomIntegers(B * S, seed + 1, V),
    feature: randomFloats(B * C, seed + 2),
    table: randomFloats(V * C, seed + 3),
    positions: randomFloats((S + 1) * C, seed + 4),
  };
  return { shape, inputs };
}

engineTest("new rows are embedded as on the reference", async (engine) => {
  const B = fc.constantFrom(1, 2, 17);
  const L = fc.constantFrom(1, 2, 15, 17);
  const S = fc.constantFrom(1, 2, 16);
  const V = fc.constantFrom(1, 2, 257);
  const C = fc.constantFrom(1, 3, 15, 16, 17, 257);
  const cases = fc.asyncProperty(B, L, S, V, C, fc.nat(), async (B, L, S, V, C, seed) => {
    const patches = patchCase({ B, L, S, V, C }, seed);
    await compareWithReference(engine, lastPatchEmbedding, patches.shape, patches.inputs);
    const bytes = byteCase({ B, L, S, V, C }, seed);
    await compareWithReference(engine, nextByteEmbedding, bytes.shape, bytes.inputs);
  });
  await fc.assert(cases, { numRuns: 25 });
});

engineTest("a new row has the bits that it has among all rows", async (engine) => {
  const sizes = { B: 1, L: 5, S: 16, V: 257, C: 67 };
  const { L, S, C } = sizes;
  const patches = patchCase(sizes, 1);
  const allPatches = await runKernel(engine, patchEmbedding, { P: L, S, V: sizes.V, C, L: L + 2 }, {
    ...patches.inputs,
    fileStart: new Uint32Array(L),
  });
  for (let at = 0; at < L; at++) {
    const inputs = { ...patches.inputs, sequences: Uint32Array.of(at + 1, 0, 0, 0) };
    const { x } = await runKernel(engine, lastPatchEmbedding, patches.shape, inputs);
    assertEquals(x, allPatches.x!.slice(at * C, (at + 1) * C));
  }
  const bytes = byteCase(sizes, 1);
  const allBytes = await runKernel(engine, byteEmbedding, { N: 1, S, V: sizes.V, C }, bytes.inputs);
  for (let at = 0; at < S; at++) {
    const inputs = { ...bytes.inputs, sequences: Uint32Array.of(0, at, 0, 0) };
    const { x } = await runKernel(engine, nextByteEmbedding, bytes.shape, inputs);
    assertEquals(x, allBytes.x!.slice(at * C, (at + 1) * C));
  }
});

const sizes = { B: 2, L: 3, S: 16, V: 257, C: 101 };
const patches = patchCase(sizes, 5);
const bytes = byteCase(sizes, 5);
anyThreadsTest(lastPatchEmbedding, [[patches.shape, patches.inputs]]);
anyThreadsTest(nextByteEmbedding, [[bytes.shape, bytes.inputs]]);
