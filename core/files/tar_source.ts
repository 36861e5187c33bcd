import type { FileSource } from "../sample.ts";
import { readRange } from "./read_range.ts";
import { type TarBytes, type TarMember, tarMembers } from "./tar_members.ts";

/** A file is read in pieces of this size while headers are sought: many at once where members are small. */
const windowBytes = 1 << 16;

/**
 * The files of a tar as a source: the headers are read once, the bytes of a file when it is asked for, and nothing is
 * unpacked. Reads ustar, GNU and pax. Paths are `corpus.tar/NAME`, so that extensions and labels follow from them as in
 * a folder; a member's name is only a name. Links, devices, folders and hidden members (`.name`) are skipped; of members with
 * one name the last counts, as when a tar is unpacked.
 *
 * @throws {Error} when the file cannot be read, is compressed, incomplete or damaged, or holds sparse files
 */
export function tarSource(path: string): FileSource {
  const { members, version } = naming(path, () => {
    using file = Deno.openSync(path);
    return { members: listMembers(path, file), version: versionOf(file) };
  });
  const files = members.map(({ name, byteLength }) => ({ path: `${path}/${name}`, byteLength }));
  let open: Deno.FsFile | undefined;
  let readerCount = 0;
  const openUnchanged = (): Deno.FsFile => {
    open ??= Deno.openSync(path);
    if (versionOf(open) === version) return open;
    throw new Error("it has changed since it was opened. Leave it alone while it is read");
  };
  return {
    files,
    // One open serves all reads that are asked for at once, such as those of a strip; nothing has to be closed.
    async read(index) {
      const { start, byteLength } = members[index]!;
      readerCount++;
      await Promise.resolve();
      try {
        return naming(path, () => readRange(openUnchanged(), start, byteLength));
      } finally {
        if (--readerCount === 0) {
          open?.close();
          open = undefined;
        }
      }
    },
  };
}

function listMembers(path: string, file: Deno.FsFile): TarMember[] {
  const byName = new Map<string, TarMember>();
  const tar = bytesOf(file);
  refuseCompressed(path, tar.read(0, Math.min(tar.byteLength, 6)));
  for (const member of tarMembers(tar)) {
    const name = member.name.replace(/^(\.?\/)+/, "");
    if (!/(^|\/)\.[^./]/.test(name)) byName.set(name, { ...member, name });
  }
  return [...byName.values()];
}

/** An open tar by ranges, through a window. */
function bytesOf(file: Deno.FsFile): TarBytes {
  const tarByteLength = file.statSync().size;
  let window = new Uint8Array();
  let windowStart = 0;
  return {
    byteLength: tarByteLength,
    read(start, byteLength) {
      if (start < windowStart || start + byteLength > windowStart + window.length) {
        window = readRange(file, start, Math.min(tarByteLength - start, Math.max(byteLength, windowBytes)));
        windowStart = start;
      }
      return window.subarray(start - windowStart, start - windowStart + byteLength);
    },
  };
}

/** What changes when a file is written. */
function versionOf(file: Deno.FsFile): string {
  const { size, mtime } = file.statSync();
  return `${size} ${mtime?.getTime()}`;
}

/** The first bytes of compressed files, and the program that unpacks them. */
const compressions: readonly (readonly [program: string, ...magic: number[]])[] = [
  ["gzip", 0x1f, 0x8b],
  ["bzip2", 0x42, 0x5a, 0x68],
  ["xz", 0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00],
  ["zstd", 0x28, 0xb5, 0x2f, 0xfd],
];

function refuseCompressed(path: string, head: Uint8Array): void {
  const compression = compressions.find(([_, ...magic]) => magic.every((byte, i) => head[i] === byte));
  if (compression === undefined) return;
  const [program] = compression;
  throw new Error(`it is compressed by ${program}. Unpack it: ${program} -dc < "${path}" > plain.tar`);
}

/** The result of reading the tar, or an error that names it. */
function naming<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`Cannot read tar "${path}": ${reason}`, { cause: error });
  }
}
