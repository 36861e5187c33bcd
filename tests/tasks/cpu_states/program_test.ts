import { assertEquals, assertThrows } from "@std/assert";
import { assembleInstruction } from "../../../tasks/cpu_states/instructions.ts";
import { assembleProgram, encodeProgram, programLength } from "../../../tasks/cpu_states/program.ts";

const program = (...lines: string[]) => lines.map((line) => assembleInstruction(line));

Deno.test("a program stands at the head of the memory, with zeros behind it", () => {
  const memory = encodeProgram(program("LOADI 9", "ADD A B C", "HLT"), 16);
  assertEquals([...memory], [11, 9, 0, 0, 13, 1, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0]);
  assertEquals(programLength(memory), 3);
});

Deno.test("a text is a program: an instruction a line, comments and empty lines passed over", () => {
  const text = "; adds\r\n\r\nLOADI 9 ; ACC = 9\n  add a b c\n;HLT\nHLT";
  assertEquals(assembleProgram(text), program("LOADI 9", "ADD A B C", "HLT"));
  assertThrows(() => assembleProgram("CLR\n\nJUMP 3\nHLT"), SyntaxError, 'Cannot assemble line 3 "JUMP 3"');
});

Deno.test("a program that fills its memory is measured to its last word", () => {
  assertEquals(programLength(encodeProgram(program("CLR", "CLR", "CLR", "HLT"), 16)), 4);
});

Deno.test("a program without HLT, or with one inside, is refused", () => {
  const reason = "its last, and only its last, must be HLT";
  assertThrows(() => encodeProgram(program("CLR"), 16), RangeError, reason);
  assertThrows(() => encodeProgram(program("HLT", "CLR", "HLT"), 16), RangeError, reason);
  assertThrows(() => encodeProgram([], 16), RangeError, reason);
});

Deno.test("a program beyond its memory or the program counter is refused", () => {
  const long = (length: number) => [...program(...Array(length - 1).fill("INC")), ...program("HLT")];
  assertThrows(() => encodeProgram(long(5), 16), RangeError, "a memory of 16 bytes holds 4");
  assertThrows(() => encodeProgram(long(257), 4096), RangeError, "a memory of 4096 bytes holds 256");
  assertEquals(programLength(encodeProgram(long(256), 4096)), 256);
});
