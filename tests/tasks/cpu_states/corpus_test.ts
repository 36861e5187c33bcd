import { assert, assertEquals, assertThrows } from "@std/assert";
import { RandomStream } from "@bgpt/core";
import { type CpuCorpusOptions, cpuStateFile, generateProgram } from "../../../tasks/cpu_states/corpus.ts";
import { instructionKind, instructionTable } from "../../../tasks/cpu_states/instructions.ts";
import { parseStateFile } from "../../../tasks/cpu_states/state_file.ts";

const published: CpuCorpusOptions = { seed: 5 };

/** Throws unless counts are as uniform as random draws are: Pearson's statistic within 4.5 of its deviations. */
function assertUniform(values: readonly number[], smallest: number, largest: number): void {
  const bins = largest - smallest + 1;
  const counts = new Float64Array(bins);
  for (const value of values) {
    assert(value >= smallest && value <= largest, `${value} is outside of ${smallest} to ${largest}`);
    counts[value - smallest]! += 1;
  }
  const expected = values.length / bins;
  const statistic = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  const deviations = (statistic - (bins - 1)) / Math.sqrt(2 * (bins - 1));
  assert(Math.abs(deviations) < 4.5, `${deviations} deviations from uniform`);
}

const programs = Array.from({ length: 2000 }, (_, i) => generateProgram(published, new RandomStream(5, i)));
const drawn = programs.flatMap((program) => program.slice(0, -1));

Deno.test("the length of a published program is uniform in 1 to 255", () => {
  assertUniform(programs.map((program) => program.length), 1, 255);
});

Deno.test("mnemonics are uniform, HLT ends each program and stands nowhere else", () => {
  assertUniform(drawn.map(({ mnemonic }) => instructionKind(mnemonic)!.opcode), 1, 20);
  assertEquals(programs.every((program) => program.at(-1)!.mnemonic === "HLT"), true);
});

Deno.test("operand counts are uniform over the forms of each instruction", () => {
  for (const { mnemonic, operandCounts } of instructionTable.slice(1)) {
    if (operandCounts.length === 1) continue;
    const counts = drawn.filter((instruction) => instruction.mnemonic === mnemonic)
      .map((instruction) => instruction.operands.length);
    assertUniform(counts, operandCounts[0]!, operandCounts.at(-1)!);
  }
});

Deno.test("registers and immediates are uniform, each operand on its own", () => {
  const operand = (mnemonics: string[], i: number) =>
    drawn.filter((instruction) => mnemonics.includes(instruction.mnemonic) && instruction.operands.length > i)
      .map((instruction) => instruction.operands[i]!);
  assertUniform(operand(["LOADI"], 0), 0, 255);
  for (const i of [0, 1, 2]) assertUniform(operand(["ADD", "SUB", "XOR", "MOV", "SWAP"], i), 1, 10);
  const pairs = drawn.filter(({ mnemonic }) => mnemonic === "MOV").map(({ operands: [a, b] }) =>
    10 * a! + b!
  );
  assertUniform(pairs, 11, 110);
});

Deno.test("ACC and registers start uniform in 0 to 255", () => {
  const starts = Array.from({ length: 1000 }, (_, i) => {
    const { states } = parseStateFile(cpuStateFile(i, { seed: 6, maximumProgram: 4 }));
    return [states[1]!, ...states.subarray(6, 16)];
  });
  assertUniform(starts.flat(), 0, 255);
});

Deno.test("a file depends on seed and index alone, not on what was written before", () => {
  const inOrder = Array.from({ length: 6 }, (_, i) => cpuStateFile(i, published));
  for (const i of [4, 0, 5]) assertEquals(cpuStateFile(i, published), inOrder[i]!);
  const starts = [...inOrder, cpuStateFile(0, { seed: 6 })].map((file) => file.subarray(1024, 1040).join());
  assertEquals(new Set(starts).size, 7);
});

Deno.test("a published corpus keeps its bytes from version to version", async () => {
  const digest = await crypto.subtle.digest("SHA-256", cpuStateFile(3, { seed: 1 }));
  assertEquals(
    new Uint8Array(digest).toHex(),
    "193c1b39344bd9ab3f54a9235e84d641c127d36a447e792d0f8e96e49a1c1fd9",
  );
});

Deno.test("a corner of the machine draws its instructions, registers and lengths alone", () => {
  const corner = { seed: 7, minimumProgram: 3, maximumProgram: 16, memoryBytes: 64, registers: 3 };
  const instructions = ["CLR", "INC", "MOV", "LOADI"];
  const random = new RandomStream(7);
  const programs = Array.from({ length: 500 }, () => generateProgram({ ...corner, instructions }, random));
  assertUniform(programs.map((program) => program.length), 3, 16);
  const body = programs.flatMap((program) => program.slice(0, -1));
  assertEquals(new Set(body.map(({ mnemonic }) => mnemonic)), new Set(instructions));
  assertUniform(body.filter(({ mnemonic }) => mnemonic === "MOV").flatMap(({ operands }) => operands), 1, 3);
});

Deno.test("unused registers start at 0 only where asked for", () => {
  const corner = { seed: 8, maximumProgram: 8, memoryBytes: 32, registers: 3 };
  const starts = (unusedRegistersZero: boolean) =>
    Array.from({ length: 50 }, (_, i) => {
      const file = parseStateFile(cpuStateFile(i, { ...corner, unusedRegistersZero }));
      assertEquals(file.memory.length, 32);
      return [...file.states.subarray(6, 16)];
    });
  assertEquals(starts(true).every((registers) => registers.slice(3).every((value) => value === 0)), true);
  for (const register of [0, 1, 2]) assert(starts(true).some((registers) => registers[register] !== 0));
  assert(starts(false).every((registers) => registers.slice(3).some((value) => value !== 0)));
});

Deno.test("options out of range are refused with what is required", () => {
  const refused = (options: Partial<CpuCorpusOptions>, reason: string) =>
    assertThrows(() => cpuStateFile(0, { seed: 1, ...options }), RangeError, reason);
  refused({ seed: -1 }, "seed is -1, an integer from 0 to 4294967295 is required");
  refused({ maximumProgram: 256 }, "maximumProgram is 256, an integer from 1 to 255 is required");
  refused(
    { minimumProgram: 9, maximumProgram: 8 },
    "minimumProgram is 9, an integer from 1 to 8 is required",
  );
  refused({ registers: 11 }, "registers is 11, an integer from 1 to 10 is required");
  refused({ registers: 0 }, "registers is 0");
  refused(
    { memoryBytes: 1008 },
    "memoryBytes is 1008, a multiple of 16 (so that states are patches) and at least 1020",
  );
  refused({ memoryBytes: 1028 }, "memoryBytes is 1028, a multiple of 16");
  refused({ instructions: [] }, "instructions is empty");
  refused({ instructions: ["JMP"] }, 'instructions has "JMP", known are CLR, INC');
  refused(
    { instructions: ["INC", "HLT"] },
    'instructions has "HLT", it ends every program and is never drawn',
  );
  refused({ instructions: ["INC", "INC"] }, 'instructions has "INC", it is there twice');
  assertThrows(() => cpuStateFile(1.5, { seed: 1 }), RangeError, "index is 1.5");
});
