import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { ReferenceEngine, selectRow, storeRow } from "@bgpt/kernels";
import { cpu, engineTest, strictCpu } from "../engines.ts";
import { gpu } from "../gpu.ts";
import { anyThreadsTest } from "./any_threads.ts";
import { compareWithReference, randomFloats, randomIntegers, runKernel } from "./compare.ts";

/** All engines; the GPU where there is an adapter. */
const engines = [new ReferenceEngine(), cpu, strictCpu, ...(gpu === undefined ? [] : [gpu])];

const rows = ["lastPatch", "nextByte"] as const;

/** States of B sequences: up to L patches and L bytes. */
function randomStates(B: number, L: number, seed: number): Uint32Array {
  return randomIntegers(4 * B, seed, L + 1);
}

engineTest("the engine stores and selects the rows of the reference", async (engine) => {
  const count = fc.constantFrom(1, 2, 15, 16, 17, 65);
  const row = fc.constantFrom(...rows);
  const cases = fc.asyncProperty(count, count, count, row, fc.nat(), async (B, L, C, row, seed) => {
    const shape = { B, L, C, row };
    const all = randomFloats(B * L * C, seed);
    const sequences = randomStates(B, L, seed + 1);
    await compareWithReference(engine, selectRow, shape, { all, sequences });
    await compareWithReference(engine, storeRow, shape, {
      all,
      sequences,
      rows: randomFloats(B * C, seed + 2),
    });
  });
  await fc.assert(cases, { numRuns: 25 });
});

const shapes = rows.map((row) => ({ B: 9, L: 3, C: 5, row }));
const inputs = { all: randomFloats(9 * 3 * 5, 1), sequences: randomStates(9, 3, 2) };
anyThreadsTest(selectRow, shapes.map((shape) => [shape, inputs] as const));
anyThreadsTest(storeRow, shapes.map((shape) => [shape, { ...inputs, rows: randomFloats(45, 3) }] as const));

/** Without a patch or byte, in the middle, and with a full slot. */
const sequences = Uint32Array.of(0, 0, 0, 7, 2, 1, 0, 7, 3, 3, 1, 7);
/** Three slots of three rows of two numbers. */
const all = Float32Array.from({ length: 18 }, (_, i) => i);

Deno.test("the row selected is that of the last patch or the next byte, within the slot", async () => {
  for (const engine of engines) {
    for (const row of rows) {
      const { rows } = await runKernel(engine, selectRow, { B: 3, L: 3, C: 2, row }, { all, sequences });
      assertEquals([...rows!], [0, 1, 8, 9, 16, 17]);
    }
  }
});

Deno.test("a stored row changes no other", async () => {
  const sequences = Uint32Array.of(0, 1, 0, 7, 3, 0, 0, 7, 2, 3, 1, 7);
  const rows = Float32Array.of(-1, -2, -3, -4, -5, -6);
  for (const engine of engines) {
    const stored = async (
      row: "lastPatch" | "nextByte",
    ) => [...(await runKernel(engine, storeRow, { B: 3, L: 3, C: 2, row }, { all, sequences, rows })).all!];
    const patches = [-1, -2, 2, 3, 4, 5, 6, 7, 8, 9, -3, -4, 12, 13, -5, -6, 16, 17];
    assertEquals(await stored("lastPatch"), patches);
    const bytes = [0, 1, -1, -2, 4, 5, -3, -4, 8, 9, 10, 11, 12, 13, 14, 15, -5, -6];
    assertEquals(await stored("nextByte"), bytes);
  }
});
