import { RandomStream } from "../random.ts";
import type { FileSource } from "../strip_reader.ts";
import { type FoundFile, listFiles, readFile } from "./list_files.ts";

/** Random stream of the split into training and held-out files. */
const splitStream = 0x5000_0000;

/**
 * The files below some paths as a source of training or evaluation.
 * @throws {Error} when a path is missing or unreadable, or when there is no file at all
 */
export async function folderSource(paths: readonly string[]): Promise<FileSource> {
  const files = await listFiles(paths);
  if (files.length === 0) {
    throw new Error(
      `Cannot read "${paths.join('", "')}": no files were found. Name a folder with files in it`,
    );
  }
  return sourceOf(files);
}

/**
 * Holds a share of a source's files out for evaluation, at least one where the share is above 0 and two files are
 * there; the same seed holds out the same files.
 */
export function holdOut(
  source: FileSource,
  share: number,
  seed: number,
): { readonly training: FileSource; readonly evaluation?: FileSource } {
  const files = source.files as readonly FoundFile[];
  if (share === 0 || files.length < 2) return { training: source };
  const count = Math.min(files.length - 1, Math.max(1, Math.round(files.length * share)));
  const order = new RandomStream(seed, splitStream).shuffle(files.map((_, index) => index));
  const heldOut = new Set(order.slice(0, count));
  return {
    training: sourceOf(files.filter((_, index) => !heldOut.has(index))),
    evaluation: sourceOf(files.filter((_, index) => heldOut.has(index))),
  };
}

function sourceOf(files: readonly FoundFile[]): FileSource {
  return { files, read: (index) => readFile(files[index]!.path) };
}
