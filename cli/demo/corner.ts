/**
 * The parts of the simulated machine that can be learnt in minutes, and their programs.
 * @module
 */
import type { FileSource } from "@bgpt/core";
import { TarWriter } from "@bgpt/core/files";
import {
  type CpuCorpusOptions,
  cpuStateFile,
  instructionTable,
  parseStateFile,
  registerNames,
  type StateFile,
} from "@bgpt/tasks";

/** A part of the machine. */
export interface Corner {
  /** Its programs. */
  readonly programs: Required<Omit<CpuCorpusOptions, "seed">>;
  /** Patches that hold any of its files: extension, memory, states, end. */
  readonly patchLength: number;
}

/** All twenty instructions, on three of the ten registers. */
const wide: Corner = {
  programs: {
    instructions: instructionTable.map(({ mnemonic }) => mnemonic).filter((mnemonic) => mnemonic !== "HLT"),
    registers: 3,
    minimumProgram: 6,
    maximumProgram: 8,
    memoryBytes: 32,
    unusedRegistersZero: true,
  },
  patchLength: 16,
};

/** What works on one register or the accumulator alone: learnt in a tenth of the steps, each of half the bytes. */
const narrow: Corner = {
  programs: {
    instructions: ["CLR", "INC", "DEC"],
    registers: 1,
    minimumProgram: 3,
    maximumProgram: 4,
    memoryBytes: 16,
    unusedRegistersZero: true,
  },
  patchLength: 8,
};

/**
 * Steps that the wide corner needs: after 1,500 a model has 36 % of whole states right, where the trivial predictor has
 * 22 %; the narrow one it has learnt after 650.
 */
const wideSteps = 2000;

/**
 * The corner for the time at hand.
 * @param seconds to train
 * @param secondsPerStep of a corner's training
 * @returns the corner, and the seconds that a step of it takes
 */
export async function chooseCorner(
  seconds: number,
  secondsPerStep: (corner: Corner) => Promise<number>,
): Promise<{ corner: Corner; stepSeconds: number }> {
  const wideStep = await secondsPerStep(wide);
  if (seconds >= wideSteps * wideStep) return { corner: wide, stepSeconds: wideStep };
  return { corner: narrow, stepSeconds: await secondsPerStep(narrow) };
}

/** Patches of a file that nobody can predict: its extension, the memory with a random program, the random start. */
export function givenPatches({ programs }: Corner): number {
  return 1 + programs.memoryBytes / 16 + 1;
}

/** What a corner has of the machine, in a line. */
export function describeCorner({ programs: { instructions, registers } }: Corner): string {
  const names = [...registerNames].slice(0, registers);
  return `${instructions.join(" ")} HLT; ${registers === 1 ? "register" : "registers"} ${
    names.join(", ")
  } and the accumulator ACC.`;
}

/** Program `index` of a seed, with the states of its run. */
export function programFile({ programs }: Corner, index: number, seed: number): StateFile {
  return parseStateFile(cpuStateFile(index, { ...programs, seed }));
}

/** So many programs, kept in memory. */
export function programSource({ programs }: Corner, count: number, seed: number): FileSource {
  const files = Array.from({ length: count }, (_, index) => cpuStateFile(index, { ...programs, seed }));
  return {
    files: files.map(({ byteLength }, index) => ({ path: programName(index), byteLength })),
    read: (index) => Promise.resolve(files[index]!),
  };
}

/** Writes programs into a tar: a disk may take minutes to make as many files. */
export function writeCorpus({ programs }: Corner, path: string, count: number, seed: number): void {
  using tar = new TarWriter(path);
  for (let index = 0; index < count; index++) {
    tar.add(programName(index), cpuStateFile(index, { ...programs, seed }));
  }
  tar.close();
}

function programName(index: number): string {
  return `${String(index).padStart(6, "0")}.bin`;
}
