/** Bytes of a header, and the unit that every member is padded to. */
export const tarBlockBytes = 512;

/** Zero bytes that fill a member's last block. */
export function tarPaddingBytes(byteLength: number): number {
  return Math.ceil(byteLength / tarBlockBytes) * tarBlockBytes - byteLength;
}

/** Where a header's fields stand: first byte and byte length (POSIX.1-2017, pax, "ustar Interchange Format"). */
export const tarFields = {
  name: [0, 100],
  mode: [100, 8],
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  mtime: [136, 12],
  checksum: [148, 8],
  type: [156, 1],
  magic: [257, 8],
  prefix: [345, 155],
} as const;

/** A field's bytes. */
export function tarField(header: Uint8Array, name: keyof typeof tarFields): Uint8Array {
  const [start, byteLength] = tarFields[name];
  return header.subarray(start, start + byteLength);
}

/** The sum of a header's bytes, those of the checksum itself taken as spaces. */
export function tarChecksum(header: Uint8Array): number {
  let sum = 0;
  for (const byte of header) sum += byte;
  for (const byte of tarField(header, "checksum")) sum += 0x20 - byte;
  return sum;
}

/** What a header says of its member. */
export interface TarHeader {
  /** Its name, cut to what fits into a header. */
  readonly name: string;
  /** Bytes that follow the header. */
  readonly byteLength: number;
  /** One character: `0` for a file. */
  readonly type: string;
}

/** Reads a header [512] of ustar, of GNU's or of the older format; undefined where none stands. */
export function parseTarHeader(header: Uint8Array): TarHeader | undefined {
  const byteLength = tarNumber(tarField(header, "size"));
  if (byteLength === undefined || tarNumber(tarField(header, "checksum")) !== tarChecksum(header)) {
    return undefined;
  }
  const name = tarText(tarField(header, "name"));
  const type = String.fromCharCode(tarField(header, "type")[0]!);
  // GNU's format has times where ustar has the first part of the name.
  const prefix = tarText(tarField(header, "magic")) === "ustar" ? tarText(tarField(header, "prefix")) : "";
  return { name: prefix === "" ? name : `${prefix}/${name}`, byteLength, type: type === "\0" ? "0" : type };
}

/** What pax records say of a member, as far as it is read: any other number of them takes no memory. */
export interface PaxFields {
  /** Its name. */
  readonly path?: string;
  /** Its bytes, in digits. */
  readonly size?: string;
  /** Whether it has holes, in the words of GNU's tar. */
  readonly sparse?: true;
}

/**
 * The records of a pax header: `LENGTH KEY=VALUE` and an end of line each, where the length counts all of it.
 * @param start where in the tar they stand
 * @throws {SyntaxError} when a record's length is wrong, or it has no key
 */
export function parsePaxRecords(bytes: Uint8Array, start: number): PaxFields {
  let fields: PaxFields = {};
  for (let at = 0; at < bytes.length;) {
    const digits = /^[0-9]+(?= )/.exec(tarText(bytes.subarray(at, at + 20)))?.[0] ?? "0";
    const end = at + Number(digits);
    const record = bytes.subarray(at + digits.length + 1, end - 1);
    const equals = record.indexOf(0x3d);
    if (end > bytes.length || bytes[end - 1] !== 0x0a || equals < 1) {
      throw new SyntaxError(
        `the pax record at byte ${
          start + at
        } has a wrong length or no key. It is damaged: copy or make it again`,
      );
    }
    const key = decodeName(record.subarray(0, equals));
    if (key === "path" || key === "size") {
      fields = { ...fields, [key]: decodeName(record.subarray(equals + 1)) };
    } else if (key.startsWith("GNU.sparse.")) fields = { ...fields, sparse: true };
    at = end;
  }
  return fields;
}

/** A text up to its first zero byte. */
export function tarText(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return decodeName(end < 0 ? bytes : bytes.subarray(0, end));
}

/** A number in octal digits or, where the first bit is set, in big-endian binary; undefined if it is neither. */
function tarNumber(field: Uint8Array): number | undefined {
  if (field[0] === 0x80) {
    const value = field.subarray(1).reduce((total, byte) => total * 256 + byte, 0);
    return Number.isSafeInteger(value) ? value : undefined;
  }
  const digits = /^ *([0-7]+)[ \0]*$/.exec(String.fromCharCode(...field))?.[1];
  return digits === undefined ? undefined : parseInt(digits, 8);
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const latin1 = new TextDecoder("latin1");

/** UTF-8 or, where it is none, Latin-1: different names must stay different. */
function decodeName(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    return latin1.decode(bytes);
  }
}
