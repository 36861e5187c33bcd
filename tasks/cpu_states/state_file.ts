import { instructionBytes } from "./instructions.ts";
import { runCpu, stateBytes } from "./machine.ts";
import { programLength } from "./program.ts";

/** A file of CPU states, read and checked. */
export interface StateFile {
  /** The program, 0 behind its `HLT`. */
  readonly memory: Uint8Array;
  /** The states 0..n, 16 bytes each. */
  readonly states: Uint8Array;
  /** n, the `HLT` included. */
  readonly instructionCount: number;
}

/**
 * The size of the memory at the head of a file of CPU states, which has no header that says it. It follows from the
 * bytes all the same: the program begins at byte 0 and has no jumps, so its first `HLT` gives its length n, and n+1
 * states stand at the end, so the memory is what is left. There is never a second candidate.
 * @param file the whole file
 * @throws {RangeError} when no memory that holds the program and is a multiple of 16 bytes is left
 */
export function memoryBytesOf(file: Uint8Array): number {
  const instructionCount = programLength(file);
  const memoryBytes = file.length - (instructionCount + 1) * stateBytes;
  if (memoryBytes % stateBytes === 0 && memoryBytes >= instructionCount * instructionBytes) {
    return memoryBytes;
  }
  throw new RangeError(
    `Cannot read CPU states: a program of ${instructionCount} instructions and its ${
      instructionCount + 1
    } states ` +
      `leave ${memoryBytes} of ${file.length} bytes as memory, ` +
      `a multiple of ${stateBytes} that holds ${instructionCount * instructionBytes} is required`,
  );
}

/**
 * Reads a file of CPU states, and checks every byte of it: that what follows the program in memory is 0, and that the
 * program, run again from state 0, writes the same states.
 * @param file the whole file
 * @throws {RangeError} at the first byte that does not belong there
 */
export function parseStateFile(file: Uint8Array): StateFile {
  const memoryBytes = memoryBytesOf(file);
  const memory = file.subarray(0, memoryBytes);
  const states = file.subarray(memoryBytes);
  const instructionCount = programLength(memory);
  const stray = memory.findIndex((byte, i) => byte !== 0 && i >= instructionCount * instructionBytes);
  if (stray >= 0) {
    throw new RangeError(
      `Cannot read CPU states: byte ${stray} of the memory is ${memory[stray]}, after HLT 0 is required`,
    );
  }
  const expected = runCpu(memory, states.subarray(0, stateBytes));
  const wrong = expected.findIndex((byte, i) => byte !== states[i]);
  if (wrong >= 0) {
    throw new RangeError(
      `Cannot read CPU states: byte ${wrong % stateBytes} of state ${Math.floor(wrong / stateBytes)} ` +
        `is ${states[wrong]}, but the program gives ${expected[wrong]}`,
    );
  }
  return { memory, states, instructionCount };
}
