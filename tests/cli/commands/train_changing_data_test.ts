import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { readMetrics } from "../../../cli/report/metrics_log.ts";
import { spawnBgpt } from "../bgpt.ts";
import { inTempFolder, writeFiles } from "../temp_folder.ts";

const sizes = "--patch-size 4 --patch-length 8 --hidden 64 --patch-layers 1 --byte-layers 1 --batch 1".split(
  " ",
);
const training = ["--device", "reference", ...sizes, "--eval-share", "0", "--save-every", "5"];

/** Resolves when the run has told a step. */
async function firstStep(out: string): Promise<void> {
  const told = () => readMetrics(join(out, "metrics.jsonl")).length > 0;
  while (true) {
    try {
      if (told()) return;
    } catch {
      // Not there yet.
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

Deno.test("files that vanish, shrink or grow during a run are named and left out; with none left the run ends", () =>
  inTempFolder(async (folder) => {
    const data = await writeFiles(join(folder, "data"), [9, 20, 0, 17, 12]);
    const path = (file: number) => join(data, `f${file}.bin`);
    const out = join(folder, "run");
    const process = spawnBgpt(["train", "--data", data, "--out", out, ...training, "--steps", "80"]);
    await firstStep(out);
    await Deno.remove(path(1));
    await Deno.truncate(path(3), 5);
    await Deno.writeFile(path(4), new Uint8Array(13), { append: true });
    const { code, stdout, stderr } = await process.outcome();
    assertEquals(code, 0, stderr);
    for (
      const reason of [
        `Cannot read "${path(1)}": there is no such file or folder`,
        `Cannot use "${path(3)}": it had 17 bytes when it was found and has 5 now`,
        `Cannot use "${path(4)}": it had 12 bytes when it was found and has 25 now`,
      ]
    ) assertEquals(stderr.split(`Left out: ${reason}`).length, 2, stderr);
    assertMatch(stdout, /^left out {5}3 files that vanished or changed$/m);
    const records = readMetrics(join(out, "metrics.jsonl"));
    const leftOut = records.filter(({ kind }) => kind === "unreadable").map(({ file }) => `${file}`);
    assertEquals(leftOut.sort(), [path(1), path(3), path(4)]);
    const steps = records.map(({ step }) => step);
    assertEquals(steps, steps.toSorted((a, b) => a - b));

    const last = join(folder, "last");
    const ending = spawnBgpt(["train", "--data", data, "--out", last, ...training, "--steps", "100000"]);
    await firstStep(last);
    await Deno.remove(data, { recursive: true });
    const ended = await ending.outcome();
    assertEquals([ended.code, ended.stdout], [1, ""]);
    assertStringIncludes(
      ended.stderr,
      "error: Cannot go on without files: none of the 4 can be read any more. ",
    );
    assertMatch(ended.stderr, /; the run is kept up to step \d+\n$/);
  }));
