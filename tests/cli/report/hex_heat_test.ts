import { assert, assertEquals, assertMatch, assertNotMatch, assertStringIncludes } from "@std/assert";
import { noLoss } from "@bgpt/core";
import type { InspectedFile } from "@bgpt/tasks";
import { hexHeat } from "../../../cli/report/hex_heat.ts";

/** A file whose bytes count up from 0, guessed right; of no bits but those given. */
function inspected(byteLength: number, bits: Readonly<Record<number, number>> = {}): InspectedFile {
  const bytes = Uint8Array.from({ length: byteLength }, (_, i) => i);
  const file = { path: "a.bin", bytes, bits: new Float32Array(byteLength), best: Uint16Array.from(bytes) };
  for (const [i, value] of Object.entries(bits)) file.bits[Number(i)] = value;
  return { ...file, totals: noLoss };
}

const options = { id: "f0", stretches: [], rowLimit: 100 };

/** What a reader sees, line by line. */
function textOf(html: string): string[] {
  const entities: Record<string, string> = {
    "&#60;": "<",
    "&#62;": ">",
    "&#38;": "&",
    "&#34;": '"',
    "&#39;": "'",
  };
  return html.replaceAll(/<[^>]*>/g, "").replaceAll(/&#\d+;/g, (entity) => entities[entity]!).split("\n")
    .filter((line) => line !== "");
}

Deno.test("a dump shows offset, bytes and characters, and its last row is as wide as the others", () => {
  const lines = textOf(hexHeat(inspected(0x4a), options).source);
  assertEquals(lines[2], "00000020  20 21 22 23 24 25 26 27  28 29 2a 2b 2c 2d 2e 2f   !\"#$%&'()*+,-./");
  assertEquals(lines[4], `00000040  40 41 42 43 44 45 46 47  48 49${" ".repeat(20)}@ABCDEFGHI`);
  assertEquals(textOf(hexHeat(inspected(3), options).source), [
    `00000000  00 01 02${" ".repeat(42)}···`,
  ]);
});

Deno.test("a byte has the colour of its bits, and says its value, its bits and the model's guess", () => {
  const file = inspected(0x44, { 0x41: 3.25, 0x42: 30 });
  file.best[0x42] = 0x3c;
  file.best[0x43] = 256;
  const { source } = hexHeat(file, options);
  assertStringIncludes(source, `<i title="40 @ · 0.00 bits · as guessed">40</i>`);
  assertStringIncludes(source, `<i class="h4" title="41 A · 3.25 bits · as guessed">41</i>`);
  assertStringIncludes(source, `<i class="h8" title="42 B · 30.00 bits · guess 3c &#60;">42</i>`);
  assertStringIncludes(source, `<i title="43 C · 0.00 bits · guess end of file">43</i>`);
  assertStringIncludes(source, `<s>@</s><s class="h4">A</s><s class="h8">B</s><s>C</s>`);
});

Deno.test("beyond the limit the head and the stretches are drawn, and what is left out is counted", () => {
  const stretches = [{ offset: 16 * 500, length: 64, bits: 8 }];
  const { source } = hexHeat(inspected(16 * 1000 - 3), { id: "f2", stretches, rowLimit: 100 });
  const lines = textOf(source);
  // 12 rows about the stretch and 88 of the head.
  assertEquals(lines.filter((line) => line.startsWith("0000")).length, 100);
  assertEquals(lines.filter((line) => line.endsWith("drawn")), [
    `${(16 * (496 - 88)).toLocaleString("en")} bytes are not drawn`,
    `${(16 * (1000 - 508) - 3).toLocaleString("en")} bytes are not drawn`,
  ]);
  assertMatch(source, /<div class="surprising" id="f2-1f40"><b>00001f40<\/b>/);
  assertEquals(source.split('class="surprising"').length - 1, 4);
});

Deno.test("a file of 100 KB takes less than 100 bytes of HTML for each of its own", () => {
  const { source } = hexHeat(inspected(100_000), { ...options, rowLimit: 100_000 });
  assert(source.length < 100 * 100_000, `${source.length} characters`);
  assertNotMatch(source, /undefined|NaN/);
});

Deno.test("nothing is drawn of an empty file", () => {
  assertEquals(textOf(hexHeat(inspected(0), options).source), []);
});
