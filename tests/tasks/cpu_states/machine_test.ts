import { assertEquals, assertThrows } from "@std/assert";
import fc from "../../fast_check.ts";
import {
  assembleInstruction,
  type Instruction,
  instructionTable,
} from "../../../tasks/cpu_states/instructions.ts";
import { cpuFile, runCpu, startState, stateBytes, stepCpu } from "../../../tasks/cpu_states/machine.ts";
import { encodeProgram } from "../../../tasks/cpu_states/program.ts";
import { hexBytes, smallMemoryBytes, smallProgram, smallStates } from "./small_vector.ts";

const halt: Instruction = { mnemonic: "HLT", operands: [] };
const startAcc = 202;
const startRegisters = { A: 100, B: 7, C: 129, D: 0, E: 255, F: 11, G: 12, H: 13, I: 14, J: 15 };

/** ACC and the registers A..J after the lines. */
function valuesAfter(lines: string[], acc: number, registers: number[]): number[] {
  const program = [...lines.map((line) => assembleInstruction(line)), halt];
  const states = runCpu(encodeProgram(program, 64), startState(acc, registers));
  const last = states.subarray(-stateBytes);
  return [last[1]!, ...last.subarray(6)];
}

/** Every form of every instruction, and what it changes from the start. */
const effects: Record<string, Partial<Record<string, number>>> = {
  "CLR": { ACC: 0 },
  "CLR B": { B: 0 },
  "INC": { ACC: 203 },
  "INC E": {},
  "DEC": { ACC: 201 },
  "DEC D": {},
  "SHL": { ACC: 148 },
  "SHL A": { A: 200 },
  "SHR": { ACC: 101 },
  "SHR C": { C: 64 },
  "ROL": { ACC: 149 },
  "ROL C": { C: 3 },
  "ROR": { ACC: 101 },
  "ROR C": { C: 192 },
  "NOT": { ACC: 53 },
  "NOT E": { E: 0 },
  "PUSH A": { ACC: 100 },
  "POP J": { J: 202 },
  "LOADI 17": { ACC: 17 },
  "LOADI 0": { ACC: 0 },
  "SWAP B": { ACC: 7, B: 202 },
  "SWAP A C": { A: 129, C: 100 },
  "SWAP A A": {},
  "ADD F": { ACC: 213 },
  "ADD A C": { A: 229 },
  "ADD A C D": { D: 229 },
  "ADD C C": { C: 255 },
  "SUB A": { ACC: 102 },
  "SUB A B": { A: 93 },
  "SUB B A J": { J: 0 },
  "MUL B": { ACC: 255 },
  "MUL B F": { B: 77 },
  "MUL F G H": { H: 132 },
  "DIV B": { ACC: 28 },
  "DIV A B": { A: 14 },
  "DIV A D J": { J: 255 },
  "AND A": { ACC: 64 },
  "AND E C": { E: 129 },
  "AND A B J": { J: 4 },
  "OR A": { ACC: 238 },
  "OR B C": { B: 135 },
  "OR A B D": { D: 103 },
  "XOR A": { ACC: 174 },
  "XOR C E": { C: 126 },
  "XOR A B D": { D: 99 },
  "MOV D E": { D: 255 },
};

for (const [line, effect] of Object.entries(effects)) {
  const told = Object.entries(effect).map(([name, value]) => `${name} = ${value}`).join(", ");
  Deno.test(`${line} gives ${told || "the same values"}`, () => {
    const expected = { ACC: startAcc, ...startRegisters, ...effect };
    assertEquals(valuesAfter([line], startAcc, Object.values(startRegisters)), Object.values(expected));
  });
}

Deno.test("the expectations name every form of every instruction but HLT", () => {
  const named = new Set(
    Object.keys(effects).map((line) => {
      const { mnemonic, operands } = assembleInstruction(line);
      return `${mnemonic} ${operands.length}`;
    }),
  );
  const forms = instructionTable.slice(1)
    .flatMap((kind) => kind.operandCounts.map((count) => `${kind.mnemonic} ${count}`));
  assertEquals([...named].sort(), forms.sort());
});

const byte = fc.nat(255);

/** ACC after one line, with ACC = x and register A = y. */
function accAfter(lines: string[], x: number, y = 0): number {
  return valuesAfter(lines, x, [y, 0, 0, 0, 0, 0, 0, 0, 0, 0])[0]!;
}

Deno.test("sums, products and increments stop at 255, differences and decrements at 0", () => {
  fc.assert(fc.property(byte, byte, (x, y) => {
    assertEquals(accAfter(["ADD A"], x, y), x + y > 255 ? 255 : x + y);
    assertEquals(accAfter(["MUL A"], x, y), x * y > 255 ? 255 : x * y);
    assertEquals(accAfter(["SUB A"], x, y), x < y ? 0 : x - y);
    assertEquals(accAfter(["INC"], x), x === 255 ? 255 : x + 1);
    assertEquals(accAfter(["DEC"], x), x === 0 ? 0 : x - 1);
  }));
});

Deno.test("rotations undo each other, and eight of them are none", () => {
  fc.assert(fc.property(byte, (x) => {
    assertEquals(accAfter(["ROL", "ROR"], x), x);
    assertEquals(accAfter(["ROR", "ROL"], x), x);
    assertEquals(accAfter(Array(8).fill("ROL"), x), x);
  }));
});

Deno.test("a quotient times the divisor is at most the dividend, and one more exceeds it", () => {
  fc.assert(fc.property(byte, fc.integer({ min: 1, max: 255 }), (x, y) => {
    const quotient = accAfter(["DIV A"], x, y);
    assertEquals(quotient * y <= x && (quotient + 1) * y > x, true);
  }));
});

const smallMemory = encodeProgram(
  smallProgram.map((line, i) => assembleInstruction(line, i + 1)),
  smallMemoryBytes,
);

Deno.test("the small vector's program writes the small vector's states", () => {
  const expected = hexBytes(smallStates);
  assertEquals(runCpu(smallMemory, expected.slice(0, stateBytes)), expected);
});

Deno.test("a file is the memory and then the states", () => {
  const states = hexBytes(smallStates);
  const file = cpuFile(smallMemory, states.slice(0, stateBytes));
  assertEquals(file, Uint8Array.from([...smallMemory, ...states]));
});

Deno.test("a step is a function of memory and state alone, and there is none after HLT", () => {
  const states = hexBytes(smallStates);
  const state = (k: number) => states.slice(k * stateBytes, (k + 1) * stateBytes);
  for (let k = smallProgram.length; k > 0; k--) assertEquals(stepCpu(smallMemory, state(k - 1)), state(k));
  assertEquals(stepCpu(smallMemory, state(smallProgram.length)), undefined);
});

Deno.test("a program of HLT alone writes two states, and the second shows PC 1", () => {
  const start = startState(9, Object.values(startRegisters));
  const states = runCpu(encodeProgram([halt], 16), start);
  assertEquals([...states.subarray(0, stateBytes)], [...start]);
  assertEquals([...states.subarray(stateBytes)], [1, ...start.subarray(1)]);
});

Deno.test("the program counter stays at 255 where the memory's last word is HLT", () => {
  const program = [...Array(255).fill(assembleInstruction("INC A")), halt];
  const states = runCpu(encodeProgram(program, 1024), startState(0, Array(10).fill(0)));
  const shown = (
    k: number,
  ) => [states[k * stateBytes], states[k * stateBytes + 2], states[k * stateBytes + 6]];
  assertEquals(states.length, 257 * stateBytes);
  assertEquals([shown(255), shown(256)], [[255, 2, 254], [255, 0, 255]]);
});

Deno.test("a memory without HLT, a start that is none and a crooked memory are refused", () => {
  const start = startState(0, Array(10).fill(0));
  const endless = new Uint8Array(1024).fill(1);
  assertThrows(() => runCpu(endless, start), RangeError, "no HLT among its first 256 instructions");
  assertThrows(() => runCpu(smallMemory, start.slice(1)), RangeError, "a state of 16 is required");
  assertThrows(() => runCpu(smallMemory, start.with(0, 3)), RangeError, "a state with PC 3 and IR 0 0 0 0");
  assertThrows(() => runCpu(smallMemory, start.with(3, 4)), RangeError, "a state with PC 0 and IR 0 4 0 0");
  assertThrows(() => cpuFile(new Uint8Array(20), start), RangeError, "a multiple of 16 is required");
  assertThrows(() => startState(0, [1, 2, 3]), RangeError, "10 are required");
});

Deno.test("a word that is no instruction stops the run with the reason", () => {
  const memory = Uint8Array.from([13, 1, 0, 2, ...Array(12).fill(0)]);
  const start = startState(0, Array(10).fill(0));
  assertThrows(() => runCpu(memory, start), RangeError, "the register of operand 2 is 0");
});
