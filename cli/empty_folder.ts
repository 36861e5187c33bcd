import { join } from "@std/path";
import { makeFolder } from "./make_folder.ts";

/**
 * Makes the folder of a new corpus. Every file of a corpus is data, so nothing else may be in it; hidden files are no
 * data.
 *
 * @param leftovers hidden files that an earlier run that made nothing may have left there: they are removed
 * @throws {Error} when the folder holds something, or cannot be made
 */
export function makeEmptyFolder(path: string, leftovers: readonly string[] = []): void {
  makeFolder(path);
  for (const { name } of Deno.readDirSync(path)) {
    if (name.startsWith(".")) continue;
    throw new Error(`Cannot write a corpus to "${path}": it holds "${name}". Name a new or an empty folder`);
  }
  for (const { name } of Deno.readDirSync(path)) {
    if (leftovers.includes(name)) Deno.removeSync(join(path, name));
  }
}
