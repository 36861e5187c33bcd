import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { loadCheckpoint } from "@bgpt/core/files";
import { readMetrics } from "../../../cli/report/metrics_log.ts";
import { mount, mountTest, unmount } from "../../mounts.ts";
import { bgpt, type RunningBgpt, spawnBgpt } from "../bgpt.ts";
import { assertRefused } from "../refused.ts";
import { inTempFolder, namesIn, writeFiles } from "../temp_folder.ts";

const sizes = "--patch-size 4 --patch-length 8 --hidden 64 --patch-layers 1 --byte-layers 1 --batch 1".split(
  " ",
);
/** Checkpoints of 2 MB each, one every step; so many steps that the fault ends the run. */
const training = ["--device", "reference", ...sizes, "--eval-share", "0", "--save-every", "1"];

/** Resolves when a run has kept a checkpoint, the process that trains still running. */
async function firstCheckpoint(out: string): Promise<void> {
  while (!await loadCheckpoint(out).then(() => true, () => false)) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Starts a run, waits for its first checkpoint, causes a fault, and returns the one line that it ends with. */
async function faultDuring(out: string, data: string, cause: () => void): Promise<string> {
  const args = ["train", "--data", data, "--out", out, ...training, "--steps", "100000"];
  const process: RunningBgpt = spawnBgpt(args);
  await firstCheckpoint(out);
  cause();
  const { code, stdout, stderr } = await process.outcome();
  assertEquals([code, stdout], [1, ""], stderr);
  const lines = stderr.trimEnd().split("\n").filter((line) => !line.startsWith("Training "));
  assertEquals(lines.length, 1, stderr);
  return lines[0]!;
}

/** Asserts that the newest checkpoint is as the error says, that the metrics are whole, and that the run goes on. */
async function assertGoesOn(out: string, data: string, error: string): Promise<void> {
  const [, kept = 0] = error.match(/; (?:the run is kept up to step (\d+)|nothing of the run is kept yet)$/)!;
  const { checkpoint, passedOver } = await loadCheckpoint(out);
  assertEquals(passedOver, []);
  // The fault may have come between the last sync of a checkpoint and its report.
  const unreported = checkpoint.run!.step - Number(kept);
  assert(unreported === 0 || unreported === 1, `step ${checkpoint.run!.step}, but ${error}`);
  const path = join(out, "metrics.jsonl");
  assertMatch(Deno.readTextFileSync(path), /\n$/);
  const steps = `${checkpoint.run!.step + 2}`;
  const line = ["train", "--data", data, "--out", out, "--device", "reference", "--steps", steps, "--resume"];
  const { code, stderr } = await bgpt(line);
  assertEquals(code, 0, stderr);
  const told = readMetrics(path).map(({ step }) => step);
  assertEquals(told, told.map((_, index) => index + 1));
  assertEquals(`${told.length}`, steps);
}

mountTest(
  "on a disk that gets full, a run stops, says so, and goes on when there is room",
  (mountPoint) =>
    inTempFolder(async (folder) => {
      const data = await writeFiles(join(folder, "data"), [9, 20]);
      mount("-t", "tmpfs", "-o", "size=16m", "tmpfs", mountPoint);
      const out = join(mountPoint, "run");
      const filler = join(mountPoint, "filler");
      const error = await faultDuring(out, data, () => {
        const file = Deno.openSync(filler, { write: true, create: true });
        try {
          while (true) file.writeSync(new Uint8Array(1 << 16));
        } catch {
          file.close(); // Full.
        }
      });
      assertStringIncludes(error, "no space is left on its disk. Free some; ");
      Deno.removeSync(filler);
      await assertGoesOn(out, data, error);
      assertEquals(namesIn(join(out, "checkpoints")).filter((name) => name.includes("tmp")), []);
    }),
);

mountTest(
  "in a folder that is, or becomes, read-only, a run stops with a line and loses nothing",
  (mountPoint) =>
    inTempFolder(async (folder) => {
      const data = await writeFiles(join(folder, "data"), [9, 20]);
      mount("-t", "tmpfs", "-o", "ro,size=1m", "tmpfs", mountPoint);
      const message = "its file system is read-only. Mount it for writing";
      const line = ["train", "--data", data, "--out", join(mountPoint, "run"), ...training];
      await assertRefused({ args: line, code: 1, message });
      unmount(mountPoint);

      const out = join(folder, "run");
      const checkpoints = join(out, "checkpoints");
      const error = await faultDuring(out, data, () => {
        mount("--bind", checkpoints, checkpoints);
        // Linux refuses while a checkpoint is being written.
        for (let left = 1000; left > 0; left--) {
          try {
            return mount("-o", "remount,ro,bind", checkpoints);
          } catch {
            // Try again.
          }
        }
      });
      unmount(checkpoints);
      assertStringIncludes(error, message);
      await assertGoesOn(out, data, error);
    }),
);

mountTest(
  "when the mount that a run writes to vanishes, it stops, and writes nothing in its place",
  (mountPoint) =>
    inTempFolder(async (folder) => {
      const data = await writeFiles(join(folder, "data"), [9, 20]);
      const disk = join(folder, "disk");
      Deno.mkdirSync(disk);
      mount("--bind", disk, mountPoint);
      const out = join(mountPoint, "run");
      const error = await faultDuring(out, data, () => assert(unmount(mountPoint)));
      assertStringIncludes(
        error,
        `Cannot go on in "${out}": the folder that the run began in is gone, unmounted, moved or removed. Bring it back`,
      );
      assertEquals(namesIn(mountPoint), []);
      await assertGoesOn(join(disk, "run"), data, error);
    }),
);
