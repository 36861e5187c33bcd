import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { runLockName } from "@bgpt/core/files";
import { join } from "@std/path";
import { bestEvaluation, StudyRuns } from "../../../cli/studies/study_runs.ts";
import { inTempFolder, namesIn, writeFiles } from "../temp_folder.ts";

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Resolves once the run has kept a checkpoint. */
async function firstCheckpoint(out: string): Promise<void> {
  const isThere = () => Deno.stat(join(out, "checkpoints", "step-00000001")).then(() => true, () => false);
  while (!await isThere()) await pause(5);
}

Deno.test("a training run that is stopped stops its study, is not kept, and is gone on with", () =>
  inTempFolder(async (folder) => {
    const out = join(folder, "study");
    const sizes = "--patch-size 4 --patch-length 8 --hidden 64 --patch-layers 1 --byte-layers 1 --batch 1";
    const args = [
      ...["--data", await writeFiles(join(folder, "data"), [9, 20, 17]), "--device", "reference"],
      ...[...sizes.split(" "), "--eval-share", "0", "--save-every", "1", "--steps", "50"],
    ];
    const line = ["bgpt", "train", ...args, "--out", join(out, "run")].join(" ");
    const stopped = assertRejects(
      () => new StudyRuns(out, 1).train("run", args),
      Error,
      `Stopped the study in "${out}": run was stopped after step `,
    );
    await firstCheckpoint(join(out, "run"));
    Deno.kill(Number(Deno.readTextFileSync(join(out, "run", runLockName))), "SIGTERM");
    await stopped;
    assertEquals(namesIn(out), ["run"]);

    // Nor is such a record believed where an older program kept it.
    Deno.writeTextFileSync(
      join(out, "run.json"),
      JSON.stringify({ command: line, record: { step: 1, stopped: true } }),
    );
    const { step, stopped: isStopped } = await new StudyRuns(out, 1).train("run", args);
    assertEquals([step, isStopped], [50, false]);
    const kept = JSON.parse(Deno.readTextFileSync(join(out, "run.json")));
    assertEquals([kept.command, kept.record.step], [line, 50]);
    assertEquals(namesIn(out), ["run", "run.json"]);
  }));

Deno.test("a run whose loss was never a number is named, where it is to be compared", () => {
  const best = { step: 3, lossNats: 2.5, accuracy: 0.5 };
  assertEquals(bestEvaluation("small", { best }), best);
  assertThrows(
    () => bestEvaluation("small", { step: 3 }),
    Error,
    "Cannot compare small with the other runs: no evaluation of it had a loss that is a number. ",
  );
});
