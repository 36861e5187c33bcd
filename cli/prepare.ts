import { crc32c, RandomStream } from "@bgpt/core";
import { join } from "@std/path";
import { type CorpusSplit, CorpusWriter, partialNames } from "./corpus_writer.ts";
import { alignedLines } from "./doctor/text_table.ts";
import { makeEmptyFolder } from "./empty_folder.ts";
import { jsonOption, type Values } from "./options.ts";
import { ProgressLine } from "./progress.ts";
import { note, print, printJson } from "./terminal.ts";
import { formatBytes, formatCount } from "./units.ts";

/** One file ready for the model. */
export interface PreparedFile {
  /** Its name before the dot: `label_id`, or `id` without a label. */
  readonly stem: string;
  /** What stands behind the dot. */
  readonly extension: string;
  readonly bytes: Uint8Array;
}

/** One input, opened when its turn comes. */
export interface PrepareInput {
  /** What messages call it: its path, or `path:row`. */
  readonly name: string;
  /** What it is a part of: all parts with the same name stay in one split. Absent: its first file's stem alone. */
  readonly whole?: string;
  /**
   * Reads the input and makes its files. Several, such as the ABC and the MIDI of a tune, stay in one split. An error
   * is named and counted, and the rest goes on.
   */
  make(): Promise<readonly PreparedFile[]>;
}

/** The options of every command that turns people's files into files for the model. */
export const prepareOptions = {
  out: {
    kind: "path",
    placeholder: "DIR",
    required: true,
    help:
      "the folder to write, empty or not yet there: files for training into DIR/train, the others into DIR/eval",
  },
  evalShare: {
    kind: "number",
    minimum: 0,
    maximum: 0.5,
    default: 0.1,
    help: "share of the files that go into DIR/eval; with 0 all go straight into DIR",
  },
  seed: {
    kind: "integer",
    minimum: 0,
    maximum: 0xffffffff,
    default: 0,
    help: "which split: a file's place follows from the seed and its name alone, whatever else is there",
  },
  tar: { kind: "flag", help: "write train.tar and eval.tar into DIR rather than folders of files" },
  json: jsonOption,
} as const;

/** What went wrong with one input. */
interface Failure {
  readonly name: string;
  readonly reason: string;
}

/** Failures told on stderr as they happen; the list has all of them. */
const toldFailures = 20;
/** Hidden, so that it is never taken for data. */
const failureList = ".failures.txt";
/** Labels told in the summary; the JSON record has all of them. */
const toldLabels = 20;

/**
 * Makes the files of all inputs and writes them as a corpus, with a progress line, and tells at the end what was
 * written and what failed.
 *
 * @param title what is being done, for the progress line: `Preparing images`
 * @param options the values of {@linkcode prepareOptions}
 * @param total how many inputs there are, where that is known
 * @throws {Error} when the folder is not empty, nothing could be made of any input, or a file cannot be written
 */
export async function prepareFiles(
  inputs: AsyncIterable<PrepareInput> | Iterable<PrepareInput>,
  title: string,
  options: Values<typeof prepareOptions, Record<never, never>>,
  total?: number,
): Promise<void> {
  const { out, seed, evalShare, tar, json } = options;
  makeEmptyFolder(out, [failureList, ...partialNames]);
  const failures: Failure[] = [];
  using corpus = new CorpusWriter(out, tar);
  {
    using progress = new ProgressLine(title, total, "inputs");
    let inputCount = 0;
    for await (const input of inputs) {
      try {
        const files = await made(input, corpus);
        const split = evalShare === 0 ? "all" : splitOf(input.whole ?? files[0]!.stem, seed, evalShare);
        for (const file of files) corpus.add(split, file);
      } catch (error) {
        if (!(error instanceof InputError)) throw error;
        failures.push(error.failure);
        if (failures.length <= toldFailures) progress.note(lineOf(error.failure));
        else if (failures.length === toldFailures + 1) {
          progress.note(`More inputs fail. All will be listed in ${join(out, failureList)}`);
        }
      }
      progress.update(++inputCount, failures.length === 0 ? "" : `${failures.length} failed`);
    }
  }
  if (failures.length > 0) {
    Deno.writeTextFileSync(
      join(out, failureList),
      failures.map((failure) => `${lineOf(failure)}\n`).join(""),
    );
  }
  if (corpus.fileCount === 0) {
    throw new Error(
      failures.length === 0
        ? `Cannot prepare a corpus: there is no input. Name files, or folders with files of the right kind in them`
        : `Cannot prepare a corpus: ${
          formatCount(failures.length, "input")
        } failed, and there is no other. ` +
          `See ${join(out, failureList)}`,
    );
  }
  corpus.close();
  if (json) printJson({ out, seed, evalShare, ...corpus.report(), failures });
  else printSummary(out, corpus, failures);
}

/**
 * Which split a file belongs to. It follows from the seed and the stem alone, so that files that come later move no
 * others.
 */
export function splitOf(stem: string, seed: number, evalShare: number): CorpusSplit {
  const stream = crc32c(new TextEncoder().encode(stem));
  return new RandomStream(seed, stream).uniform() < evalShare ? "eval" : "train";
}

/** An error of one input: all others stop the command. */
class InputError extends Error {
  readonly failure: Failure;

  constructor(name: string, cause: unknown) {
    const reason = cause instanceof Error ? cause.message || cause.name : String(cause);
    super(reason, { cause });
    this.failure = { name, reason };
  }
}

/** The files of an input, fit to be written. */
async function made(input: PrepareInput, corpus: CorpusWriter): Promise<readonly PreparedFile[]> {
  try {
    const files = await input.make();
    if (files.length === 0) throw new Error("nothing could be made of it");
    corpus.check(files);
    return files;
  } catch (error) {
    throw new InputError(input.name, error);
  }
}

function lineOf({ name, reason }: Failure): string {
  const line = reason.replace(/\s*\n\s*/g, " ").trim();
  return line.includes(name) ? line : `${name}: ${line}`;
}

function printSummary(out: string, corpus: CorpusWriter, failures: readonly Failure[]): void {
  const { files, bytes, splits, labels } = corpus.report();
  const names = Object.keys(splits);
  print(`Wrote ${formatCount(files, "file")} of ${formatBytes(bytes)} in all to ${out}`);
  const row = (name: string, counts: Readonly<Record<string, number>>) => [
    name,
    ...names.map((split) => (counts[split] ?? 0).toLocaleString("en")),
  ];
  const rows = Object.entries(labels).map(([label, counts]) => row(label, counts));
  const lines = alignedLines(
    [["label", ...names], ...rows.slice(0, toldLabels), row(rows.length === 0 ? "(none)" : "all", splits)],
    ["left", ...names.map(() => "right" as const)],
  );
  print(lines.join("\n"));
  if (rows.length > toldLabels) print(`  and ${rows.length - toldLabels} more labels`);
  if (failures.length > 0) {
    note(`${formatCount(failures.length, "input")} failed, listed in ${join(out, failureList)}`);
  }
}
