import { basename, dirname, join, resolve } from "@std/path";
import { newName, temporaryPrefix } from "./atomic_names.ts";
import { diskReason } from "./disk_reason.ts";

/*
 * The protocol. Three kinds of folder exist beside each other:
 *
 *   NAME               complete
 *   .NAME.bgpt-new     complete, and newer than NAME
 *   .NAME.bgpt-tmp-…   being written or being removed: worth nothing
 *
 *   1. write all files into .NAME.bgpt-tmp-…, and sync each of them and the folder
 *   2. rename .NAME.bgpt-tmp-… to .NAME.bgpt-new   from here on the new content counts
 *   3. rename NAME to .NAME.bgpt-tmp-…-old         (a rename does not replace a folder that is not empty)
 *   4. rename .NAME.bgpt-new to NAME
 *   5. remove .NAME.bgpt-tmp-…-old
 *
 * The parent folder is synced after every rename, so that a power failure keeps their order. A kill before 2 leaves the
 * old NAME; one after 2 leaves .NAME.bgpt-new or the new NAME. The next write finishes what was interrupted.
 */

/** What to write into a file: a text, bytes, or bytes piece by piece. */
export type FileContent = string | Uint8Array | Iterable<Uint8Array>;

/**
 * Writes a folder so that a kill at any instant leaves the old or the new content complete, as
 * {@linkcode newestCompleteFolder} finds it. A previous folder of that name is replaced, if it holds no other files than
 * those that are written. One process at a time may write a folder.
 *
 * @param path the folder; its parents are made
 * @param files the content of every file by its name
 * @throws RangeError if a name is no plain file name
 * @throws Error if another file would be lost, or the file system refuses; the old or the new content is still complete
 */
export async function writeFolderAtomically(
  path: string,
  files: Readonly<Record<string, FileContent>>,
): Promise<void> {
  for (const name of Object.keys(files)) checkFileName(name);
  const folder = resolve(path);
  try {
    await Deno.mkdir(dirname(folder), { recursive: true });
    await removeTemporaries(folder);
    await replaceByNew(folder);
    await checkReplaceable(folder, Object.keys(files));
    const temporary = temporaryOf(folder);
    await Deno.mkdir(temporary);
    for (const [name, content] of Object.entries(files)) await writeSynced(join(temporary, name), content);
    await syncFolder(temporary);
    await renameSynced(temporary, newOf(folder));
    await replaceByNew(folder);
  } catch (error) {
    await removeTemporaries(folder).catch(() => {}); // the first error is the one to tell
    throw new Error(`Cannot write folder "${path}": ${diskReason(error)}`, { cause: error });
  }
}

/**
 * The absolute path of the newest complete folder that {@linkcode writeFolderAtomically} wrote as `path`: `path` itself,
 * or its `.NAME.bgpt-new` after a kill; undefined if there is none. Changes nothing.
 *
 * @throws Error if a file stands there
 */
export async function newestCompleteFolder(path: string): Promise<string | undefined> {
  const folder = resolve(path);
  for (const candidate of [newOf(folder), folder]) if (await isFolder(candidate)) return candidate;
  return undefined;
}

const newOf = (path: string): string => join(dirname(path), newName(basename(path)));
const temporaryOf = (path: string): string =>
  join(dirname(path), `${temporaryPrefix(basename(path))}${Deno.pid}`);

/** Steps 3 to 5, where step 2 was done: by this write, or by one that was killed. */
async function replaceByNew(path: string): Promise<void> {
  if (!await isFolder(newOf(path))) return;
  if (await isFolder(path)) await renameSynced(path, `${temporaryOf(path)}-old`);
  await renameSynced(newOf(path), path);
  await removeTemporaries(path);
}

async function removeTemporaries(path: string): Promise<void> {
  const folder = dirname(path);
  const prefix = temporaryPrefix(basename(path));
  for await (const { name } of Deno.readDir(folder)) {
    if (name.startsWith(prefix)) await Deno.remove(join(folder, name), { recursive: true });
  }
}

/** The folder of a mistyped path must not be lost. */
async function checkReplaceable(path: string, names: string[]): Promise<void> {
  if (!await isFolder(path)) return;
  for await (const { name } of Deno.readDir(path)) {
    if (!names.includes(name)) {
      throw new Error(`it also holds "${name}", which would be lost. Choose another folder`);
    }
  }
}

async function writeSynced(path: string, content: FileContent): Promise<void> {
  using file = await Deno.open(path, { write: true, createNew: true });
  for (const chunk of chunksOf(content)) {
    for (let written = 0; written < chunk.length;) written += await file.write(chunk.subarray(written));
  }
  await file.sync();
}

function chunksOf(content: FileContent): Iterable<Uint8Array> {
  if (typeof content === "string") return [new TextEncoder().encode(content)];
  return content instanceof Uint8Array ? [content] : content;
}

async function renameSynced(from: string, to: string): Promise<void> {
  await Deno.rename(from, to);
  await syncFolder(dirname(to));
}

async function syncFolder(path: string): Promise<void> {
  if (Deno.build.os === "windows") return; // folders cannot be opened there
  using folder = await Deno.open(path);
  await folder.sync();
}

async function isFolder(path: string): Promise<boolean> {
  try {
    if ((await Deno.stat(path)).isDirectory) return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
  throw new Error(`"${path}" is a file, where a folder must be. Choose another path`);
}

function checkFileName(name: string): void {
  if (name !== "" && name !== "." && name !== ".." && !/[/\\\0]/.test(name)) return;
  throw new RangeError(
    `Cannot write file ${JSON.stringify(name)}: it must be a plain name inside of the folder`,
  );
}
