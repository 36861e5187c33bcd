import {
  assembleInstruction,
  encodeInstruction,
  type Instruction,
  instructionBytes,
} from "./instructions.ts";

/** The most instructions that the program counter, one byte, can reach. */
const reachableInstructions = 256;

/**
 * The instructions of a text: one a line, `;` starts a comment, empty lines are passed over.
 * @throws {SyntaxError} naming the line that is no instruction
 * @example
 * ```ts
 * import { assembleProgram } from "@bgpt/tasks";
 * const program = assembleProgram("LOADI 5\nADD A ; ACC = 5 + A\nHLT");
 * ```
 */
export function assembleProgram(text: string): Instruction[] {
  return text.split("\n").flatMap((line, index) => {
    const code = line.replace(/;.*/, "").trim();
    return code === "" ? [] : [assembleInstruction(code, index + 1)];
  });
}

/**
 * A memory that holds a program, 0 behind it.
 * @param program instructions of which the last, and only the last, is `HLT`
 * @param memoryBytes the memory's size
 * @throws {RangeError} when the program does not stop at its end, or is too long for the memory or the program counter
 */
export function encodeProgram(program: readonly Instruction[], memoryBytes: number): Uint8Array {
  const what = `Cannot encode a program of ${program.length} instructions`;
  const firstHalt = program.findIndex((instruction) => instruction.mnemonic === "HLT");
  if (firstHalt < 0 || firstHalt !== program.length - 1) {
    throw new RangeError(`${what}: its last, and only its last, must be HLT`);
  }
  const capacity = reachableSlots(memoryBytes);
  if (program.length > capacity) {
    throw new RangeError(`${what}: a memory of ${memoryBytes} bytes holds ${capacity} that can be reached`);
  }
  const memory = new Uint8Array(memoryBytes);
  program.forEach((instruction, i) => memory.set(encodeInstruction(instruction), i * instructionBytes));
  return memory;
}

/**
 * How many instructions run until the machine stops, the `HLT` included: there are no jumps, so it is the first one.
 * @param memory a memory, or any bytes that begin with one
 * @throws {RangeError} when no `HLT` can be reached
 */
export function programLength(memory: Uint8Array): number {
  const slots = reachableSlots(memory.length);
  for (let i = 0; i < slots; i++) if (memory[i * instructionBytes] === 0) return i + 1;
  throw new RangeError(
    `The program never stops: there is no HLT among its first ${slots} instructions. Append one`,
  );
}

function reachableSlots(memoryBytes: number): number {
  return Math.min(reachableInstructions, Math.floor(memoryBytes / instructionBytes));
}
