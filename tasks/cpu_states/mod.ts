/** The CPU states of bGPT: the machine, random programs, files of states, and how right predictions of them are. */
export {
  assembleInstruction,
  decodeInstruction,
  disassembleInstruction,
  encodeInstruction,
  type Instruction,
  instructionBytes,
  type InstructionKind,
  instructionKind,
  instructionTable,
  type Mnemonic,
  registerNames,
} from "./instructions.ts";
export { assembleProgram, encodeProgram, programLength } from "./program.ts";
export { cpuFile, runCpu, startState, stateBytes, stateOffsets, stepCpu } from "./machine.ts";
export * from "./corpus.ts";
export * from "./state_file.ts";
export * from "./trivial_predictor.ts";
export * from "./score.ts";
export * from "./score_table.ts";
export * from "./predict.ts";
export * from "./trace.ts";
