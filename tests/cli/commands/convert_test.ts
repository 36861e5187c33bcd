import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { saveCheckpoint } from "@bgpt/core/files";
import { initialParameters, parameterTable } from "@bgpt/core";
import { parseMidiNotes } from "@bgpt/tasks";
import { join } from "@std/path";
import { loadFixture } from "../../core/fixture.ts";
import { readJson, sharedTest } from "../../shared.ts";
import { midiFile } from "../../tasks/music/midi_files.ts";
import { bgpt } from "../bgpt.ts";
import { testSizes, writeCheckpoint } from "../checkpoints.ts";
import { assertRefused, type Refusal } from "../refused.ts";
import { inTempFolder, namesIn } from "../temp_folder.ts";

/** Writes files by their names, and returns the folder. */
async function writeAll(
  folder: string,
  files: Readonly<Record<string, string | Uint8Array>>,
): Promise<string> {
  await Deno.mkdir(folder, { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    await Deno.writeFile(join(folder, name), bytes);
  }
  return folder;
}

async function run(...args: string[]) {
  const outcome = await bgpt(args);
  assertEquals(outcome.code, 0, outcome.stderr);
  return outcome;
}

const smallest = "--patch-size 8 --patch-length 8 --hidden 64 --patch-layers 1 --byte-layers 1".split(" ");
const learning = "--batch 8 --steps 250 --learning-rate 3e-3 --weight-decay 0 --dropout 0 --eval-share 0"
  .split(" ");

Deno.test("a model that has learnt four pairs both ways converts them byte for byte, and is scored so", () =>
  inTempFolder(async (folder) => {
    const pairs = {
      ...{ "1.abc": "CDEF GABc", "1.num": "0 2 4 5 7 9 11 12", "2.abc": "cBAG", "2.num": "12 11 9 7" },
      ...{ "3.abc": "C", "3.num": "0", "4.abc": "EGcGEC", "4.num": "4 7 12 7 4 0" },
    };
    const data = await writeAll(join(folder, "data"), { ...pairs, "5.abc": "D", "README.md": "no pair" });
    const [model, out] = [join(folder, "run"), join(folder, "out")];
    const device = ["--device", "cpu", "--threads", "1"];
    const conversion = ["--task", "conversion", "--pairs", "abc<->num"];
    const trained = await run(
      "train",
      "--data",
      data,
      "--out",
      model,
      ...conversion,
      ...smallest,
      ...learning,
      ...device,
    );
    assertStringIncludes(trained.stderr, `1 file left out without a partner: ${join(data, "5.abc")}\n`);

    const common = ["--checkpoint", model, "--out", out, ...device];
    const sources = (extension: string) => [1, 2, 3, 4].map((n) => join(data, `${n}.${extension}`));
    const { stdout } = await run(
      "convert",
      ...sources("abc"),
      ...common,
      "--to",
      "num",
      "--batch",
      "3",
      "--json",
    );
    const outputs = JSON.parse(stdout) as { files: { ended: boolean }[]; leftOut: unknown[] };
    assertEquals([outputs.files.map(({ ended }) => ended), outputs.leftOut], [[true, true, true, true], []]);
    assertMatch(
      (await run("convert", ...sources("num"), ...common, "--to", ".abc")).stdout,
      /^Converted 4 files into 20 B of \.abc in \d.*, written to /,
    );
    for (const [name, content] of Object.entries(pairs)) {
      assertEquals(await Deno.readTextFile(join(out, name)), content, name);
    }

    await assertRefused({
      args: ["convert", ...sources("abc"), ...common, "--to", "mid"],
      code: 1,
      message:
        "Cannot convert to .mid: the model was trained on abc<->num. Choose another --to, or another model",
    });
    const readme = await bgpt(["convert", join(data, "README.md"), ...common, "--to", "num"]);
    assertStringIncludes(readme.stderr, `README.md": the model makes .num of .abc only\n`);
    const files = [...sources("abc"), ...sources("num")];
    const resume = ["train", "--data", ...files, "--out", model, ...device, "--resume"];
    const refusals: Refusal[] = [
      {
        args: [...resume, "--task", "conversion", "--pairs", "abc->num"],
        code: 1,
        message: `Cannot resume "${model}": it was trained on 8 samples, --data now gives 4`,
      },
      {
        args: [...resume, "--task", "conversion", "--pairs", "abc<->num", "--loss", "target"],
        code: 2,
        message:
          `Cannot resume with pairs (--pairs "abc<->num" --loss "target"): the run learns from pairs ` +
          `(--pairs "abc<->num" --loss "pair"). Say the same, or start a new run`,
      },
      { args: resume, code: 2, message: "Cannot resume with files: the run learns from pairs" },
      {
        args: ["train", "--data", data, "--out", out, "--task", "conversion", ...device],
        code: 2,
        message: 'Missing --pairs for --task conversion, such as --pairs "abc->mid"',
      },
      {
        args: ["train", "--data", data, "--out", out, "--pairs", "abc->num", ...device],
        code: 2,
        message: "Cannot use --pairs or --loss without --task conversion",
      },
    ];
    for (const refusal of refusals) await assertRefused(refusal);

    const evaluation = [
      "--checkpoint",
      model,
      "--data",
      data,
      "--pairs",
      "abc<->num",
      "--convert",
      "9",
      ...device,
    ];
    const { directions } = JSON.parse((await run("eval", ...evaluation, "--json")).stdout);
    assertEquals(Object.keys(directions), ["abc->num", "num->abc"]);
    for (
      const { pairs, target, pair, baselines, conversion } of Object.values<
        Record<string, Record<string, number>>
      >(directions)
    ) {
      assertEquals([pairs, conversion], [4, { outputs: 4, ended: 4, exact: 4 }]);
      // The source is one of four, the target follows from it: far less than order 3 knows.
      assert(
        target!.bpbBytes! < 0.1 && target!.bpbBytes! < pair!.bpbBytes! &&
          pair!.bpbBytes! < baselines!.order3!,
      );
    }
  }));

sharedTest(
  "the fixture's file is converted as published through the program",
  (fixtures) =>
    inTempFolder(async (folder) => {
      const checkpoint = join(folder, "checkpoint");
      await saveCheckpoint(checkpoint, (await loadFixture()).checkpoint);
      const { cases } = await readJson(`${fixtures}/dev/generation.json`) as {
        cases: { case: string; prefix_tokens: number[]; continuation: number[] }[];
      };
      const published = cases.find((found) => found.case.startsWith("conversion"))!;
      const bytes = Uint8Array.from(published.prefix_tokens.slice(16, 16 + 40));
      const data = await writeAll(join(folder, "data"), { "a.txt": bytes, "b.txt": bytes.subarray(3) });
      const limits = ["--bytes", "64", "--device", "cpu", "--threads", "1"];
      const { stderr } = await run("convert", data, "--checkpoint", checkpoint, "--to", "bmp", ...limits);
      assertEquals([...await Deno.readFile(join(data, "a.bmp"))], published.continuation.slice(0, 64));
      assertStringIncludes(
        stderr,
        `${join(data, "a.bmp")}: cut off after 64 B, as the model did not end it\n`,
      );
    }),
);

Deno.test("a file that cannot be converted is named, and the rest goes on", () =>
  inTempFolder(async (folder) => {
    const checkpoint = join(folder, "checkpoint");
    await writeCheckpoint(checkpoint);
    const data = await writeAll(join(folder, "data"), {
      "a.abc": "CDE",
      "b.abc": new Uint8Array(81),
      "c.mid": "MThd",
      "plain": "no extension",
      "tune.": "an empty one",
    });
    const out = join(folder, "out");
    const args = [
      "convert",
      data,
      "--checkpoint",
      checkpoint,
      "--to",
      "mid",
      "--out",
      out,
      "--device",
      "reference",
    ];
    const { stdout, stderr } = await run(...args, "--json");
    const reasons = {
      "b.abc": "its 81 bytes leave no room for an output: this model converts at most 80",
      "c.mid": "it is .mid already",
      "plain": "its name has no extension, which says what it is converted from",
      "tune.": "its name has no extension, which says what it is converted from",
    };
    const record = JSON.parse(stdout);
    assertEquals(
      record.leftOut,
      Object.entries(reasons).map(([name, reason]) => ({ path: join(data, name), reason })),
    );
    for (const { path, reason } of record.leftOut) {
      assertStringIncludes(stderr, `Left out "${path}": ${reason}\n`);
    }
    assertEquals(namesIn(out), ["a.mid"]);
    // Random weights make no MIDI: it is written as it is, and that is said.
    assertStringIncludes(stderr, `${join(out, "a.mid")}: Cannot mend MIDI: it does not begin with a header`);
    assertEquals(record.files[0].bytes, (await Deno.stat(join(out, "a.mid"))).size);
  }));

Deno.test("MIDI gets true track lengths, unless it is to stay raw", () =>
  inTempFolder(async (folder) => {
    // A model that has learnt one pair, whose MIDI says that its track is far too long.
    const lying = midiFile([[0, 0x90, 60, 90, 96, 60, 0, 0, 0xff, 0x2f, 0]]).with(21, 99);
    const data = await writeAll(join(folder, "data"), { "1.abc": "C", "1.mid": lying });
    const [model, out, raw] = ["run", "out", "raw"].map((name) => join(folder, name));
    const device = ["--device", "cpu", "--threads", "1"];
    const conversion = ["--task", "conversion", "--pairs", "abc->mid", "--loss", "target"];
    await run("train", "--data", data, "--out", model!, ...conversion, ...smallest, ...learning, ...device);
    const args = [join(data, "1.abc"), "--checkpoint", model!, "--to", "mid", ...device];
    const mended = await run("convert", ...args, "--out", out!, "--json");
    await run("convert", ...args, "--out", raw!, "--raw");
    assertEquals(await Deno.readFile(join(raw!, "1.mid")), lying);
    assertEquals(parseMidiNotes(await Deno.readFile(join(out!, "1.mid"))).notes.length, 1);
    assertEquals(JSON.parse(mended.stdout).files[0].mended, true);
  }));

Deno.test("convert refuses what cannot be with one line, and writes nothing", () =>
  inTempFolder(async (folder) => {
    const [checkpoint, classifier] = [join(folder, "checkpoint"), join(folder, "classifier")];
    await writeCheckpoint(checkpoint);
    const labels = ["cat", "dog"];
    const parameters = initialParameters(parameterTable(testSizes, labels.length), 1);
    await saveCheckpoint(classifier, { model: testSizes, labels, parameters });
    const data = await writeAll(join(folder, "data"), { "a.abc": "C", "a.mid": "kept", "a.txt": "C" });
    const [abc, mid, txt] = ["a.abc", "a.mid", "a.txt"].map((name) => join(data, name));
    const out = ["--out", join(folder, "out")];
    const of = (
      path: string,
      ...rest: string[]
    ) => ["convert", "--checkpoint", path, "--device", "reference", ...rest];

    const refusals: Refusal[] = [
      { args: of(checkpoint, "--to", "mid"), code: 2, message: "Missing FILE" },
      { args: of(checkpoint, abc!), code: 2, message: "Missing --to EXT" },
      {
        args: of(classifier, abc!, "--to", "mid"),
        code: 1,
        message:
          `Cannot convert with "${classifier}": it classifies files into 2 classes and predicts no bytes`,
      },
      {
        args: of(checkpoint, abc!, "--to", "mid"),
        code: 1,
        message: `Cannot convert "${abc}": "${mid}" is there already. Name another folder with --out DIR`,
      },
      {
        args: of(checkpoint, abc!, txt!, "--to", "mid", ...out),
        code: 1,
        message: `Cannot convert "${txt}" and "${abc}" in one go: both would become "${
          join(folder, "out", "a.mid")
        }"`,
      },
      {
        args: of(checkpoint, join(folder, "none.abc"), "--to", "mid"),
        code: 1,
        message: `Cannot read "${join(folder, "none.abc")}": there is no such file`,
      },
    ];
    for (const refusal of refusals) await assertRefused(refusal);
    const nothing = await bgpt(of(checkpoint, mid!, "--to", "mid", ...out));
    assertEquals([nothing.code, nothing.stdout], [1, ""]);
    assertStringIncludes(nothing.stderr, "error: Cannot convert: nothing is left of 1 file\n");
    assertEquals(await Deno.readTextFile(mid!), "kept");
    assertEquals(namesIn(folder), ["checkpoint", "classifier", "data"]);
  }));
