import { join } from "@std/path";
import { ownProgram } from "../own_program.ts";
import { PassedSignals } from "../passed_signals.ts";
import { note, paint } from "../terminal.ts";
import { readRecordFile, writeRecordFile } from "./record_file.ts";

/** What `--json` printed of a command. */
export type CommandRecord = Readonly<Record<string, unknown>>;

/**
 * The commands of a study, each in a process of its own and each once: what a command printed is kept in the study's
 * folder, and a study that was stopped goes on where it was.
 */
export class StudyRuns {
  readonly #folder: string;
  readonly #total: number;
  #count = 0;

  /**
   * @param folder the study's folder
   * @param total how many commands there will be, to be told along the way
   */
  constructor(folder: string, total: number) {
    this.#folder = folder;
    this.#total = total;
  }

  /**
   * Trains in the study's folder `name`, or goes on with what was begun there.
   * @param args of `bgpt train`, without `--out`
   * @returns the record of the run
   * @throws {Error} when it failed, or was stopped: then it is not kept, and the next time goes on
   */
  async train(name: string, args: readonly string[]): Promise<CommandRecord> {
    const out = join(this.#folder, name);
    return await this.#once(name, ["train", ...args, "--out", out], async (words) => {
      const begun = await Deno.stat(join(out, "checkpoints")).then(() => true, () => false);
      return begun ? [...words, "--resume"] : words;
    });
  }

  /** Runs any other command, such as an evaluation. */
  async measure(name: string, args: readonly string[]): Promise<CommandRecord> {
    return await this.#once(name, args, (words) => Promise.resolve(words));
  }

  /** The checkpoint that a training run kept as its best; its last one where nothing was held out. */
  async checkpointOf(name: string): Promise<string> {
    const best = join(this.#folder, name, "checkpoints", "best");
    return await Deno.stat(best).then(() => best, () => join(this.#folder, name));
  }

  async #once(
    name: string,
    args: readonly string[],
    complete: (args: readonly string[]) => Promise<readonly string[]>,
  ): Promise<CommandRecord> {
    this.#count++;
    const recordPath = join(this.#folder, `${name}.json`);
    const line = ["bgpt", ...args].join(" ");
    const kept = await readRecordFile<KeptRecord>(recordPath);
    if (kept !== undefined && kept.command !== line) {
      throw new Error(
        `Cannot go on with the study in "${this.#folder}": ${name} was run as "${kept.command}", now it would be ` +
          `"${line}". Name a new folder`,
      );
    }
    // An older program kept those of stopped runs, too.
    if (kept !== undefined && !isStopped(kept.record)) return kept.record;
    note(`\n${paint(`[${this.#count} of ${this.#total}] ${name}`, "bold", "stderr")}: ${line}`);
    const words = [...await complete(args), "--json"];
    const { code, stdout, signalled } = await runCommand(words);
    const stoppedAt = (what: string) =>
      new Error(`Stopped the study in "${this.#folder}": ${what}. The same command goes on`);
    if (code !== 0) {
      if (signalled) throw stoppedAt(`${name} was ended by a signal`);
      throw new Error(`Stopped the study: bgpt ${words.join(" ")} ended with code ${code}`);
    }
    const record: CommandRecord = JSON.parse(stdout);
    if (isStopped(record)) throw stoppedAt(`${name} was stopped after step ${record["step"]}`);
    await writeRecordFile(recordPath, { command: line, record } satisfies KeptRecord);
    if (signalled) throw stoppedAt(`a signal came when ${name} was just finished`);
    return record;
  }
}

/** The best evaluation of a run. */
export interface BestEvaluation {
  readonly lossNats: number;
  /** Where classes are learnt. */
  readonly accuracy?: number;
}

/**
 * What the best evaluation of a finished run was.
 * @param name the run
 * @throws {Error} when no loss of it was a number
 */
export function bestEvaluation(name: string, record: CommandRecord): BestEvaluation {
  const best = record["best"] as BestEvaluation | undefined;
  if (best !== undefined) return best;
  throw new Error(
    `Cannot compare ${name} with the other runs: no evaluation of it had a loss that is a number. ` +
      "Name a new folder, and another --preset or --seed",
  );
}

/** What is kept of a finished command. */
interface KeptRecord {
  readonly command: string;
  readonly record: CommandRecord;
}

/** Whether it is the record of a training run that was ended by a signal. */
function isStopped(record: CommandRecord): boolean {
  return record["stopped"] === true;
}

/** Runs this program with other arguments, its progress on our stderr; it gets the signals that come meanwhile. */
async function runCommand(
  args: readonly string[],
): Promise<{ readonly code: number; readonly stdout: string; readonly signalled: boolean }> {
  const [program, ...words] = ownProgram();
  using signals = new PassedSignals();
  const process = new Deno.Command(program, {
    args: [...words, ...args],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
    detached: true, // The terminal's SIGINT comes from here alone, and once.
  }).spawn();
  signals.passTo(process);
  const { code, stdout } = await process.output();
  return { code, stdout: new TextDecoder().decode(stdout), signalled: signals.received };
}
