import { assert, assertAlmostEquals, assertEquals, assertNotMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { bgpt, messagesIn } from "../bgpt.ts";
import { writeCheckpoint } from "../checkpoints.ts";
import { assertRefused, type Refusal } from "../refused.ts";
import { inTempFolder, writeFiles } from "../temp_folder.ts";

const device = ["--device", "reference"];

Deno.test("inspect tells the bits of every byte of a file, all of it beyond the patch length", () =>
  inTempFolder(async (folder) => {
    const checkpoint = join(folder, "checkpoint");
    await writeCheckpoint(checkpoint);
    const data = await writeFiles(join(folder, "data"), [200]);
    const out = join(folder, "report.html");
    const args = ["inspect", join(data, "f0.bin"), "--checkpoint", checkpoint, "--out", out, ...device];
    const { code, stdout, stderr } = await bgpt([...args, "--json"]);
    assertEquals([code, messagesIn(stderr)], [0, `Wrote ${out}\n`]);
    const { window, files: [file, ...others] } = JSON.parse(stdout);
    assertEquals([window, others], [8, []]);
    assertEquals(Object.keys(file), ["path", "bytes", "lossNats", "bpb", "bpbBytes", "surprising", "bits"]);
    assertEquals([file.path, file.bytes, file.bits.length], [join(data, "f0.bin"), 200, 200]);
    const mean = (bits: number[]) => bits.reduce((sum, value) => sum + value, 0) / bits.length;
    assertAlmostEquals(mean(file.bits), file.bpbBytes, 1e-3);
    for (const { offset, length, bits } of file.surprising) {
      assertAlmostEquals(mean(file.bits.slice(offset, offset + length)), bits, 1e-3);
    }

    const report = await Deno.readTextFile(out);
    assertNotMatch(report, /<script|src=|undefined|NaN/);
    const links = [...report.matchAll(/<a href="#([^"]+)">/g)].map(([, id]) => id!);
    assertEquals(links, file.surprising.map(({ offset }: { offset: number }) => `f0-${offset.toString(16)}`));
    for (const id of links) assertStringIncludes(report, ` id="${id}">`);

    const text = await bgpt(args);
    assertStringIncludes(text.stdout, `bits per real byte           ${file.bpbBytes.toFixed(4)}\n`);
    assertStringIncludes(text.stdout, "Seen by windows of 8 patches\n");
  }));

Deno.test("inspect ranks the files of a folder, and shows the most surprising of them", () =>
  inTempFolder(async (folder) => {
    const checkpoint = join(folder, "checkpoint");
    await writeCheckpoint(checkpoint);
    const data = await writeFiles(join(folder, "data"), [20, 0, 90, 33, 50, 7, 64, 1, 2, 3, 4, 5]);
    const out = join(folder, "report.html");
    const args = ["inspect", data, "--checkpoint", checkpoint, "--out", out, ...device];
    const json = JSON.parse((await bgpt([...args, "--json"])).stdout);
    assertEquals([json.window, json.files.length], [undefined, 12]);
    const figures = json.files.map(({ bpbBytes = -1 }) => bpbBytes);
    assertEquals(figures, figures.toSorted((a: number, b: number) => b - a));
    assertEquals(json.files.at(-1), {
      path: join(data, "f1.bin"),
      bytes: 0,
      lossNats: json.files.at(-1).lossNats,
      bpb: json.files.at(-1).bpb,
      surprising: [],
    });
    const report = await Deno.readTextFile(out);
    const shown = [...report.matchAll(/<section id="(f\d)">\n<h2>([^<]+)</g)].map((
      [, id, path],
    ) => [id, path]);
    assertEquals(
      shown,
      json.files.slice(0, 5).map(({ path }: { path: string }, i: number) => [`f${i}`, path]),
    );
    const { stdout } = await bgpt(args);
    const lines = stdout.trimEnd().split("\n");
    assertEquals(lines[0], "12 files by bits per real byte");
    assert(lines[1]!.endsWith(json.files[0].path) && lines[12]!.startsWith("    none "));
  }));

Deno.test("inspect refuses what cannot be with one line", () =>
  inTempFolder(async (folder) => {
    const checkpoint = join(folder, "checkpoint");
    await writeCheckpoint(checkpoint);
    const data = await writeFiles(join(folder, "data"), [20]);
    const empty = await writeFiles(join(folder, "empty"), []);
    const of = (...rest: string[]) => ["inspect", "--checkpoint", checkpoint, ...rest, ...device];
    const refusals: Refusal[] = [
      { args: of(empty), code: 1, message: `Cannot read "${empty}": no files were found` },
      { args: of(), code: 2, message: "Missing FILE" },
      {
        args: of(data, "--out", join(folder, "none", "a.html")),
        code: 1,
        message: `Cannot write "${join(folder, "none", "a.html")}": there is no folder`,
      },
    ];
    for (const refusal of refusals) await assertRefused(refusal);
  }));
