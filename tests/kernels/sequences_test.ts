import { assertEquals } from "@std/assert";
import fc from "../fast_check.ts";
import { appendPatch, ReferenceEngine } from "@bgpt/kernels";
import { cpu, engineTest, strictCpu } from "../engines.ts";
import { gpu } from "../gpu.ts";
import { anyThreadsTest } from "./any_threads.ts";
import { compareWithReference, randomIntegers, runKernel } from "./compare.ts";

/** All engines; the GPU where there is an adapter. */
const engines = [new ReferenceEngine(), cpu, strictCpu, ...(gpu === undefined ? [] : [gpu])];

const count = fc.constantFrom(1, 2, 15, 16, 17, 65);

/** States of B sequences, each word a random one up to and including its bound. */
function randomStates(B: number, bounds: readonly number[], seed: number): Uint32Array {
  return Uint32Array.from({ length: 4 * B }, (_, i) => randomIntegers(1, seed + i, bounds[i % 4]! + 1)[0]!);
}

engineTest("the engine appends the patches of the reference", async (engine) => {
  const cases = fc.asyncProperty(count, count, count, fc.nat(), async (B, L, size, seed) => {
    const inputs = {
      row: randomIntegers(B * size, seed, 257),
      tokens: randomIntegers(B * L * size, seed + 1, 257),
      sequences: randomStates(B, [L, size, 1, 9], seed + 2),
    };
    await compareWithReference(engine, appendPatch, { B, L, S: size }, inputs);
  });
  await fc.assert(cases, { numRuns: 25 });
});

anyThreadsTest(appendPatch, [[{ B: 9, L: 3, S: 4 }, {
  row: randomIntegers(36, 3, 257),
  tokens: randomIntegers(9 * 3 * 4, 4, 257),
  sequences: randomStates(9, [3, 4, 1, 9], 5),
}]]);

/** One sequence with room for 3 patches of 2 bytes, after appendPatch. */
async function append(
  engine: (typeof engines)[number],
  sequence: readonly [number, number, number, number],
): Promise<{ row: number[]; tokens: number[]; sequence: number[] }> {
  const after = await runKernel(engine, appendPatch, { B: 1, L: 3, S: 2 }, {
    row: Uint32Array.of(7, 8),
    tokens: Uint32Array.of(1, 1, 2, 2, 3, 3),
    sequences: Uint32Array.from(sequence),
  });
  return { row: [...after.row!], tokens: [...after.tokens!], sequence: [...after.sequences!] };
}

Deno.test("a full patch goes to the end of its sequence and leaves an empty row", async () => {
  for (const engine of engines) {
    const expected = { row: [256, 256], tokens: [1, 1, 7, 8, 3, 3], sequence: [2, 0, 0, 5] };
    assertEquals(await append(engine, [1, 2, 0, 5]), expected);
  }
});

Deno.test("a patch that the file ended in is appended too", async () => {
  for (const engine of engines) {
    const expected = { row: [256, 256], tokens: [1, 1, 7, 8, 3, 3], sequence: [2, 0, 1, 5] };
    assertEquals(await append(engine, [1, 1, 1, 5]), expected);
  }
});

Deno.test("a sequence that fills its slot is finished", async () => {
  for (const engine of engines) {
    const expected = { row: [256, 256], tokens: [1, 1, 2, 2, 7, 8], sequence: [3, 0, 1, 5] };
    assertEquals(await append(engine, [2, 2, 0, 5]), expected);
  }
});

Deno.test("sequences in the middle of a patch, finished ones and full slots are left as they are", async () => {
  for (const engine of engines) {
    for (const state of [[1, 1, 0, 5], [1, 0, 0, 5], [1, 0, 1, 5], [3, 2, 1, 5]] as const) {
      const expected = { row: [7, 8], tokens: [1, 1, 2, 2, 3, 3], sequence: [...state] };
      assertEquals(await append(engine, state), expected);
    }
  }
});
