import { join } from "@std/path";

/** A file that was found. */
export interface FoundFile {
  /** The path as given, or joined below a folder as given. */
  path: string;
  /** Its size in bytes. */
  byteLength: number;
}

/**
 * All files that the paths name: files themselves, and folders with everything below them. Sorted by path (by code
 * units, the same on every machine), each path once. Below folders, hidden files and folders (`.name`) and symbolic links
 * are skipped, so that nothing outside is reached and nothing is found twice; a path given outright is always taken.
 *
 * @throws Error naming the path that is missing, cannot be read, or is neither a file nor a folder
 */
export async function listFiles(paths: Iterable<string>): Promise<FoundFile[]> {
  const found = new Map<string, FoundFile>();
  for (const path of paths) {
    const { isFile, isDirectory, size } = await naming(path, Deno.stat(path));
    if (isFile) found.set(path, { path, byteLength: size });
    else if (isDirectory) await findBelow(path, found);
    else throw new Error(`Cannot read "${path}": it is neither a file nor a folder`);
  }
  return [...found.values()].sort((a, b) => a.path < b.path ? -1 : 1);
}

async function findBelow(folder: string, found: Map<string, FoundFile>): Promise<void> {
  for (const { name, isFile, isDirectory } of await naming(folder, Array.fromAsync(Deno.readDir(folder)))) {
    if (name.startsWith(".")) continue;
    const path = join(folder, name);
    if (isDirectory) await findBelow(path, found);
    else if (isFile) found.set(path, { path, byteLength: (await naming(path, Deno.lstat(path))).size });
  }
}

/**
 * The bytes of a file.
 *
 * @throws Error naming the path that is missing or cannot be read
 */
export function readFile(path: string): Promise<Uint8Array> {
  return naming(path, Deno.readFile(path));
}

/** The result of reading a path, or an error that names it. */
async function naming<T>(path: string, reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    const reason = error instanceof Deno.errors.NotFound
      ? "there is no such file or folder. Check the path"
      : error instanceof Error
      ? error.message
      : String(error);
    throw new Error(`Cannot read "${path}": ${reason}`, { cause: error });
  }
}
