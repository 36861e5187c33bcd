import { join } from "@std/path";
import { ownProgram } from "../own_program.ts";
import { note, paint } from "../terminal.ts";

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
    const kept = await readRecord(recordPath);
    if (kept !== undefined && kept.command !== line) {
      throw new Error(
        `Cannot go on with the study in "${this.#folder}": ${name} was run as "${kept.command}", now it would be ` +
          `"${line}". Name a new folder`,
      );
    }
    if (kept !== undefined) return kept.record;
    note(`\n${paint(`[${this.#count} of ${this.#total}] ${name}`, "bold", "stderr")}: ${line}`);
    const record = await runCommand([...await complete(args), "--json"]);
    await Deno.mkdir(this.#folder, { recursive: true });
    await Deno.writeTextFile(recordPath, JSON.stringify({ command: line, record }, null, 2) + "\n");
    return record;
  }
}

async function readRecord(path: string): Promise<{ command: string; record: CommandRecord } | undefined> {
  try {
    return JSON.parse(await Deno.readTextFile(path));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw new Error(`Cannot read "${path}": ${(error as Error).message}. Remove it to run its command again`);
  }
}

/** Runs this program with other arguments, its progress on our stderr. */
async function runCommand(args: readonly string[]): Promise<CommandRecord> {
  const [program, ...words] = ownProgram();
  const { code, stdout } = await new Deno.Command(program, {
    args: [...words, ...args],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).output();
  if (code !== 0) throw new Error(`Stopped the study: bgpt ${args.join(" ")} ended with code ${code}`);
  return JSON.parse(new TextDecoder().decode(stdout));
}
