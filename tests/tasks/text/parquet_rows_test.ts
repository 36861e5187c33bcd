import { parquetRows, type RangedFile } from "@bgpt/tasks/text";
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { parquetFiles } from "./parquet_files.ts";
import { readRows } from "./rows_of.ts";

const fileOf = (bytes: Uint8Array<ArrayBuffer>): RangedFile => ({
  byteLength: bytes.length,
  slice: (start, end) => bytes.slice(start, end).buffer,
});

for (const [compression, base64] of Object.entries(parquetFiles)) {
  Deno.test(`what pyarrow wrote is read row by row, and a text that is not UTF-8 fails alone: ${compression}`, async () => {
    const file = fileOf(Uint8Array.fromBase64(base64));
    const { 3: broken, ...rows } = await readRows(parquetRows(file, ["label", "text"]));
    assertEquals(rows, {
      1: { label: 1n, text: "Good café" },
      2: { label: 0n, text: "two\nlines" },
      4: { label: 2n, text: "fourth" },
      5: { label: null, text: "fifth" },
    });
    assertStringIncludes(String(broken), "it is not UTF-8");
  });
}

Deno.test("a missing column and a damaged file are named", async () => {
  const bytes = Uint8Array.fromBase64(parquetFiles.snappy);
  const all = (file: RangedFile, column: string) => Array.fromAsync(parquetRows(file, [column]));
  await assertRejects(
    () => all(fileOf(bytes), "body"),
    SyntaxError,
    'it has no column "body", it has label, text, score',
  );
  for (
    const damaged of [
      new Uint8Array(),
      bytes.slice(0, 100),
      bytes.map((byte, i) => i > 4 && i < 90 ? 0 : byte),
    ]
  ) {
    await assertRejects(() => all(fileOf(damaged), "text"), SyntaxError, "it cannot be read as Parquet: ");
  }
});
