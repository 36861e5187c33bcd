import { crc32 } from "./crc32.ts";
import { fail, quote } from "./torch_checkpoint_error.ts";

/** The files of a zip whose entries are stored, not compressed, as torch.save writes them (zip64 included). */
export class StoredZip {
  readonly #bytes: Uint8Array;
  readonly #entries: ReadonlyMap<string, Entry>;

  /**
   * Reads and checks the central directory (PKWARE's APPNOTE 6.3.10, sections 4.3 and 4.5.3).
   *
   * @throws TorchCheckpointError for what torch.save never writes
   */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#entries = readDirectory(bytes);
  }

  /** The names of all files, in the directory's order. */
  names(): string[] {
    return [...this.#entries.keys()];
  }

  /** The bytes of a file, as a view of the zip; throws TorchCheckpointError if it is missing or damaged. */
  read(name: string): Uint8Array {
    const entry = this.#entries.get(name) ?? fail(`its zip has no file ${quote(name)}`);
    const data = this.#bytes.subarray(entry.begin, entry.begin + entry.byteLength);
    if (crc32(data) !== entry.crc32) {
      fail(`file ${quote(name)} of its zip is damaged (wrong checksum). Copy or download it again`);
    }
    return data;
  }
}

interface Entry {
  name: string;
  /** The first byte of its local header. */
  header: number;
  begin: number;
  byteLength: number;
  crc32: number;
}

interface Directory {
  count: number;
  begin: number;
  end: number;
}

const localHeader = { signature: 0x04034b50, byteLength: 30 };
const directoryHeader = { signature: 0x02014b50, byteLength: 46 };
const end64Record = { signature: 0x06064b50, byteLength: 56 };
const end64Locator = { signature: 0x07064b50, byteLength: 20 };
const endRecord = { signature: 0x06054b50, byteLength: 22, maxCommentBytes: 65535 };
/** What a 32-bit field holds whose value stands in the zip64 field. */
const seeZip64 = 0xffffffff;
const zip64Field = 1;
const encryptedFlag = 1;

function readDirectory(bytes: Uint8Array): Map<string, Entry> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const directory = findDirectory(view);
  const entries = new Map<string, Entry>();
  let offset = directory.begin;
  for (let i = 0; i < directory.count; i++) {
    if (!has(view, offset, directoryHeader, directory.end)) fail("the directory of its zip is damaged");
    const nameEnd = offset + directoryHeader.byteLength + view.getUint16(offset + 28, true);
    const extraEnd = nameEnd + view.getUint16(offset + 30, true);
    const next = extraEnd + view.getUint16(offset + 32, true);
    if (next > directory.end) fail("the directory of its zip is damaged");
    const name = checkName(bytes.subarray(offset + directoryHeader.byteLength, nameEnd));
    if (entries.has(name)) fail(`its zip has file ${quote(name)} twice`);
    entries.set(name, readEntry(view, name, offset, nameEnd, extraEnd, directory.begin));
    offset = next;
  }
  if (offset !== directory.end) fail("the directory of its zip is damaged");
  checkApart([...entries.values()]);
  return entries;
}

/** Where the central directory is; the record that says so ends the file. */
function findDirectory(view: DataView): Directory {
  const last = view.byteLength - endRecord.byteLength;
  for (let at = last; at >= 0 && at >= last - endRecord.maxCommentBytes; at--) {
    if (!has(view, at, endRecord) || view.getUint16(at + 20, true) !== last - at) continue;
    const locator = at - end64Locator.byteLength;
    const directory = has(view, locator, end64Locator)
      ? directoryOfEnd64(view, Number(view.getBigUint64(locator + 8, true)))
      : directoryOf(
        view.getUint16(at + 10, true),
        view.getUint32(at + 12, true),
        view.getUint32(at + 16, true),
      );
    if (directory.end > at) fail("the directory of its zip is damaged");
    return directory;
  }
  return fail(
    "it is not a complete zip. Copy or download it again; if it is older than PyTorch 1.6, save it again with a newer one",
  );
}

function directoryOfEnd64(view: DataView, at: number): Directory {
  if (!has(view, at, end64Record)) fail("the directory of its zip is damaged");
  const field = (offset: number): number => Number(view.getBigUint64(at + offset, true));
  return directoryOf(field(32), field(40), field(48));
}

function directoryOf(count: number, byteLength: number, begin: number): Directory {
  return { count, begin, end: begin + byteLength };
}

function readEntry(
  view: DataView,
  name: string,
  at: number,
  extraBegin: number,
  extraEnd: number,
  dataEnd: number,
): Entry {
  if (view.getUint16(at + 8, true) & encryptedFlag) fail(`file ${quote(name)} of its zip is encrypted`);
  const method = view.getUint16(at + 10, true);
  if (method !== 0) {
    fail(`file ${quote(name)} of its zip is compressed (method ${method}); torch.save only stores`);
  }
  let extra = findExtra(view, extraBegin, extraEnd);
  const field = (offset: number): number => { // the zip64 field holds only those that do not fit, in this order
    const value = view.getUint32(at + offset, true);
    if (value !== seeZip64) return value;
    if (extra === undefined || extra.begin + 8 > extra.end) fail("the directory of its zip is damaged");
    const large = Number(view.getBigUint64(extra.begin, true));
    extra = { begin: extra.begin + 8, end: extra.end };
    return large;
  };
  const [byteLength, storedBytes, header] = [field(24), field(20), field(42)];
  if (!has(view, header, localHeader, dataEnd) || byteLength !== storedBytes) {
    fail(`file ${quote(name)} of its zip has a damaged header`);
  }
  const nameBytes = view.getUint16(header + 26, true);
  const begin = header + localHeader.byteLength + nameBytes + view.getUint16(header + 28, true);
  if (begin + byteLength > dataEnd) {
    fail(
      `file ${
        quote(name)
      } of its zip says ${byteLength} bytes from byte ${begin}, but its data end at ${dataEnd}`,
    );
  }
  return { name, header, begin, byteLength, crc32: view.getUint32(at + 16, true) };
}

/** Files that share bytes make a small zip a large one. */
function checkApart(entries: Entry[]): void {
  entries.sort((a, b) => a.header - b.header);
  for (const [i, { name, header }] of entries.entries()) {
    const before = entries[i - 1];
    if (before !== undefined && before.begin + before.byteLength > header) {
      fail(`files ${quote(before.name)} and ${quote(name)} of its zip overlap. It may be malicious`);
    }
  }
}

function findExtra(view: DataView, begin: number, end: number): { begin: number; end: number } | undefined {
  for (let at = begin; at + 4 <= end;) {
    const next = at + 4 + view.getUint16(at + 2, true);
    if (view.getUint16(at, true) === zip64Field && next <= end) return { begin: at + 4, end: next };
    at = next;
  }
  return undefined;
}

function checkName(bytes: Uint8Array): string {
  const name = new TextDecoder().decode(bytes);
  if (name.startsWith("/") || /[\\\0:]/.test(name) || name.split("/").includes("..")) {
    fail(`its zip has a file whose name leads outside of it, ${quote(name)}`);
  }
  return name;
}

/** Whether a whole record of a kind stands at an offset, and ends before `end`. */
function has(
  view: DataView,
  offset: number,
  kind: { signature: number; byteLength: number },
  end = view.byteLength,
): boolean {
  return offset >= 0 && offset + kind.byteLength <= end && view.getUint32(offset, true) === kind.signature;
}
