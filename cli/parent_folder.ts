import { dirname } from "@std/path";

/**
 * Makes sure, before long work, that its outcome can be written.
 * @throws {Error} when there is no folder for the file
 */
export function checkParentFolder(path: string): void {
  try {
    if (Deno.statSync(dirname(path)).isDirectory) return;
  } catch {
    // Said below.
  }
  throw new Error(`Cannot write "${path}": there is no folder "${dirname(path)}". Make it first`);
}
