import { type CpuCorpusOptions, cpuStateFile } from "@bgpt/tasks";
import { UsageError } from "./errors.ts";
import type { Values } from "./options.ts";

/** The options that say what programs are drawn from; defaults are the published corpus. */
export const cpuCorpusOptions = {
  minProgram: {
    kind: "integer",
    minimum: 1,
    maximum: 255,
    default: 1,
    help: "the fewest instructions of a program, with its HLT",
  },
  maxProgram: {
    kind: "integer",
    minimum: 1,
    maximum: 255,
    default: 255,
    help: "the most instructions of a program",
  },
  memory: {
    kind: "integer",
    placeholder: "BYTES",
    minimum: 16,
    default: 1024,
    help: "size of the memory, a multiple of 16 that holds the longest program, 4 bytes an instruction",
  },
  instructions: { kind: "list", help: "the instructions to draw from; all when not given" },
  registers: {
    kind: "integer",
    minimum: 1,
    maximum: 10,
    default: 10,
    help: "how many of the registers A to J programs use",
  },
  unusedRegistersZero: { kind: "flag", help: "start the other registers at 0 rather than at random" },
} as const;

/** What the command line says of the corpus. */
type CpuCorpusChoice = Values<typeof cpuCorpusOptions, Record<never, never>>;

/** The corpus that the command line describes. */
export function cpuCorpus(choice: CpuCorpusChoice, seed: number): CpuCorpusOptions {
  return {
    seed,
    minimumProgram: choice.minProgram,
    maximumProgram: choice.maxProgram,
    memoryBytes: choice.memory,
    registers: choice.registers,
    unusedRegistersZero: choice.unusedRegistersZero,
    ...(choice.instructions.length > 0 ? { instructions: choice.instructions } : {}),
  };
}

/** The corpus names its options; the command line calls them otherwise. */
const flagOf: Readonly<Record<string, string>> = {
  minimumProgram: "--min-program",
  maximumProgram: "--max-program",
  memoryBytes: "--memory",
  instructions: "--instructions",
  registers: "--registers",
};

/**
 * File `index` of a corpus.
 * @throws {UsageError} for a corpus that cannot be, in the words of the command line
 */
export function cpuCorpusFile(index: number, corpus: CpuCorpusOptions): Uint8Array<ArrayBuffer> {
  try {
    return cpuStateFile(index, corpus);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const named = /: (\w+) (?:is|has)/.exec(error.message)?.[1] ?? "";
    throw new UsageError(error.message.replace(named, flagOf[named] ?? named), { cause: error });
  }
}
