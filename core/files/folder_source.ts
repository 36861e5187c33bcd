import type { FileSource } from "../sample.ts";
import { listFiles, readFile } from "./list_files.ts";
import { tarSource } from "./tar_source.ts";

/**
 * The files below some paths, sorted by path, as a source of training or evaluation. A path that ends in `.tar` is a
 * corpus of its own: its members are the files, as {@linkcode tarSource} reads them.
 * @throws {Error} when a path is missing or unreadable, a tar is damaged, or there is no file at all
 */
export async function folderSource(paths: readonly string[]): Promise<FileSource> {
  const tars = new Set(paths.filter(isTar));
  const files = await listFiles(paths.filter((path) => !tars.has(path)));
  const sources: FileSource[] = [
    { files, read: (index) => readFile(files[index]!.path) },
    ...[...tars].map(tarSource),
  ];
  const found = sources
    .flatMap((source) => source.files.map((file, index) => ({ ...file, source, index })))
    .sort((a, b) => a.path < b.path ? -1 : 1);
  if (found.length === 0) {
    throw new Error(
      `Cannot read "${paths.join('", "')}": no files were found. Name a folder or a tar with files in it`,
    );
  }
  return {
    files: found,
    read: (at) => {
      const { source, index } = found[at]!;
      return source.read(index);
    },
  };
}

/** Compressed ones too: they are told how to be unpacked, rather than taken for one large file. */
function isTar(path: string): boolean {
  if (!/\.(tar|tar\.(gz|bz2|xz|zst)|tgz|txz)$/.test(path)) return false;
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false; // Then the list of files says what is wrong with it.
  }
}
