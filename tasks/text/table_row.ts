/** One row of a table, read when its turn comes. */
export interface TableRow {
  /** Where it stands, from 1; the row that names the columns counts, too, and in JSONL so do empty lines. */
  readonly number: number;
  /**
   * Its cells by column.
   * @throws {SyntaxError} with the reason, when it cannot be read; the rows after it still can
   */
  cells(): Readonly<Record<string, unknown>>;
}

/** Most bytes of a row: a quote that is never closed must not take the whole file into memory. */
export const rowByteLimit = 1 << 24;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * The text of bytes.
 * @throws {SyntaxError} when they are not UTF-8
 */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch (error) {
    throw new SyntaxError("it is not UTF-8. Convert it, with iconv for example", { cause: error });
  }
}

/** Bytes without the mark that some programs put before UTF-8. */
export function withoutByteOrderMark(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes;
}
