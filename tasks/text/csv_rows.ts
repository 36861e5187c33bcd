import { parse } from "csv-parse/stream";
import { decodeUtf8, rowByteLimit, type TableRow, withoutByteOrderMark } from "./table_row.ts";

/** How a CSV is written. */
export interface CsvOptions {
  /** The first row names the columns; otherwise they are called `1`, `2` and so on. */
  readonly header: boolean;
  /** What stands between cells; a comma by default. */
  readonly delimiter?: string;
}

/**
 * The rows of a CSV (RFC 4180, lines ended in any way) as they come in: a file of any size takes the memory of a few of its
 * pieces. Every row has to have as many cells as the first.
 * @param bytes the file, in pieces
 */
export async function* csvRows(
  bytes: ReadableStream<Uint8Array<ArrayBuffer>>,
  options: CsvOptions,
): AsyncGenerator<TableRow> {
  let rowCount = 0;
  let isLost = false;
  const failed: TableRow[] = [];
  const parser = parse({
    // A character a byte: only so can a cell that is not UTF-8 be told.
    encoding: "latin1",
    delimiter: options.delimiter ?? ",",
    record_delimiter: ["\r\n", "\n", "\r"],
    skip_empty_lines: true,
    max_record_size: rowByteLimit,
    skip_records_with_error: true,
    on_record: (cells) => [String(++rowCount), ...cells],
    on_skip: (error) => {
      if (error === undefined || isLost) return undefined;
      // From here on the parser fails at every piece.
      isLost = error.code === "CSV_MAX_RECORD_SIZE";
      failed.push(failedRow(++rowCount, isLost ? tooLong : error.message));
      return undefined;
    },
  });
  let columns: readonly string[] | undefined;
  for await (const [number, ...cells] of bytes.pipeThrough(fromText()).pipeThrough<string[]>(parser)) {
    yield* failed.splice(0);
    if (columns !== undefined) yield parsedRow(Number(number), cells, columns);
    else if (options.header) columns = cells.map(decodeCell);
    else {
      columns = cells.map((_, index) => String(index + 1));
      yield parsedRow(Number(number), cells, columns);
    }
  }
  yield* failed;
}

function parsedRow(number: number, cells: readonly string[], columns: readonly string[]): TableRow {
  return {
    number,
    cells: () => Object.fromEntries(cells.map((cell, index) => [columns[index]!, decodeCell(cell)])),
  };
}

const tooLong =
  `it has more than ${rowByteLimit} bytes, as when a quote is never closed; what follows is not read`;

function failedRow(number: number, reason: string): TableRow {
  return {
    number,
    cells: () => {
      throw new SyntaxError(`it is no row of CSV: ${reason}`);
    },
  };
}

function decodeCell(cell: string): string {
  const bytes = new Uint8Array(cell.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = cell.charCodeAt(i);
  return decodeUtf8(bytes);
}

/** Takes the mark off the first piece. */
function fromText(): TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>> {
  let isFirst = true;
  return new TransformStream({
    transform(piece, controller) {
      controller.enqueue(isFirst ? withoutByteOrderMark(piece) : piece);
      isFirst = false;
    },
  });
}
