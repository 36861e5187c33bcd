/**
 * Random programs and their files of CPU states. A file is a pure function of seed and index, so that a corpus can be
 * written in any order, by any number of workers, and never has to be kept.
 * @module
 */
import { RandomStream } from "@bgpt/core";
import { type Instruction, instructionKind, instructionTable, registerNames } from "./instructions.ts";
import { cpuFile, startState, stateBytes } from "./machine.ts";
import { encodeProgram } from "./program.ts";

/** What a corpus is drawn from; what is left out is as published. */
export interface CpuCorpusOptions {
  /** The corpus; u32. */
  readonly seed: number;
  /** The fewest instructions of a program, its `HLT` included; 1 as published. */
  readonly minimumProgram?: number;
  /** The most instructions of a program, its `HLT` included, up to 255; 255 as published. */
  readonly maximumProgram?: number;
  /** The memory's size, a multiple of 16 that holds the longest program; 1,024 as published. */
  readonly memoryBytes?: number;
  /** The mnemonics to draw from, each as likely; all but `HLT`, which ends every program, as published. */
  readonly instructions?: readonly string[];
  /** How many registers, from A on, are operands, 1 to 10; 10 as published. */
  readonly registers?: number;
  /** Whether registers that are no operands start at 0 rather than at random; `false` as published. */
  readonly unusedRegistersZero?: boolean;
}

/**
 * A random program: a length uniform between the bounds; all but the last instruction uniform over the mnemonics,
 * then over their operand counts, then registers (repeats allowed) or an immediate, uniform too; then `HLT`.
 * @param options what to draw from; the seed is not used, it is the stream's
 * @param random where the numbers come from, as a `RandomStream`
 * @throws {RangeError} when an option is out of its range
 */
export function generateProgram(
  options: CpuCorpusOptions,
  random: { below(bound: number): number },
): Instruction[] {
  const { minimumProgram, maximumProgram, instructions, registers } = checkOptions(options);
  const length = minimumProgram + random.below(maximumProgram - minimumProgram + 1);
  const program = Array.from({ length: length - 1 }, (): Instruction => {
    const kind = instructionKind(instructions[random.below(instructions.length)]!)!;
    const operandCount = kind.operandCounts[random.below(kind.operandCounts.length)]!;
    const operands = Array.from(
      { length: operandCount },
      () => kind.operands === "immediate" ? random.below(256) : 1 + random.below(registers),
    );
    return { mnemonic: kind.mnemonic, operands };
  });
  return [...program, { mnemonic: "HLT", operands: [] }];
}

/**
 * File `index` of a corpus: the memory with a random program, and its states from a random start.
 * @param index which file; u32
 * @param options the corpus
 * @returns the bytes of the `.bin` file
 * @throws {RangeError} when the index or an option is out of its range
 */
export function cpuStateFile(index: number, options: CpuCorpusOptions): Uint8Array<ArrayBuffer> {
  requireInteger("index", index, 0, 2 ** 32 - 1);
  const checked = checkOptions(options);
  const random = new RandomStream(checked.seed, index);
  const program = generateProgram(checked, random);
  const acc = random.below(256);
  const registers = Array.from(registerNames, (_, register) => {
    const zero = checked.unusedRegistersZero && register >= checked.registers;
    return zero ? 0 : random.below(256);
  });
  return cpuFile(encodeProgram(program, checked.memoryBytes), startState(acc, registers));
}

const drawnMnemonics: readonly string[] = instructionTable.slice(1).map((kind) => kind.mnemonic);

function checkOptions(options: CpuCorpusOptions): Required<CpuCorpusOptions> {
  const {
    seed,
    minimumProgram = 1,
    maximumProgram = 255,
    memoryBytes = 1024,
    instructions = drawnMnemonics,
    registers = registerNames.length,
    unusedRegistersZero = false,
  } = options;
  requireInteger("seed", seed, 0, 2 ** 32 - 1);
  requireInteger("maximumProgram", maximumProgram, 1, 255);
  requireInteger("minimumProgram", minimumProgram, 1, maximumProgram);
  requireInteger("registers", registers, 1, registerNames.length);
  if (memoryBytes % stateBytes !== 0 || memoryBytes < 4 * maximumProgram) {
    throw new RangeError(
      `Cannot generate CPU states: memoryBytes is ${memoryBytes}, a multiple of ${stateBytes} (so that states are ` +
        `patches) and at least ${
          4 * maximumProgram
        } (4 for each of ${maximumProgram} instructions) is required`,
    );
  }
  if (instructions.length === 0) {
    throw new RangeError("Cannot generate CPU states: instructions is empty, at least one is required");
  }
  for (const [i, mnemonic] of instructions.entries()) {
    const problem = mnemonic === "HLT"
      ? "it ends every program and is never drawn. Leave it out"
      : !drawnMnemonics.includes(mnemonic)
      ? `known are ${drawnMnemonics.join(", ")}`
      : instructions.indexOf(mnemonic) < i
      ? "it is there twice. Leave one out"
      : undefined;
    if (problem) {
      throw new RangeError(`Cannot generate CPU states: instructions has "${mnemonic}", ${problem}`);
    }
  }
  return { seed, minimumProgram, maximumProgram, memoryBytes, instructions, registers, unusedRegistersZero };
}

function requireInteger(name: string, value: number, minimum: number, maximum: number): void {
  if (Number.isInteger(value) && value >= minimum && value <= maximum) return;
  throw new RangeError(
    `Cannot generate CPU states: ${name} is ${value}, an integer from ${minimum} to ${maximum} is required`,
  );
}
