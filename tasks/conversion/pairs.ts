/**
 * Pairs of files that say the same in two formats.
 * @module
 */
import { fileExtension, type FileSource } from "@bgpt/core";

/** Which files are converted into which, by their extensions. */
export interface Conversion {
  /** Of the files that are converted. */
  readonly from: string;
  /** Of what they become. */
  readonly to: string;
  /** Whether `to` is converted into `from`, too. */
  readonly bothWays: boolean;
}

/** Two files of one stem, by their places in a source of files. */
export interface FilePair {
  /** The file that is converted. */
  readonly source: number;
  /** What it is converted into. */
  readonly target: number;
}

/** The pairs among some files. */
export interface FoundPairs {
  /** In the direction that was asked for, the first one of two. */
  readonly pairs: readonly FilePair[];
  /** Paths of the files of either format that have no partner. */
  readonly alone: readonly string[];
}

/**
 * Reads `abc->mid`, one way, or `abc<->mid`, both ways.
 * @throws {SyntaxError} when it is neither, or the two formats are one
 */
export function parseConversion(text: string): Conversion {
  const [, from, arrow, to] = /^([^\s<>-]+)(<?->)([^\s<>-]+)$/.exec(text) ?? [];
  if (from !== undefined && to !== undefined && from !== to) return { from, to, bothWays: arrow === "<->" };
  throw new SyntaxError(
    `Cannot read pairs "${text}": two different extensions with an arrow are required, "abc->mid" or, both ways, ` +
      `"abc<->mid"`,
  );
}

/**
 * Finds the files of both formats that have one stem: the path up to its last dot. Files of other formats are left
 * alone.
 * @throws {Error} when there is no pair
 */
export function findPairs(
  files: FileSource["files"],
  { from, to }: Omit<Conversion, "bothWays">,
): FoundPairs {
  const sources: number[] = [];
  const targets = new Map<string, number>();
  for (const [index, { path }] of files.entries()) {
    const extension = fileExtension(path);
    if (extension === from) sources.push(index);
    else if (extension === to) targets.set(stemOf(path), index);
  }
  const targetCount = targets.size;
  const pairs: FilePair[] = [];
  const alone: string[] = [];
  for (const source of sources) {
    const { path } = files[source]!;
    const target = targets.get(stemOf(path));
    if (target === undefined) alone.push(path);
    else pairs.push({ source, target });
    targets.delete(stemOf(path));
  }
  for (const target of targets.values()) alone.push(files[target]!.path);
  if (pairs.length > 0) return { pairs, alone };
  throw new Error(
    `Cannot find pairs: of ${files.length} files ${sources.length} end in .${from} and ${targetCount} in .${to}, ` +
      `none of which are called alike. A pair is NAME.${from} and NAME.${to}`,
  );
}

/** The same pair the other way. */
export function reversed({ source, target }: FilePair): FilePair {
  return { source: target, target: source };
}

function stemOf(path: string): string {
  return path.slice(0, path.lastIndexOf("."));
}
