import { parquetMetadataAsync, parquetReadObjects } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { decodeUtf8, type TableRow } from "./table_row.ts";

/** A file that is read by ranges. */
export interface RangedFile {
  /** Its size in bytes. */
  readonly byteLength: number;
  /** The bytes from `start` to before `end`, by default the file's. */
  slice(start: number, end?: number): ArrayBuffer | Promise<ArrayBuffer>;
}

/**
 * The rows of a Parquet file, one row group in memory at a time.
 * @param columns those to read
 * @throws {SyntaxError} when the file is none, is damaged, or has none of a column; rows before it have been given then
 */
export async function* parquetRows(file: RangedFile, columns: readonly string[]): AsyncGenerator<TableRow> {
  const metadata = await reading(parquetMetadataAsync(file));
  const known = metadata.schema.slice(1).map(({ name }) => name);
  for (const column of columns) {
    if (!known.includes(column)) {
      throw new SyntaxError(`it has no column "${column}", it has ${known.join(", ")}`);
    }
  }
  let rowStart = 0;
  for (const group of metadata.row_groups) {
    const rowEnd = rowStart + Number(group.num_rows);
    // Texts stay bytes until their row's turn: one that is not UTF-8 must not cost the others.
    const parsers = { stringFromBytes: (bytes: Uint8Array) => bytes };
    const rows = await reading(
      parquetReadObjects({ file, metadata, columns: [...columns], rowStart, rowEnd, compressors, parsers }),
    );
    for (const [index, row] of rows.entries()) {
      yield { number: rowStart + index + 1, cells: () => decodeCells(row) };
    }
    rowStart = rowEnd;
  }
}

function decodeCells(row: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(row).map((
      [column, cell],
    ) => [column, cell instanceof Uint8Array ? decodeUtf8(cell) : cell]),
  );
}

async function reading<T>(result: Promise<T>): Promise<T> {
  try {
    return await result;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SyntaxError(`it cannot be read as Parquet: ${reason}`, { cause: error });
  }
}
