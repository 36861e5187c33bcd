/**
 * A training run that is killed again and again ends as if it had not been. So many kills as BGPT_KILLS says, 15 by
 * default.
 */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { RandomStream } from "@bgpt/core";
import { loadCheckpoint } from "@bgpt/core/files";
import { bgpt, spawnBgpt } from "../bgpt.ts";
import { inTempFolder, namesIn, writeFiles } from "../temp_folder.ts";

const kills = Number(Deno.env.get("BGPT_KILLS") ?? 15);
const random = new RandomStream(Date.now() >>> 0);

const sizes = "--patch-size 4 --patch-length 8 --hidden 64 --patch-layers 1 --byte-layers 1 --batch 1".split(
  " ",
);
/** Every step writes a checkpoint, and many write another as the best. */
const often = [
  "--device",
  "reference",
  ...sizes,
  "--dropout",
  "0.1",
  "--save-every",
  "1",
  "--eval-every",
  "2",
];
/** Steps between two kills, on average somewhat less. */
const stepsPerKill = 2;

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Names in the folder of a run's checkpoints; empty before the first. */
function checkpointNames(out: string): string[] {
  try {
    return namesIn(join(out, "checkpoints"));
  } catch {
    return [];
  }
}

/** The step of the newest whole checkpoint; 0 before the first. */
function stepsIn(out: string): number {
  return Math.max(0, ...checkpointNames(out).map((name) => Number(name.match(/^step-(\d+)$/)?.[1] ?? 0)));
}

/** Resolves when the process writes a checkpoint (a name ends in its id), or when it has ended. */
async function writing(out: string, pid: number, ended: () => boolean): Promise<void> {
  while (!ended() && !checkpointNames(out).some((name) => name.endsWith(`.bgpt-tmp-${pid}`))) await pause(1);
}

/** What a kill left of a folder that was being written: `step.tmp`, `best.new`, `step.tmp-old`, …; else undefined. */
function stageOf(name: string): string | undefined {
  const [, kind, stage, old = ""] = name.match(/^\.(step|best)[-\d]*\.bgpt-(new|tmp)(?:-\d+(-old)?)?$/) ?? [];
  return kind && `${kind}.${stage}${old}`;
}

/** Weights, moments and data position, and what the run told of each step. */
async function resultOf(out: string) {
  const { checkpoint } = await loadCheckpoint(out);
  const { parameters, optimizer, run } = checkpoint;
  const lines = Deno.readTextFileSync(join(out, "metrics.jsonl")).trimEnd().split("\n");
  const told = lines.map((line) => {
    const { step, kind, lossNats, gradientNorm } = JSON.parse(line);
    return { step, kind, lossNats, gradientNorm };
  });
  return { parameters, optimizer, run, told };
}

Deno.test(`a run that is killed ${kills} times, and resumed each time, ends with the bits of an undisturbed one`, () =>
  inTempFolder(async (folder) => {
    const data = await writeFiles(join(folder, "data"), [9, 30, 0, 17, 26, 5]);
    const [whole, killed] = [join(folder, "whole"), join(folder, "killed")];
    const steps = ["--steps", `${stepsPerKill * kills + 5}`];
    const undisturbed = await bgpt(["train", "--data", data, "--out", whole, ...often, ...steps]);
    assertEquals(undisturbed.code, 0, undisturbed.stderr);

    const stages = new Map<string, number>();
    let killCount = 0;
    while (killCount < kills) {
      const process = spawnBgpt(["train", "--data", data, "--out", killed, ...often, ...steps, "--resume"]
        .slice(0, killCount === 0 ? -1 : undefined));
      let ended = false;
      const outcome = process.outcome().finally(() => ended = true);
      if (random.below(4) > 0) {
        // Three quarters of the kills are while a checkpoint is written, or right after.
        for (let passed = random.below(stepsPerKill); passed >= 0; passed--) {
          await writing(killed, process.pid, () => ended);
          await pause(passed > 0 ? 30 : random.below(12));
        }
      } else {
        // A quarter are at any instant, starting up included; on a fast machine before too many steps have passed.
        const until = performance.now() + random.below(1500);
        const last = stepsIn(killed) + 2 * stepsPerKill;
        while (!ended && performance.now() < until && stepsIn(killed) < last) await pause(1);
      }
      process.kill("SIGKILL");
      const { code, stderr } = await outcome;
      if (code === 0) break;
      assertEquals(code, 137, stderr);
      const stage = checkpointNames(killed).map(stageOf).find((name) => name !== undefined) ?? "between two";
      stages.set(stage, (stages.get(stage) ?? 0) + 1);
      killCount++;
    }
    console.log(`killed ${killCount} times:`, Object.fromEntries(stages));
    assert(killCount >= kills / 2, `only ${killCount} kills`);

    const last = await bgpt(["train", "--data", data, "--out", killed, ...often, ...steps, "--resume"]);
    assertEquals(last.code, 0, last.stderr);
    assert(!last.stderr.includes("Passed over"), last.stderr);
    assertEquals(await resultOf(killed), await resultOf(whole));
    assertEquals(checkpointNames(killed), checkpointNames(whole));
    const bestOf = async (out: string) => (await loadCheckpoint(join(out, "checkpoints", "best"))).checkpoint;
    assertEquals(await bestOf(killed), await bestOf(whole));
  }));
