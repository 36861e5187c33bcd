import { extname, join } from "@std/path";
import { note } from "./terminal.ts";
import { formatCount } from "./units.ts";

/** A file to prepare. */
export interface InputFile {
  readonly path: string;
  /** Whether a folder that was named holds it in a folder of its own, whose name may be its label. */
  readonly inSubfolder: boolean;
}

/** What was found below the paths. */
export interface InputFiles {
  readonly files: readonly InputFile[];
  /** Files below folders whose extension is none of those wanted. */
  readonly passedOver: number;
}

/**
 * The files that the paths name: those named outright whatever they are, and below folders those with one of the
 * extensions, in capitals or not. Sorted by path, each once; hidden files and folders are skipped. Links to files count
 * as files. What cannot be read is found all the same, so that it fails by its name when its turn comes.
 *
 * @param extensions with their dots, in small letters: `.wav`
 * @throws {Error} when a folder cannot be read
 */
export function findInputFiles(paths: readonly string[], extensions: readonly string[]): InputFiles {
  const found = new Map<string, InputFile>();
  let passedOver = 0;
  const findBelow = (folder: string, inSubfolder: boolean) => {
    for (const { name, isDirectory } of entriesOf(folder)) {
      if (name.startsWith(".")) continue;
      const path = join(folder, name);
      if (isDirectory) findBelow(path, true);
      else if (extensions.includes(extname(name).toLowerCase())) found.set(path, { path, inSubfolder });
      else passedOver++;
    }
  };
  for (const path of paths) {
    if (isFolder(path)) findBelow(path, false);
    else found.set(path, { path, inSubfolder: false });
  }
  return { files: [...found.values()].sort((a, b) => a.path < b.path ? -1 : 1), passedOver };
}

/** Says how many files were passed over, if any. */
export function notePassedOver(passedOver: number, extensions: readonly string[]): void {
  if (passedOver === 0) return;
  const are = passedOver === 1 ? "it is" : "they are";
  note(`${formatCount(passedOver, "file")} passed over, as ${are} not ${extensions.join(", ")}`);
}

/** Whether it is a folder; what cannot be looked at is none. */
function isFolder(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}

function entriesOf(folder: string): Iterable<Deno.DirEntry> {
  try {
    return Deno.readDirSync(folder);
  } catch (error) {
    throw new Error(`Cannot read folder "${folder}": ${(error as Error).message}`, { cause: error });
  }
}
