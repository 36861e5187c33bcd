/**
 * Texts from the tables that people keep them in: CSV, JSONL and Parquet, row by row.
 * @module
 */
export { type CsvOptions, csvRows } from "./csv_rows.ts";
export { jsonRows } from "./json_rows.ts";
export { parquetRows, type RangedFile } from "./parquet_rows.ts";
export { decodeUtf8, type TableRow } from "./table_row.ts";
export * from "./text_item.ts";
