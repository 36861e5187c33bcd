import { decodeUtf8, rowByteLimit, type TableRow, withoutByteOrderMark } from "./table_row.ts";

/**
 * The rows of JSONL, an object a line, as they come in; empty lines are passed over.
 * @param bytes the file, in pieces
 */
export async function* jsonRows(bytes: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<TableRow> {
  let number = 0;
  for await (const line of linesOf(bytes)) {
    number++;
    if (line instanceof SyntaxError || line.some((byte) => byte > 0x20)) {
      yield { number, cells: () => cellsOf(line) };
    }
  }
}

function cellsOf(line: Uint8Array | SyntaxError): Readonly<Record<string, unknown>> {
  if (line instanceof SyntaxError) throw line;
  const text = decodeUtf8(line);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new SyntaxError(`it is no JSON: ${(error as Error).message}`, { cause: error });
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw new SyntaxError("it is JSON, but no object with columns as its keys");
}

/** Lines without their ends; an error in place of one that is too long. */
async function* linesOf(
  bytes: ReadableStream<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<Uint8Array | SyntaxError> {
  let begun: Uint8Array | SyntaxError = new Uint8Array(); // of the line whose end has not come yet
  let isFirst = true;
  for await (const next of bytes) {
    const piece = isFirst ? withoutByteOrderMark(next) : next;
    isFirst = false;
    let start = 0;
    for (let end = piece.indexOf(0x0a); end >= 0; end = piece.indexOf(0x0a, start)) {
      yield joined(begun, piece.subarray(start, end));
      begun = new Uint8Array();
      start = end + 1;
    }
    begun = joined(begun, piece.subarray(start));
  }
  yield begun;
}

function joined(begun: Uint8Array | SyntaxError, more: Uint8Array): Uint8Array | SyntaxError {
  if (begun instanceof SyntaxError) return begun;
  if (begun.length === 0) return more;
  if (begun.length + more.length > rowByteLimit) {
    return new SyntaxError(`it has more than ${rowByteLimit} bytes, which is more than a row may have`);
  }
  const whole = new Uint8Array(begun.length + more.length);
  whole.set(begun);
  whole.set(more, begun.length);
  return whole;
}
