import { assertEquals, assertThrows } from "@std/assert";
import fc from "../../fast_check.ts";
import {
  assembleInstruction,
  decodeInstruction,
  disassembleInstruction,
  encodeInstruction,
  type Instruction,
  instructionTable,
} from "../../../tasks/cpu_states/instructions.ts";

const anyInstruction: fc.Arbitrary<Instruction> = fc.constantFrom(...instructionTable).chain((kind) =>
  fc.constantFrom(...kind.operandCounts).chain((count) => {
    const operand = kind.operands === "immediate" ? fc.nat(255) : fc.integer({ min: 1, max: 10 });
    return fc.array(operand, { minLength: count, maxLength: count })
      .map((operands) => ({ mnemonic: kind.mnemonic, operands }));
  })
);

Deno.test("opcodes are those of the specification", () => {
  const mnemonics = "HLT CLR INC DEC SHL SHR ROL ROR NOT PUSH POP LOADI SWAP ADD SUB MUL DIV AND OR XOR MOV";
  assertEquals(instructionTable.map((kind) => kind.mnemonic).join(" "), mnemonics);
  assertEquals(instructionTable.map((kind) => kind.opcode), [...Array(21).keys()]);
});

Deno.test("an instruction is its opcode, its registers from 1 on, and zeros", () => {
  const bytes = (line: string) => [...encodeInstruction(assembleInstruction(line))];
  assertEquals(bytes("HLT"), [0, 0, 0, 0]);
  assertEquals(bytes("INC"), [2, 0, 0, 0]);
  assertEquals(bytes("INC J"), [2, 10, 0, 0]);
  assertEquals(bytes("LOADI 172"), [11, 172, 0, 0]);
  assertEquals(bytes("SWAP B"), [12, 2, 0, 0]);
  assertEquals(bytes("ADD A B C"), [13, 1, 2, 3]);
  assertEquals(bytes("MOV E B"), [20, 5, 2, 0]);
});

Deno.test("encoding and decoding an instruction changes nothing", () => {
  fc.assert(fc.property(anyInstruction, (instruction) => {
    assertEquals(decodeInstruction(encodeInstruction(instruction)), instruction);
  }));
});

Deno.test("writing and reading an instruction as text changes nothing", () => {
  fc.assert(fc.property(anyInstruction, (instruction) => {
    assertEquals(assembleInstruction(disassembleInstruction(instruction)), instruction);
  }));
});

Deno.test("four bytes are one instruction or none, never two spellings of one", () => {
  const byte = fc.oneof(fc.nat(22), fc.nat(255));
  fc.assert(fc.property(fc.uint8Array({ minLength: 4, maxLength: 4 }), byte, (bytes, opcode) => {
    bytes[0] = opcode;
    let instruction: Instruction;
    try {
      instruction = decodeInstruction(bytes);
    } catch (error) {
      assertEquals(error instanceof RangeError, true);
      return;
    }
    assertEquals(encodeInstruction(instruction), bytes);
  }));
});

Deno.test("bytes that are no instruction are refused with the reason", () => {
  const refused = (bytes: number[], reason: string) =>
    assertThrows(() => decodeInstruction(Uint8Array.from(bytes)), RangeError, reason);
  refused([21, 0, 0, 0], "opcode 21 is unknown, 0 to 20 are known");
  refused([0, 1, 0, 0], "HLT has 1 operands, 0 are required");
  refused([9, 0, 0, 0], "PUSH has 0 operands, 1 are required");
  refused([1, 1, 2, 0], "CLR has 2 operands, 0 or 1 are required");
  refused([13, 1, 0, 2], "the register of operand 2 is 0, 1 to 10 are required");
  refused([20, 1, 11, 0], "the register of operand 2 is 11, 1 to 10 are required");
  refused([11, 5, 1, 0], "LOADI has 2 operands, 1 are required");
  refused([0, 0, 0], "it has 3 bytes, 4 are required");
});

Deno.test("capitals and spaces in a line do not matter", () => {
  assertEquals(assembleInstruction("  add a\tB  c "), { mnemonic: "ADD", operands: [1, 2, 3] });
});

Deno.test("a line that is no instruction is refused with its number and the reason", () => {
  const refused = (line: string, reason: string) =>
    assertThrows(
      () => assembleInstruction(line, 7),
      SyntaxError,
      `Cannot assemble line 7 "${line}": ${reason}`,
    );
  refused("JMP A", 'there is no instruction "JMP", known are HLT, CLR,');
  refused("", 'there is no instruction ""');
  refused("INC K", '"K" is no register, a letter from A to J is required');
  refused("INC 1", '"1" is no register');
  refused("MOV A", "MOV has 1 operands, 2 are required");
  refused("ADD A B C D", "ADD has 4 operands, 1 or 2 or 3 are required");
  refused("LOADI 256", "the immediate is 256, 0 to 255 are required");
  refused("LOADI -1", '"-1" is no immediate, a number from 0 to 255 is required');
  refused("LOADI A", '"A" is no immediate');
});

Deno.test("an instruction with wrong operands is not encoded", () => {
  assertThrows(
    () => encodeInstruction({ mnemonic: "LOADI", operands: [1.5] }),
    RangeError,
    "Cannot encode LOADI [1.5]: the immediate is 1.5, 0 to 255 are required",
  );
});
