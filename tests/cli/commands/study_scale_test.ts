import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { RunLock } from "@bgpt/core/files";
import { bgpt, spawnBgpt } from "../bgpt.ts";
import { assertRefused } from "../refused.ts";
import { inTempFolder, namesIn, writeFiles } from "../temp_folder.ts";

async function writePrograms(folder: string, count: number, seed: number): Promise<string> {
  const corpus = ["data", "cpu", "--max-program", "4", "--memory", "16", "--out", folder];
  assertEquals((await bgpt([...corpus, "--instances", `${count}`, "--seed", `${seed}`])).code, 0);
  return folder;
}

Deno.test("a study of scale trains on nested parts, scores each, draws the curve, and is not run twice", () =>
  inTempFolder(async (folder) => {
    const data = await writePrograms(join(folder, "data"), 12, 1);
    const unseen = await writePrograms(join(folder, "unseen"), 3, 2);
    const out = join(folder, "study");
    const study = ["study", "scale", "--task", "cpu", "--data", data, "--eval-data", unseen, "--out", out];
    const small = [
      "--steps",
      "2",
      "--patch-length",
      "8",
      "--batch",
      "1",
      "--device",
      "cpu",
      "--threads",
      "1",
    ];
    const first = await bgpt([...study, ...small, "--sizes", "9,4,9", "--json"]);
    assertEquals(first.code, 0, first.stderr);
    const { outcomes, trivial } = JSON.parse(first.stdout);
    assertEquals(outcomes.map(({ samples }: { samples: number }) => samples), [4, 9]);
    for (const { bitsPerByte, statesPercent } of outcomes) {
      assert(bitsPerByte > 0 && bitsPerByte < 9 && statesPercent >= 0 && statesPercent <= 100);
    }
    assert(trivial.bytesPercent > 50, `${trivial.bytesPercent}`);
    assert(first.stderr.includes("[1 of 4] samples-4: bgpt train "), first.stderr);

    assertEquals(JSON.parse(Deno.readTextFileSync(join(out, "study.json"))).outcomes, outcomes);
    assertStringIncludes(Deno.readTextFileSync(join(out, "study.md")), "| samples | bits per byte |");
    assertEquals(Deno.readTextFileSync(join(out, "study.html")).match(/<svg /g)?.length, 3);
    const kept = namesIn(out);

    const again = await bgpt([...study, ...small, "--sizes", "4,9", "--json"]);
    assertEquals([again.code, again.stderr, JSON.parse(again.stdout).outcomes], [0, "", outcomes]);
    assertEquals(namesIn(out), kept);
    await assertRefused({
      args: [...study, ...small, "--sizes", "4,9", "--seed", "1"],
      code: 1,
      message: `Cannot go on with the study in "${out}": samples-4 was run as "bgpt train `,
    });
  }));

Deno.test("SIGTERM to a study of scale ends the training with it, which is not kept as finished", () =>
  inTempFolder(async (folder) => {
    const data = await writeFiles(join(folder, "data"), [20, 30]);
    const out = join(folder, "study");
    const process = spawnBgpt([
      ...["study", "scale", "--task", "cpu", "--data", data, "--eval-data", data, "--out", out],
      ...["--sizes", "2", "--steps", "1000", "--patch-length", "8", "--batch", "1"],
      ...["--device", "cpu", "--threads", "1"],
    ]);
    const run = join(out, "samples-2");
    while (!await Deno.stat(join(run, "metrics.jsonl")).then(({ size }) => size > 0, () => false)) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    process.kill("SIGTERM");
    const { code, stdout, stderr } = await process.outcome();
    assertEquals([code, stdout], [1, ""], stderr);
    assertStringIncludes(stderr, `error: Stopped the study in "${out}": samples-2 was stopped after step `);
    assertEquals(namesIn(out), ["samples-2"]);
    new RunLock(run)[Symbol.dispose](); // Nobody works in the folder any more.
  }));

Deno.test("a study of scale refuses sizes that are none or too large, and pairs where there are none", () =>
  inTempFolder(async (folder) => {
    const study = [
      "study",
      "scale",
      "--data",
      folder,
      "--eval-data",
      folder,
      "--out",
      join(folder, "out"),
      "--steps",
      "1",
    ];
    await assertRefused({
      args: [...study, "--task", "cpu", "--sizes", "10,many"],
      code: 2,
      message: "Cannot use --sizes many: give whole numbers from 1, such as 1000,10000",
    });
    await assertRefused({
      args: [...study, "--task", "conversion", "--sizes", "10"],
      code: 2,
      message: "Missing --pairs A->B: conversion needs to know which files make a pair",
    });
    await assertRefused({
      args: [...study, "--task", "cpu", "--pairs", "abc->mid", "--sizes", "10"],
      code: 2,
      message: "Cannot use --pairs with --task cpu. Leave it out",
    });
    const data = await writeFiles(join(folder, "data"), [20, 30]);
    const few = [...study, "--task", "cpu", "--data", data];
    await assertRefused({
      args: [...few, "--sizes", "10,2"],
      code: 2,
      message: `Cannot use --sizes 10: ${data} has 2 samples. Give sizes up to 2, or more data`,
    });
    for (const [flag, value] of [["seed", "4294967296"], ["patch-length", "65537"], ["batch", "65537"]]) {
      await assertRefused({
        args: [...few, "--sizes", "2", `--${flag}`, value!],
        code: 2,
        message: `Cannot use --${flag} "${value}": a whole number of at least `,
      });
    }
    assertEquals(namesIn(folder), ["data"]);
  }));
