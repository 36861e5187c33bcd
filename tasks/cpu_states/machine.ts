/**
 * The CPU that bGPT learns to simulate, as Wu et al. 2024 (arXiv 2402.19155) publish it. A state is 16 bytes, which
 * is one patch: PC, ACC, the instruction register IR (4 bytes), the registers A..J (10 bytes).
 *
 * Each cycle fetches (IR = memory[4·PC …], PC = min(PC + 1, 255)), writes the state, then executes, until `HLT`. So
 * state k shows PC = k, instruction k−1 in IR, and the values after instructions 0..k−2.
 * @module
 */
import { decodeInstruction, instructionBytes, instructionKind, registerNames } from "./instructions.ts";
import { programLength } from "./program.ts";

/** Bytes of a state. */
export const stateBytes = 16;

/** Where the parts of a state begin. */
export const stateOffsets = { pc: 0, acc: 1, ir: 2, registers: 6 } as const;

/**
 * A state 0: PC and IR are 0.
 * @param acc the accumulator's byte
 * @param registers the ten registers' bytes
 * @throws {RangeError} when there are not ten registers
 */
export function startState(acc: number, registers: ArrayLike<number>): Uint8Array {
  if (registers.length !== registerNames.length) {
    throw new RangeError(
      `Cannot make a start state of ${registers.length} registers: ${registerNames.length} are required`,
    );
  }
  const state = new Uint8Array(stateBytes);
  state[stateOffsets.acc] = acc;
  state.set(registers, stateOffsets.registers);
  return state;
}

/**
 * The state written after this one, a pure function of the two arguments: executes what IR holds (nothing yet in
 * state 0), then fetches.
 * @param memory the program
 * @param state 16 bytes, left as they are
 * @returns 16 bytes, or `undefined` when `HLT` is what IR holds
 * @throws {RangeError} when IR holds no instruction
 */
export function stepCpu(memory: Uint8Array, state: Uint8Array): Uint8Array | undefined {
  const next = state.slice();
  if (state[stateOffsets.pc] !== 0) {
    if (state[stateOffsets.ir] === 0) return undefined;
    execute(next);
  }
  fetchInstruction(memory, next);
  return next;
}

/**
 * Runs a program until it stops.
 * @param memory the program, which has an `HLT`
 * @param start state 0
 * @returns all states, the start included: 16·(n+1) bytes for n instructions, the `HLT` included
 * @throws {RangeError} when the start is no start state, no `HLT` is reached, or a word of the program is no instruction
 */
export function runCpu(memory: Uint8Array, start: Uint8Array): Uint8Array {
  checkStart(start);
  const states = new Uint8Array((programLength(memory) + 1) * stateBytes);
  let state: Uint8Array | undefined = start;
  for (let offset = 0; state; offset += stateBytes) {
    states.set(state, offset);
    state = stepCpu(memory, state);
  }
  return states;
}

/**
 * The bytes of a `.bin` file of CPU states: the memory, then all states.
 * @param memory the program, a multiple of 16 bytes so that each state is one patch; 1,024 as published
 * @param start state 0
 * @throws {RangeError} as {@linkcode runCpu}, and when the memory's size is no multiple of 16
 */
export function cpuFile(memory: Uint8Array, start: Uint8Array): Uint8Array<ArrayBuffer> {
  if (memory.length % stateBytes !== 0) {
    throw new RangeError(
      `Cannot write CPU states after ${memory.length} bytes of memory: ` +
        `a multiple of ${stateBytes} is required, so that each state is one patch`,
    );
  }
  const states = runCpu(memory, start);
  const file = new Uint8Array(memory.length + states.length);
  file.set(memory);
  file.set(states, memory.length);
  return file;
}

/**
 * The first half of a cycle, in place: IR = memory[4·PC …], 0 beyond the memory's end, and PC = min(PC + 1, 255).
 * @param memory the program
 * @param state 16 bytes, changed
 */
export function fetchInstruction(memory: Uint8Array, state: Uint8Array): void {
  const pc = state[stateOffsets.pc]!;
  for (let i = 0; i < instructionBytes; i++) {
    state[stateOffsets.ir + i] = memory[pc * instructionBytes + i] ?? 0;
  }
  state[stateOffsets.pc] = Math.min(pc + 1, 255);
}

/** The second half of a cycle, in place: does what IR holds. */
function execute(state: Uint8Array): void {
  const ir = state.subarray(stateOffsets.ir, stateOffsets.registers);
  const { mnemonic, operands } = decodeInstruction(ir);
  const [a = 0, b = 0, c = 0] = operands; // 0 is ACC, which an absent operand stands for
  const offset = (operand: number) => operand === 0 ? stateOffsets.acc : stateOffsets.registers + operand - 1;
  const get = (operand: number) => state[offset(operand)]!;
  const set = (operand: number, value: number) => state[offset(operand)] = value;
  const { unary, binary } = instructionKind(mnemonic)!;
  if (unary) return void set(a, unary(get(a)));
  if (binary) {
    if (operands.length === 1) set(0, binary(get(0), get(a)));
    else if (operands.length === 2) set(a, binary(get(a), get(b)));
    else set(c, binary(get(a), get(b)));
    return;
  }
  switch (mnemonic) {
    case "PUSH":
      return void set(0, get(a));
    case "POP":
      return void set(a, get(0));
    case "LOADI":
      return void set(0, a);
    case "MOV":
      return void set(a, get(b));
    case "SWAP": {
      const x = get(a);
      set(a, get(b));
      return void set(b, x);
    }
  }
}

function checkStart(start: Uint8Array): void {
  if (start.length !== stateBytes) {
    throw new RangeError(`Cannot start from ${start.length} bytes: a state of ${stateBytes} is required`);
  }
  const ir = start.subarray(stateOffsets.ir, stateOffsets.registers);
  if (start[stateOffsets.pc] === 0 && ir.every((byte) => byte === 0)) return;
  throw new RangeError(
    `Cannot start from a state with PC ${start[stateOffsets.pc]} and IR ${ir.join(" ")}: both must be 0`,
  );
}
