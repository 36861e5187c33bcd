import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { loadCheckpoint, saveCheckpoint } from "@bgpt/core/files";
import { readMetrics } from "../../../cli/report/metrics_log.ts";
import { bgpt } from "../bgpt.ts";
import { poisoned, writePoisonedData } from "../poisoned.ts";
import { inTempFolder } from "../temp_folder.ts";

Deno.test("held-out files whose loss is no number are told, and the run's checkpoints stay readable", () =>
  inTempFolder(async (folder) => {
    const data = await writePoisonedData(join(folder, "data"));
    const bad = join(folder, "bad.bin");
    await Deno.rename(join(data, "bad.bin"), bad);
    const init = join(folder, "poisoned");
    await saveCheckpoint(init, poisoned());
    const out = join(folder, "run");
    const device = ["--device", "cpu", "--threads", "1"];
    const line = ["train", "--data", data, "--eval-data", bad, "--init", init, "--out", out, ...device];
    const steps = ["--batch", "1", "--steps", "2", "--eval-every", "1", "--save-every", "1"];
    const { code, stdout, stderr } = await bgpt([...line, ...steps, "--json"]);
    assertEquals(code, 0, stderr);
    assertStringIncludes(stderr, "Evaluation after step 1: the loss is NaN, which is never the best. ");
    assertEquals(JSON.parse(stdout).best, undefined);
    const evaluations = readMetrics(join(out, "metrics.jsonl")).filter(({ kind }) => kind === "eval");
    assertEquals(evaluations.map(({ step, lossNats }) => [step, lossNats]), [[1, null], [2, null]]);
    const { checkpoint, passedOver } = await loadCheckpoint(out);
    assertEquals([checkpoint.run!.step, passedOver], [2, []]);
  }));

Deno.test("a step that overflows ends a run with its files and tensor, or is dropped and counted", () =>
  inTempFolder(async (folder) => {
    const data = await writePoisonedData(join(folder, "data"));
    const init = join(folder, "poisoned");
    await saveCheckpoint(init, poisoned());
    const device = ["--device", "cpu", "--threads", "1"]; // The reference computes in f64, where nothing overflows.
    const training = ["train", "--data", data, "--init", init, ...device, "--batch", "1"];
    const line = [...training, "--steps", "12", "--save-every", "1", "--eval-share", "0"];
    const [ended, skipped] = [join(folder, "ended"), join(folder, "skipped")];

    const stop = await bgpt([...line, "--out", ended]);
    assertEquals([stop.code, stop.stdout], [1, ""]);
    assertMatch(
      stop.stderr,
      /^error: Stopped at step \d+: the loss is NaN and the gradient norm NaN; the first bad tensor is "patch\.\S+", which has Infinity after call "patch\.\S+"; the step was on \S+bad\.bin; [^\n]+\n$/,
    );
    const [, badStep] = stop.stderr.match(/at step (\d+)/)!;
    const good = Number(badStep) - 1;
    assertStringIncludes(
      stop.stderr,
      good === 0 ? "nothing of the run is kept yet" : `the run is kept up to step ${good}`,
    );

    const skip = await bgpt([...line, "--out", skipped, "--on-bad-step", "skip", "--json"]);
    assertEquals(skip.code, 0, skip.stderr);
    const records = readMetrics(join(skipped, "metrics.jsonl"));
    assertEquals(records.map(({ step }) => step), Array.from({ length: 12 }, (_, i) => i + 1));
    const dropped = records.filter(({ kind }) => kind === "dropped");
    // Each epoch has the bad file once, and takes five steps.
    assert(dropped.length >= 2 && dropped.length <= 3, `${dropped.length} steps were dropped`);
    assertEquals(JSON.parse(skip.stdout).droppedSteps, dropped.length);
    for (const { step, files } of dropped) {
      assertEquals(files, [join(data, "bad.bin")]);
      assertStringIncludes(skip.stderr, `Dropped step ${step}: the loss is NaN`);
    }
    const { checkpoint } = await loadCheckpoint(skipped);
    assert(checkpoint.parameters.every(Number.isFinite));

    // A stopped run goes on when it is told to drop the step, with the same bits.
    const resume = [
      "train",
      "--data",
      data,
      "--out",
      ended,
      ...device,
      "--resume",
      "--on-bad-step",
    ];
    if (good > 0) {
      assertEquals((await bgpt([...resume, "skip"])).code, 0);
      assertEquals((await loadCheckpoint(ended)).checkpoint.parameters, checkpoint.parameters);
    }
  }));
