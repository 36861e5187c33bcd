import { type CpuCorpusOptions, cpuStateFile } from "@bgpt/tasks";
import { join } from "@std/path";
import { defineCommand } from "../command.ts";
import { makeEmptyFolder } from "../empty_folder.ts";
import { UsageError } from "../errors.ts";
import { openRanks } from "../mpi/ranks.ts";
import { jsonOption } from "../options.ts";
import { ProgressLine } from "../progress.ts";
import { print, printJson } from "../terminal.ts";
import { formatBytes, formatCount } from "../units.ts";

/** `bgpt data cpu`: writes a corpus of CPU states. */
export default defineCommand({
  description:
    "Writes a corpus of CPU states: each file is the memory of a small computer with a random program in it, " +
    "then the state of its registers after every instruction. The same seed gives the same files; defaults are the " +
    "published corpus. Under mpirun the ranks share the work.",
  options: {
    out: {
      kind: "path",
      placeholder: "DIR",
      required: true,
      help: "the folder to write, empty or not yet there",
    },
    instances: { kind: "integer", minimum: 1, maximum: 9_999_999, required: true, help: "how many files" },
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
    seed: { kind: "integer", minimum: 0, maximum: 0xffffffff, default: 0, help: "which corpus" },
    instructions: { kind: "list", help: "the instructions to draw from; all when not given" },
    registers: {
      kind: "integer",
      minimum: 1,
      maximum: 10,
      default: 10,
      help: "how many of the registers A to J programs use",
    },
    unusedRegistersZero: { kind: "flag", help: "start the other registers at 0 rather than at random" },
    json: jsonOption,
  },
  examples: [
    {
      what: "short programs that add and subtract in three registers",
      line: "data cpu --out corpus --instances 1000 --max-program 8 --instructions ADD,SUB --registers 3",
    },
    {
      what: "programs never trained on, for bgpt simulate: another seed",
      line: "data cpu --out unseen --instances 100 --seed 1",
    },
  ],
  run: async (values) => {
    const { out, instances, json } = values;
    const corpus: CpuCorpusOptions = {
      seed: values.seed,
      minimumProgram: values.minProgram,
      maximumProgram: values.maxProgram,
      memoryBytes: values.memory,
      registers: values.registers,
      unusedRegistersZero: values.unusedRegistersZero,
      ...(values.instructions.length > 0 ? { instructions: values.instructions } : {}),
    };
    corpusFile(0, corpus); // Refuses options that cannot be before the folder is made.
    const communicator = openRanks(slowestRankSeconds);
    const { rank, size } = communicator;
    if (rank === 0) makeEmptyFolder(out);
    await communicator.barrier();

    const byteLengths = Float64Array.of(0);
    {
      using progress = new ProgressLine("Writing", Math.ceil(instances / size), "files");
      for (let index = rank; index < instances; index += size) {
        const bytes = corpusFile(index, corpus);
        Deno.writeFileSync(join(out, `${String(index).padStart(7, "0")}.bin`), bytes);
        byteLengths[0]! += bytes.length;
        progress.update(progress.done + 1);
      }
    }
    await communicator.allReduceSum(byteLengths);
    const byteLength = byteLengths[0]!;

    if (json) printJson({ out, files: instances, bytes: byteLength, ...corpus });
    else print(`Wrote ${formatCount(instances, "file")} of ${formatBytes(byteLength)} in all to ${out}`);
  },
});

/** A corpus may take hours, and hosts differ. */
const slowestRankSeconds = 86_400;

/** The corpus names its options; the command line calls them otherwise. */
const flagOf: Readonly<Record<string, string>> = {
  minimumProgram: "--min-program",
  maximumProgram: "--max-program",
  memoryBytes: "--memory",
  instructions: "--instructions",
  registers: "--registers",
};

function corpusFile(index: number, corpus: CpuCorpusOptions): Uint8Array {
  try {
    return cpuStateFile(index, corpus);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const named = /: (\w+) (?:is|has)/.exec(error.message)?.[1] ?? "";
    throw new UsageError(error.message.replace(named, flagOf[named] ?? named), { cause: error });
  }
}
