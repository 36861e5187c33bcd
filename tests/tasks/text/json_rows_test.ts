import { jsonRows } from "@bgpt/tasks/text";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { piecesOf, readRows } from "./rows_of.ts";

Deno.test("every line is an object, however the pieces fall; one that is none fails alone", async () => {
  const text = new TextEncoder().encode('\ufeff{"text":"a é"}\r\n\n[1]\n{"text":\n{"text":"');
  const jsonl = Uint8Array.from([...text, 0xff, ...new TextEncoder().encode('"}\n{"text":1}')]);
  for (const pieceBytes of [jsonl.length, 5]) {
    const rows = await readRows(jsonRows(piecesOf(jsonl, pieceBytes)));
    assertEquals([rows[1], rows[6]], [{ text: "a é" }, { text: 1 }]);
    assertEquals(Object.keys(rows), ["1", "3", "4", "5", "6"]);
    assertStringIncludes(String(rows[3]), "no object with columns");
    assertStringIncludes(String(rows[4]), "it is no JSON: ");
    assertStringIncludes(String(rows[5]), "it is not UTF-8");
  }
});

Deno.test("a line without end does not fill the memory, and the next one is read", async () => {
  const piece = new Uint8Array(1 << 20).fill(0x20);
  const stream = ReadableStream.from([
    ...Array.from({ length: 20 }, () => piece),
    new TextEncoder().encode('\n{"a":1}\n'),
  ]);
  const rows = await readRows(jsonRows(stream));
  assertStringIncludes(String(rows[1]), "it has more than 16777216 bytes");
  assertEquals(rows[2], { a: 1 });
});
