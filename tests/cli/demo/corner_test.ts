import { assert, assertEquals } from "@std/assert";
import { wholePatchCount } from "@bgpt/core";
import { cpuStateFile, instructionTable } from "@bgpt/tasks";
import {
  chooseCorner,
  type Corner,
  describeCorner,
  givenPatches,
  programFile,
  programSource,
} from "../../../cli/demo/corner.ts";

/** What is chosen for 200 seconds where a step of the wide corner takes so long, and of the narrow one half of that. */
async function chosen(wideStep: number): Promise<{ corner: Corner; stepSeconds: number }> {
  return await chooseCorner(
    200,
    ({ patchLength }) => Promise.resolve(patchLength === 16 ? wideStep : wideStep / 2),
  );
}

Deno.test("a machine that can take 2,000 steps in the time learns all instructions, a slower one three of them", async () => {
  const fast = await chosen(0.1);
  const slow = await chosen(0.11);
  assertEquals([fast.stepSeconds, slow.stepSeconds], [0.1, 0.055]);
  assertEquals(
    [...fast.corner.programs.instructions, "HLT"].sort(),
    instructionTable.map(({ mnemonic }) => mnemonic).sort(),
  );
  assertEquals(slow.corner.programs.instructions, ["CLR", "INC", "DEC"]);
  assertEquals(describeCorner(slow.corner), "CLR INC DEC HLT; register A and the accumulator ACC.");
  assert(describeCorner(fast.corner).endsWith("HLT; registers A, B, C and the accumulator ACC."));
});

Deno.test("every file of a corner fits into its patches, of which those are given that nobody can predict", async () => {
  for (const { corner } of [await chosen(0.1), await chosen(1)]) {
    const { patchLength, programs } = corner;
    const sizes = { patchSize: 16, patchLength };
    const counts = programSource(corner, 300, 3).files.map(({ byteLength }) =>
      wholePatchCount(byteLength, sizes)
    );
    assert(Math.max(...counts) <= patchLength, `${Math.max(...counts)} patches`);
    // An extension, the memory, state 0, a state for each instruction, the end.
    assertEquals(Math.max(...counts), givenPatches(corner) + programs.maximumProgram + 1);
  }
});

Deno.test("the programs of a corner are those of the seed, in memory as in files", async () => {
  const { corner } = await chosen(1);
  const source = programSource(corner, 3, 5);
  for (const index of [0, 1, 2]) {
    const bytes = cpuStateFile(index, { ...corner.programs, seed: 5 });
    assertEquals(await source.read(index), bytes);
    const { memory, states } = programFile(corner, index, 5);
    assertEquals([...memory, ...states], [...bytes]);
  }
});
