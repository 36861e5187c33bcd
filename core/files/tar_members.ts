import {
  parsePaxRecords,
  parseTarHeader,
  type PaxFields,
  tarBlockBytes,
  type TarHeader,
  tarPaddingBytes,
  tarText,
} from "./tar_header.ts";

/** A tar, read by ranges; a range lies within it. */
export interface TarBytes {
  readonly byteLength: number;
  read(start: number, byteLength: number): Uint8Array;
}

/** A file within a tar. */
export interface TarMember {
  readonly name: string;
  readonly byteLength: number;
  /** Its first byte in the tar. */
  readonly start: number;
}

/** Most bytes of a long name or of pax records: more is damage, or an attack on the memory. */
const extensionBytes = 1 << 20;

/** Types of members without bytes: hard and symbolic links, devices, folders, pipes, a volume's label. */
const typesWithoutBytes = "123456V";

/**
 * The files of a tar, in their order: links, devices and folders are passed over.
 * @throws {SyntaxError} when it is no tar, incomplete or damaged, or holds what cannot be read, such as sparse files
 */
export function* tarMembers(tar: TarBytes): Generator<TarMember> {
  // What extension members say of the member that follows them, and of all that follow.
  let longName: string | undefined;
  let pax: PaxFields = {};
  let globalPax: PaxFields = {};
  for (let at = 0;;) {
    const header = readHeader(tar, at);
    if (header === undefined) return;
    const start = at + tarBlockBytes;
    let byteLength = header.byteLength;
    if (header.type === "L") longName = tarText(readExtension(tar, header, start));
    else if (header.type === "x") pax = parsePaxRecords(readExtension(tar, header, start), start);
    else if (header.type === "g") {
      globalPax = { ...globalPax, ...parsePaxRecords(readExtension(tar, header, start), start) };
    } else if (header.type !== "K") {
      const fields = { ...globalPax, ...pax };
      const name = fields.path ?? longName ?? header.name;
      byteLength = memberByteLength(header, name, fields);
      checkWithin(tar, name, start, byteLength);
      // The oldest format marks a folder by its name.
      if ("07".includes(header.type) && !name.endsWith("/")) yield { name, byteLength, start };
      longName = undefined;
      pax = {};
    }
    at = start + byteLength + tarPaddingBytes(byteLength);
  }
}

/** The header at a byte; undefined at the end of the tar. */
function readHeader(tar: TarBytes, at: number): TarHeader | undefined {
  if (at + tarBlockBytes > tar.byteLength) {
    throw new SyntaxError(
      `it ends at byte ${tar.byteLength} without the two blocks of zeros that end a tar. ` +
        "It is incomplete: copy or make it again",
    );
  }
  const block = tar.read(at, tarBlockBytes);
  if (block.every((byte) => byte === 0)) return undefined;
  const header = parseTarHeader(block);
  if (header !== undefined) return header;
  throw new SyntaxError(
    at === 0
      ? "it does not begin with the header of a tar"
      : `no member's header stands at byte ${at}. It is damaged: copy or make it again`,
  );
}

function readExtension(tar: TarBytes, { name, byteLength }: TarHeader, start: number): Uint8Array {
  checkWithin(tar, name, start, byteLength);
  if (byteLength <= extensionBytes) return tar.read(start, byteLength);
  throw new SyntaxError(
    `member ${quoteName(name)} at byte ${start} holds ${byteLength} bytes about the next member, ` +
      `at most ${extensionBytes} are read`,
  );
}

function memberByteLength(header: TarHeader, name: string, { size, sparse }: PaxFields): number {
  const { type } = header;
  if (type === "S" || sparse) {
    throw new SyntaxError(
      `member ${quoteName(name)} is a sparse file, which is not supported. Use tar without --sparse`,
    );
  }
  if (typesWithoutBytes.includes(type)) return 0;
  if (!"07".includes(type)) {
    throw new SyntaxError(
      `member ${quoteName(name)} is of the type ${
        JSON.stringify(type)
      }, files, links, devices and folders are supported`,
    );
  }
  if (size === undefined) return header.byteLength;
  if (/^[0-9]{1,15}$/.test(size)) return Number(size);
  throw new SyntaxError(
    `member ${quoteName(name)} says that it has ${
      quoteName(size)
    } bytes. It is damaged: copy or make it again`,
  );
}

function checkWithin(tar: TarBytes, name: string, start: number, byteLength: number): void {
  if (start + byteLength <= tar.byteLength) return;
  throw new SyntaxError(
    `member ${quoteName(name)} says that it has ${byteLength} bytes from byte ${start} on, ` +
      `${tar.byteLength - start} are there. It is incomplete or damaged: copy or make it again`,
  );
}

/** A name as it may stand in a message: on one line, and short. */
function quoteName(name: string): string {
  return JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}…` : name);
}
