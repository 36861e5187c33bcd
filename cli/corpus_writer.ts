import { TarWriter } from "@bgpt/core/files";
import { join } from "@std/path";
import type { PreparedFile } from "./prepare.ts";

/** Where a file of a corpus goes; `all` is a corpus that is not split. */
export type CorpusSplit = "train" | "eval" | "all";

/** How many files there are of each split. */
type SplitCounts = Partial<Record<CorpusSplit, number>>;

/** What was written. */
export interface CorpusReport {
  readonly files: number;
  readonly bytes: number;
  /** Those that hold files, training first. */
  readonly splits: SplitCounts;
  /** By label, sorted; empty where no file has one. */
  readonly labels: Readonly<Record<string, SplitCounts>>;
}

/** File systems take names of at most 255 bytes. */
const nameBytes = 255;

/**
 * Writes the files of a corpus into folders, or into a tar for each split. No file stands half-written under its final
 * name: folders get each by renaming it, tars are renamed by {@linkcode CorpusWriter.close}.
 */
export class CorpusWriter implements Disposable {
  readonly #folder: string;
  /** The tars that were begun; undefined when files are written. */
  readonly #tars: Map<CorpusSplit, TarWriter> | undefined;
  readonly #names: Set<string> = new Set();
  readonly #labels: Map<string, SplitCounts> = new Map();
  readonly #splits: SplitCounts = {};
  #byteLength = 0;

  /** Writes into an existing empty folder. */
  constructor(folder: string, tar: boolean) {
    this.#folder = folder;
    this.#tars = tar ? new Map() : undefined;
  }

  /** How many files were written. */
  get fileCount(): number {
    return this.#names.size;
  }

  /**
   * Checks that files can be added.
   *
   * @throws {RangeError} when a name cannot be a file's, or another file has it already
   */
  check(files: readonly PreparedFile[]): void {
    const names = new Set<string>();
    for (const name of files.map(nameOf)) {
      if (names.has(name) || this.#names.has(name)) {
        throw new RangeError(`it makes "${name}", which another input made already. Rename one of them`);
      }
      if (/^\.|[/\\\0]/.test(name) || new TextEncoder().encode(name).length > nameBytes) {
        throw new RangeError(
          `it makes ${
            JSON.stringify(name)
          }, a plain name of at most ${nameBytes} bytes that no dot begins is required`,
        );
      }
      names.add(name);
    }
  }

  /** Writes a file that {@linkcode CorpusWriter.check} let pass. */
  add(split: CorpusSplit, file: PreparedFile): void {
    const name = nameOf(file);
    if (this.#tars === undefined) this.#writeFile(split, name, file.bytes);
    else this.#tar(split, this.#tars).add(name, file.bytes);
    this.#names.add(name);
    this.#byteLength += file.bytes.length;
    count(this.#splits, split);
    const labelEnd = file.stem.indexOf("_");
    if (labelEnd < 0) return;
    const label = file.stem.slice(0, labelEnd);
    if (!this.#labels.has(label)) this.#labels.set(label, {});
    count(this.#labels.get(label)!, split);
  }

  /** Ends the tars and gives them their names. */
  close(): void {
    for (const [split, tar] of this.#tars ?? []) {
      tar.close();
      Deno.renameSync(this.#partialPath(split), join(this.#folder, `${tarNames[split]}.tar`));
    }
    this.#tars?.clear();
  }

  /** Removes the tars that were not ended. */
  [Symbol.dispose](): void {
    for (const [split, tar] of this.#tars ?? []) {
      tar[Symbol.dispose]();
      Deno.removeSync(this.#partialPath(split));
    }
    this.#tars?.clear();
  }

  /** What was written so far. */
  report(): CorpusReport {
    const labels = [...this.#labels].sort(([a], [b]) => a < b ? -1 : 1);
    const splits = (["train", "eval", "all"] as const).filter((split) => this.#splits[split] !== undefined);
    return {
      files: this.fileCount,
      bytes: this.#byteLength,
      splits: Object.fromEntries(splits.map((split) => [split, this.#splits[split]!])),
      labels: Object.fromEntries(labels),
    };
  }

  #writeFile(split: CorpusSplit, name: string, bytes: Uint8Array): void {
    const folder = split === "all" ? this.#folder : join(this.#folder, split);
    if (this.#splits[split] === undefined) Deno.mkdirSync(folder, { recursive: true });
    const partial = join(folder, partialFile);
    Deno.writeFileSync(partial, bytes);
    Deno.renameSync(partial, join(folder, name));
  }

  #tar(split: CorpusSplit, tars: Map<CorpusSplit, TarWriter>): TarWriter {
    const begun = tars.get(split) ?? new TarWriter(this.#partialPath(split));
    tars.set(split, begun);
    return begun;
  }

  /** Hidden, so that a tar that a kill left is never taken for data. */
  #partialPath(split: CorpusSplit): string {
    return join(this.#folder, partialTar(split));
  }
}

/** A corpus that is not split is all for training. */
const tarNames = { train: "train", eval: "eval", all: "train" } as const;

const partialFile = ".partial";

function partialTar(split: CorpusSplit): string {
  return `.${tarNames[split]}.tar.partial`;
}

/** Files that a kill may leave in the folder of a corpus that holds nothing yet. */
export const partialNames: readonly string[] = [partialFile, partialTar("train"), partialTar("eval")];

function nameOf({ stem, extension }: PreparedFile): string {
  return `${stem}.${extension}`;
}

function count(counts: SplitCounts, split: CorpusSplit): void {
  counts[split] = (counts[split] ?? 0) + 1;
}
