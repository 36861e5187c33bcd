import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { parquetFiles } from "../../tasks/text/parquet_files.ts";
import { bgpt } from "../bgpt.ts";
import { assertRefused } from "../refused.ts";
import { inTempFolder, namesIn } from "../temp_folder.ts";

const notUtf8 = Uint8Array.of(0x61, 0xff, 0x62);

Deno.test("data text makes a file of every row of CSV, JSONL and Parquet, names what it cannot read, and goes on", () =>
  inTempFolder(async (folder) => {
    const input = join(folder, "in");
    await Deno.mkdir(input);
    await Deno.writeTextFile(
      `${input}/a_b.csv`,
      'label,title,text\nSci/Tech,"One","x\ny"\n2,Two,z,more\n3,,\n',
    );
    await Deno.writeTextFile(`${input}/c.jsonl`, '{"label":4,"title":"Four","text":"é"}\n{"label":5}\n');
    await Deno.writeFile(
      `${input}/d.parquet`,
      Uint8Array.fromBase64(parquetFiles.snappy),
    );
    await Deno.writeFile(
      `${input}/e.csv`,
      Uint8Array.from([...new TextEncoder().encode("title,text\nT,"), ...notUtf8]),
    );
    const out = join(folder, "out");
    const args = ["data", "text", input, "--out", out, "--eval-share", "0", "--json"];
    const { code, stdout } = await bgpt([...args, "--text-column", "title,text", "--label-column", "label"]);
    assertEquals(code, 0);
    assertEquals(namesIn(out).filter((name) => !name.startsWith(".")), [
      "4_c-0000001.txt",
      "Sci-Tech_a-b-0000002.txt",
    ]);
    assertEquals(await Deno.readTextFile(`${out}/Sci-Tech_a-b-0000002.txt`), "One\nx\ny");
    assertEquals(await Deno.readTextFile(`${out}/4_c-0000001.txt`), "Four\né");
    const failures = JSON.parse(stdout).failures.map(({ name, reason }: Record<string, string>) =>
      `${name!.slice(input.length + 1)}: ${reason}`
    );
    const expected = [
      "a_b.csv:3: it is no row of CSV",
      "a_b.csv:4: its text is empty",
      'c.jsonl:2: it has no column "title"',
      'd.parquet: it has no column "title"',
      "e.csv:2: it is not UTF-8",
    ];
    assertEquals(failures.length, expected.length, failures.join("; "));
    for (const [index, failure] of expected.entries()) assertStringIncludes(failures[index], failure);

    const parquet = [
      "data",
      "text",
      `${input}/d.parquet`,
      "--out",
      `${folder}/p`,
      "--eval-share",
      "0",
      "--json",
    ];
    const { stdout: report } = await bgpt([...parquet, "--text-column", "text", "--label-column", "label"]);
    assertEquals(Object.keys(JSON.parse(report).labels), ["0", "1", "2"]);
    assertEquals(JSON.parse(report).failures.map(({ name }: { name: string }) => name.slice(-3)), [
      "t:3",
      "t:5",
    ]);
  }));

Deno.test("data text reads a CSV without names of columns by their numbers, and splits by seed", () =>
  inTempFolder(async (folder) => {
    const csv = `${folder}/news.csv`;
    const rows = Array.from({ length: 40 }, (_, i) => `"${i % 4 + 1}","Title ${i}","Text ""${i}"""`);
    await Deno.writeTextFile(csv, rows.join("\n"));
    const args = ["data", "text", csv, "--no-header", "--label-column", "1", "--text-column", "2,3"];
    const { code, stderr } = await bgpt([...args, "--out", `${folder}/out`, "--eval-share", "0.2"]);
    assertEquals(code, 0, stderr);
    const written = ["train", "eval"].flatMap((split) => namesIn(`${folder}/out/${split}`));
    assertEquals(written.length, 40);
    const first = ["train", "eval"].map((split) => `${folder}/out/${split}/1_news-0000001.txt`).filter(
      exists,
    );
    assertEquals(first.map((path) => Deno.readTextFileSync(path)), ['Title 0\nText "0"']);
  }));

Deno.test("data text lets text files pass as they are, labelled by their folders, unless they are not UTF-8", () =>
  inTempFolder(async (folder) => {
    for (const label of ["good", "bad"]) await Deno.mkdir(`${folder}/in/${label}`, { recursive: true });
    const bytes = new TextEncoder().encode("\ufeffHello\r\n");
    await Deno.writeFile(`${folder}/in/good/1.txt`, bytes);
    await Deno.writeFile(`${folder}/in/bad/2.txt`, notUtf8);
    await Deno.writeTextFile(`${folder}/in/bad/notes.md`, "no text to read");
    const { code, stderr } = await bgpt([
      "data",
      "text",
      `${folder}/in`,
      "--out",
      `${folder}/out`,
      "--eval-share",
      "0",
    ]);
    assertEquals(code, 0);
    assertStringIncludes(stderr, "bad/2.txt: it is not UTF-8");
    assertStringIncludes(stderr, "1 file passed over");
    assertEquals(await Deno.readFile(`${folder}/out/good_1.txt`), bytes);
  }));

Deno.test("data text fails when nothing is left, and asks for the columns of a table", () =>
  inTempFolder(async (folder) => {
    const path = `${folder}/a.txt`;
    await Deno.writeFile(path, notUtf8);
    const { code } = await bgpt(["data", "text", path, "--out", `${folder}/out`]);
    assertEquals(code, 1);
    await Deno.writeTextFile(`${folder}/a.csv`, "a\n1\n");
    await assertRefused({
      args: ["data", "text", `${folder}/a.csv`, "--out", `${folder}/out2`],
      code: 2,
      message: "--text-column is missing",
    });
  }));

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
