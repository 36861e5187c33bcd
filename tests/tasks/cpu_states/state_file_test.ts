import { assertEquals, assertThrows } from "@std/assert";
import fc from "../../fast_check.ts";
import { cpuStateFile } from "../../../tasks/cpu_states/corpus.ts";
import { cpuFile } from "../../../tasks/cpu_states/machine.ts";
import { memoryBytesOf, parseStateFile } from "../../../tasks/cpu_states/state_file.ts";
import { sharedPath } from "../../shared.ts";
import { hexBytes, smallStates } from "./small_vector.ts";

const vectorPath = sharedPath("spec", "vectors", "cpu.bin");

Deno.test({
  name: "a published file is reproduced from its program and first state (needs ../shared/spec)",
  ignore: vectorPath === undefined,
  fn: async () => {
    const vector = await Deno.readFile(vectorPath!);
    assertEquals(
      new Uint8Array(await crypto.subtle.digest("SHA-256", vector)).toHex(),
      "7c53c363e1da95854d6f007c00035eca90457c1692c408c4b77b8cb77d934444",
    );
    assertEquals(memoryBytesOf(vector), 1024);
    assertEquals(cpuFile(vector.slice(0, 1024), vector.slice(1024, 1040)), vector);
    assertEquals(parseStateFile(vector).instructionCount, 251);
  },
});

Deno.test("a generated file is read back, whatever its memory's size, and states show PC and instruction", () => {
  const sizes = fc.constantFrom(1024, 1040, 2048, 4096);
  fc.assert(fc.property(fc.nat(1000), sizes, (index, memoryBytes) => {
    const bytes = cpuStateFile(index, { seed: 2, memoryBytes });
    const { memory, states, instructionCount } = parseStateFile(bytes);
    assertEquals(memory, bytes.slice(0, memoryBytes));
    assertEquals(states, bytes.slice(memoryBytes));
    assertEquals(states.length, 16 * (instructionCount + 1));
    for (let k = 1; k <= instructionCount; k++) {
      assertEquals(states[16 * k], k);
      assertEquals(states.slice(16 * k + 2, 16 * k + 6), memory.slice(4 * (k - 1), 4 * k));
    }
  }));
});

Deno.test("a file with any one byte changed is refused", () => {
  const options = { seed: 3, maximumProgram: 12, memoryBytes: 64 };
  fc.assert(
    fc.property(fc.nat(500), fc.nat(), fc.integer({ min: 1, max: 255 }), (index, position, change) => {
      const file = cpuStateFile(index, options);
      file[position % file.length]! ^= change;
      assertThrows(() => parseStateFile(file), RangeError);
    }),
    { numRuns: 2000 },
  );
});

Deno.test("a file cut short or grown by whole states is refused", () => {
  const file = cpuStateFile(1, { seed: 3, maximumProgram: 12, memoryBytes: 64 });
  assertThrows(() => parseStateFile(file.slice(0, -16)), RangeError);
  assertThrows(() => parseStateFile(Uint8Array.from([...file, ...file.slice(-16)])), RangeError);
  assertThrows(() => parseStateFile(file.slice(0, -1)), RangeError, "a multiple of 16");
  assertThrows(() => parseStateFile(new Uint8Array(0)), RangeError, "no HLT among its first 0 instructions");
});

Deno.test("the error says which byte of which state is wrong, or which byte of the memory", () => {
  const file = cpuStateFile(0, { seed: 4, minimumProgram: 8, maximumProgram: 8, memoryBytes: 48 });
  const wrongState = file.with(48 + 5 * 16 + 7, file[48 + 5 * 16 + 7]! ^ 1);
  assertThrows(() => parseStateFile(wrongState), RangeError, "byte 7 of state 5 is");
  assertThrows(() => parseStateFile(file.with(40, 9)), RangeError, "byte 40 of the memory is 9, after HLT 0");
});

Deno.test("text and states without a memory are no files of CPU states", () => {
  assertThrows(() => parseStateFile(new TextEncoder().encode("The quick brown fox".repeat(100))), RangeError);
  assertThrows(() => parseStateFile(hexBytes(smallStates)), RangeError);
});
