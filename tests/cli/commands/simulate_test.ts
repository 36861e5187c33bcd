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

Deno.test("simulate names files that are too long for the model and leaves them out, and fails only where none is left", () =>
  inTempFolder(async (folder) => {
    const { checkpoint, data } = await prepare(folder);
    const long = join(folder, "long");
    const programs = ["--instances", "1", "--min-program", "4", "--max-program", "4", "--memory", "16"];
    assertEquals((await bgpt(["data", "cpu", "--out", long, ...programs])).code, 0);
    const reason =
      `Left out "${join(long, "0000000.bin")}": Cannot predict a file of 8 patches: the model's ` +
      "patch length is 7. Use shorter programs or less memory\n";
    await writeCheckpoint(checkpoint, { ...testSizes, patchLength: 7 });
    const args = ["simulate", "--checkpoint", checkpoint, ...device, "--json", "--data", long];
    const most = await bgpt([...args, data]);
    assertEquals([most.code, JSON.parse(most.stdout).files], [0, 3], most.stderr);
    assertStringIncludes(most.stderr, reason);
    assertEquals(await bgpt(args), {
      code: 1,
      stdout: "",
      stderr: `${reason}error: Cannot simulate: 1 file left out, and there is no other. ` +
        "Name files of CPU states that fit the model's patch length\n",
    });
  }));

Deno.test("simulate refuses what cannot be with one line", () =>
  inTempFolder(async (folder) => {
    const { checkpoint, data } = await prepare(folder);
    const other = join(folder, "other");
    await writeCheckpoint(other, { ...testSizes, patchSize: 8 });
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
        args: of(other, "--data", data),
        code: 1,
        message: "Cannot predict CPU states with patches of 8 bytes: a patch must be a state, 16 bytes",
      },
      { args: of(empty, "--data", data), code: 1, message: `Cannot read checkpoint "${empty}"` },
    ];
    for (const refusal of refusals) await assertRefused(refusal);
  }));
