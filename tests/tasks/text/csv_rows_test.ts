import { csvRows } from "@bgpt/tasks/text";
import { assertEquals, assertStringIncludes } from "@std/assert";
import fc from "../../fast_check.ts";
import { piecesOf, readRows } from "./rows_of.ts";

const encode = (text: string) => new TextEncoder().encode(text);

Deno.test("cells may hold quotes, commas, ends of lines and any character, however the pieces fall", async () => {
  const csv = encode('\ufeffclass,text\r\n1,"a ""b"", c\r\nd é 日"\n\n2,\n"3",x');
  for (const pieceBytes of [csv.length, 7, 3]) {
    assertEquals(await readRows(csvRows(piecesOf(csv, pieceBytes), { header: true })), {
      2: { class: "1", text: 'a "b", c\r\nd é 日' },
      3: { class: "2", text: "" },
      4: { class: "3", text: "x" },
    });
  }
});

Deno.test("without a header columns are called by their number, and another character may stand between cells", async () => {
  const rows = csvRows(piecesOf(encode("a\tb,c\nd\te"), 4), { header: false, delimiter: "\t" });
  assertEquals(await readRows(rows), { 1: { 1: "a", 2: "b,c" }, 2: { 1: "d", 2: "e" } });
});

Deno.test("a row that is broken or not UTF-8 fails alone", async () => {
  const csv = Uint8Array.from([
    ...encode("a,b\n1,2\n1,2,3\n4,"),
    0xff,
    ...encode('\n5,x"y\n6,7\n8,"open\n9,10\n'),
  ]);
  const rows = await readRows(csvRows(piecesOf(csv, 6), { header: true }));
  assertEquals([rows[2], rows[6]], [{ a: "1", b: "2" }, { a: "6", b: "7" }]);
  assertStringIncludes(String(rows[3]), "expect 2, got 3");
  assertStringIncludes(String(rows[4]), "it is not UTF-8");
  assertStringIncludes(String(rows[5]), "Invalid Opening Quote");
  assertStringIncludes(String(Object.values(rows).at(-1)), "Quote Not Closed");
});

Deno.test("a quote that is never closed is told once, and does not fill the memory", async () => {
  const row = encode(`1,${"x".repeat(100_000)}\n`);
  const csv = ReadableStream.from([encode('a,b\n1,2\n3,"'), ...Array.from({ length: 200 }, () => row)]);
  const { 3: lost, ...rows } = await readRows(csvRows(csv, { header: true }));
  assertEquals(rows, { 2: { a: "1", b: "2" } });
  assertStringIncludes(String(lost), "more than 16777216 bytes, as when a quote is never closed");
});

Deno.test("whatever is written in quotes is read again", async () => {
  const cell = fc.string({ unit: "grapheme" });
  await fc.assert(fc.asyncProperty(
    fc.array(fc.tuple(cell, cell), { minLength: 1 }),
    fc.integer({ min: 3, max: 40 }),
    async (table, pieceBytes) => {
      const quoted = table.map((row) => row.map((text) => `"${text.replaceAll('"', '""')}"`).join(",")).join(
        "\n",
      );
      const rows = await readRows(csvRows(piecesOf(encode(quoted), pieceBytes), { header: false }));
      assertEquals(Object.values(rows), table.map(([first, second]) => ({ 1: first, 2: second })));
    },
  ));
});
