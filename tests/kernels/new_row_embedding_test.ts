import { assertEquals } from "@std/assert";
import fc from "../fast_check.ts";
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

/** Sequences with up to L patches; positions beyond the slot, or none. */
function patchCase({ B, L, S, V, C }: Sizes, seed: number, positionCount = L + 2) {
  const shape = { B, L, S, V, C, positionCount };
  const inputs: Values = {
    sequences: randomIntegers(4 * B, seed, L + 1),
    tokens: randomIntegers(B * L * S, seed + 1, V),
    table: randomFloats(S * V * C, seed + 2),
    bias: randomFloats(C, seed + 3),
    ...(positionCount > 0 ? { positions: randomFloats(positionCount * C, seed + 4) } : {}),
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

/** The same with the feature on every row, behind up to L patches. */
function runCase(sizes: Sizes, seed: number) {
  const { shape, inputs } = byteCase(sizes, seed);
  const { B, L, S, V } = sizes;
  return {
    shape: { ...shape, L, feature: "every" as const },
    inputs: {
      ...inputs,
      // States with patches up to L, bytes up to S; at 0 in one of three.
      sequences: Uint32Array.from(
        { length: 4 * B },
        (_, i) => i % 4 === 1 ? inputs.sequences![i]! * Number((seed + i) % 3 > 0) : (seed + i) % (L + 1),
      ),
      patches: randomIntegers(B * L * S, seed + 5, V),
    } as Values,
  };
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
    const unplaced = patchCase({ B, L, S, V, C }, seed, 0);
    await compareWithReference(engine, lastPatchEmbedding, unplaced.shape, unplaced.inputs);
    const bytes = byteCase({ B, L, S, V, C }, seed);
    await compareWithReference(engine, nextByteEmbedding, bytes.shape, bytes.inputs);
    const run = runCase({ B, L, S, V, C }, seed);
    await compareWithReference(engine, nextByteEmbedding, run.shape, run.inputs);
  });
  await fc.assert(cases, { numRuns: 25 });
});

for (const positionCount of [7, 0]) {
  const how = positionCount > 0 ? "" : " without positions";
  engineTest(`the last patch has the bits that it has among all patches${how}`, async (engine) => {
    const { B, L, S, V, C } = { B: 1, L: 5, S: 16, V: 257, C: 67 };
    const { shape, inputs } = patchCase({ B, L, S, V, C }, 1, positionCount);
    const fileStart = new Uint32Array(L);
    const all = await runKernel(engine, patchEmbedding, { P: L, S, V, C, L: positionCount }, {
      ...inputs,
      fileStart,
    });
    for (let at = 0; at < L; at++) {
      const sequences = Uint32Array.of(at + 1, 0, 0, 0);
      const { x } = await runKernel(engine, lastPatchEmbedding, shape, { ...inputs, sequences });
      assertEquals(x, all.x!.slice(at * C, (at + 1) * C));
    }
  });
}

engineTest("the next byte has the bits that it has among all bytes", async (engine) => {
  const { B, L, S, V, C } = { B: 1, L: 5, S: 16, V: 257, C: 67 };
  const { shape, inputs } = byteCase({ B, L, S, V, C }, 1);
  const all = await runKernel(engine, byteEmbedding, { N: 1, S, V, C }, inputs);
  for (let at = 0; at < S; at++) {
    const sequences = Uint32Array.of(0, at, 0, 0);
    const { x } = await runKernel(engine, nextByteEmbedding, shape, { ...inputs, sequences });
    assertEquals(x, all.x!.slice(at * C, (at + 1) * C));
  }
});

engineTest("so it has with the feature on every row, behind the last of its patches", async (engine) => {
  const { B, L, S, V, C } = { B: 1, L: 5, S: 16, V: 257, C: 67 };
  const { shape, inputs } = runCase({ B, L, S, V, C }, 1);
  for (const patchCount of [1, 2, L]) {
    const patches = inputs.patches!.slice((patchCount - 1) * S, patchCount * S);
    const all = await runKernel(engine, byteEmbedding, { N: 1, S, V, C, feature: "every" }, {
      ...inputs,
      patches,
    });
    for (const at of [0, 1, S - 1]) {
      const sequences = Uint32Array.of(patchCount, at, 0, 0);
      const { x } = await runKernel(engine, nextByteEmbedding, shape, { ...inputs, sequences });
      assertEquals(x, all.x!.slice(at * C, (at + 1) * C));
    }
  }
});

const sizes = { B: 2, L: 3, S: 16, V: 257, C: 101 };
const patches = [patchCase(sizes, 5), patchCase(sizes, 5, 0)];
const bytes = [byteCase(sizes, 5), runCase(sizes, 5)];
anyThreadsTest(lastPatchEmbedding, patches.map(({ shape, inputs }) => [shape, inputs]));
anyThreadsTest(nextByteEmbedding, bytes.map(({ shape, inputs }) => [shape, inputs]));
