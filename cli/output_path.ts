import { diskReason } from "@bgpt/core/files";
import { dirname } from "@std/path";

/**
 * Makes sure, before long work, that its outcome can be written.
 * @param inputs files that are read for it, which it must not replace
 * @throws {Error} when the path is a folder or an input, there is no folder for the file, or nothing can be written in it
 */
export function checkOutputPath(path: string, inputs: readonly string[] = []): void {
  const there = statOf(path);
  if (there?.isDirectory) {
    throw new Error(`Cannot write "${path}": it is a folder. Name a file in it`);
  }
  if (there !== undefined && inputs.some((input) => isSameFile(statOf(input), there))) {
    throw new Error(`Cannot write "${path}": it is the file to read. Name another`);
  }
  // A pipe or a device is written as it is.
  if (there !== undefined && !there.isFile) return;
  const folder = dirname(path);
  if (!statOf(folder)?.isDirectory) {
    throw new Error(`Cannot write "${path}": there is no folder "${folder}". Make it first`);
  }
  try {
    Deno.removeSync(Deno.makeTempFileSync({ dir: folder, prefix: ".bgpt-" }));
  } catch (error) {
    throw new Error(`Cannot write "${path}": ${diskReason(error)}`, { cause: error });
  }
}

function isSameFile(a: Deno.FileInfo | undefined, b: Deno.FileInfo): boolean {
  return a !== undefined && a.ino !== null && a.ino === b.ino && a.dev === b.dev;
}

/** What stands at the path; undefined where that is nothing, or nothing that can be looked at. */
export function statOf(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.statSync(path);
  } catch {
    return undefined;
  }
}
