import { join } from "@std/path";
import { defineCommand } from "../command.ts";
import { cpuCorpus, cpuCorpusFile, cpuCorpusOptions } from "../cpu_corpus.ts";
import { makeEmptyFolder } from "../empty_folder.ts";
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
    ...cpuCorpusOptions,
    seed: { kind: "integer", minimum: 0, maximum: 0xffffffff, default: 0, help: "which corpus" },
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
    const corpus = cpuCorpus(values, values.seed);
    cpuCorpusFile(0, corpus); // Refuses options that cannot be before the folder is made.
    const communicator = openRanks(slowestRankSeconds);
    const { rank, size } = communicator;
    if (rank === 0) makeEmptyFolder(out);
    await communicator.barrier();

    const byteLengths = Float64Array.of(0);
    {
      using progress = new ProgressLine("Writing", Math.ceil(instances / size), "files");
      for (let index = rank; index < instances; index += size) {
        const bytes = cpuCorpusFile(index, corpus);
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
