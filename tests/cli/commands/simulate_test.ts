import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { bgpt } from "../bgpt.ts";
import { testSizes, writeCheckpoint } from "../checkpoints.ts";
import { assertRefused, type Refusal } from "../refused.ts";
import { inTempFolder, writeFiles } from "../temp_folder.ts";

const device = ["--device", "reference"];

/** A checkpoint and a corpus of three programs of two or three instructions. */
async function prepare(folder: string): Promise<{ checkpoint: string; data: string }> {
  const [checkpoint, data] = [join(folder, "checkpoint"), join(folder, "data")];
  await writeCheckpoint(checkpoint);
  const programs = ["--instances", "3", "--min-program", "2", "--max-program", "3", "--memory", "16"];
  const { code, stderr } = await bgpt(["data", "cpu", "--out", data, ...programs]);
  assertEquals(code, 0, stderr);
  return { checkpoint, data };
}

Deno.test("simulate scores a model on state files beside the trivial predictor, and leaves out what is none", () =>
  inTempFolder(async (folder) => {
    const { checkpoint, data } = await prepare(folder);
    await Deno.writeTextFile(join(data, "notes.txt"), "no states");
    const args = ["simulate", "--checkpoint", checkpoint, "--data", data, ...device];
    const { code, stdout, stderr } = await bgpt([...args, "--json"]);
    assertEquals(code, 0, stderr);
    assertStringIncludes(stderr, `Left out "${join(data, "notes.txt")}": `);
    assertEquals(stdout, `${JSON.stringify(JSON.parse(stdout))}\n`);
    const { files, teacherForced, freeRunning } = JSON.parse(stdout);
    assertEquals(files, 3);
    for (const { total, predicted, trivial } of [teacherForced, freeRunning]) {
      assertEquals([total.runs, total.bytes], [3, 16 * total.states]);
      // Random weights know nothing; the trivial predictor copies most bytes.
      assert(predicted.bytes < trivial.bytes && trivial.bytes > 0.8 * total.bytes);
    }
    const teacherOnly = await bgpt([...args, "--no-free-running", "--batch", "2", "--json"]);
    assertEquals(JSON.parse(teacherOnly.stdout), { files, teacherForced });
  }));

Deno.test("simulate refuses what cannot be with one line", () =>
  inTempFolder(async (folder) => {
    const { checkpoint, data } = await prepare(folder);
    const small = join(folder, "small");
    await writeCheckpoint(small, { ...testSizes, patchLength: 3 });
    const empty = await writeFiles(join(folder, "empty"), []);
    const of = (path: string, ...rest: string[]) => ["simulate", "--checkpoint", path, ...rest, ...device];

    const refusals: Refusal[] = [
      { args: of(checkpoint), code: 2, message: "Missing --data PATH..." },
      {
        args: of(checkpoint, "--data", empty),
        code: 1,
        message: `Cannot read "${empty}": no files were found`,
      },
      {
        args: of(small, "--data", data),
        code: 1,
        message: "the model's patch length is 3. Use shorter programs or less memory",
      },
      { args: of(empty, "--data", data), code: 1, message: `Cannot read checkpoint "${empty}"` },
    ];
    for (const refusal of refusals) await assertRefused(refusal);
  }));
