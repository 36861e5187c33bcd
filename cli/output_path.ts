import { dirname } from "@std/path";

/**
 * Makes sure, before long work, that its outcome can be written.
 * @throws {Error} when the path is a folder, or there is none for the file
 */
export function checkOutputPath(path: string): void {
  if (statOf(path)?.isDirectory) {
    throw new Error(`Cannot write "${path}": it is a folder. Name a file in it`);
  }
  if (statOf(dirname(path))?.isDirectory) return;
  throw new Error(`Cannot write "${path}": there is no folder "${dirname(path)}". Make it first`);
}

/** What stands at the path; undefined where that is nothing, or nothing that can be looked at. */
export function statOf(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.statSync(path);
  } catch {
    return undefined;
  }
}
