import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { bgpt } from "../bgpt.ts";
import { assertRefused } from "../refused.ts";
import { inTempFolder, writeFiles } from "../temp_folder.ts";

const sizes = "--patch-size 4 --patch-length 8 --hidden 64 --patch-layers 1 --byte-layers 1 --batch 1".split(
  " ",
);
const small = ["--device", "reference", ...sizes, "--warmup", "0", "--learning-rate", "0.01"];

Deno.test("train --given reads the first patches and does not learn them, says so, and leaves shorter files out", () =>
  inTempFolder(async (folder) => {
    // Every patch but the last is random noise, and the last four bytes are the same: learnt alone, they come to nothing.
    const data = join(folder, "data");
    Deno.mkdirSync(data);
    for (let file = 0; file < 4; file++) {
      const bytes = crypto.getRandomValues(new Uint8Array(12));
      bytes.fill(7, 8);
      Deno.writeFileSync(join(data, `f${file}.bin`), bytes);
    }
    Deno.writeFileSync(join(data, "short.bin"), new Uint8Array(4));
    const out = join(folder, "run");
    const training = ["train", "--data", data, "--out", out, ...small, "--eval-share", "0", "--given", "3"];
    const { code, stdout, stderr } = await bgpt([...training, "--steps", "40", "--json"]);
    assertEquals(code, 0, stderr);
    assertStringIncludes(stderr, "1 file left out: no more than the 3 patches that are given");
    // The end patch is scored too. With the noise in it the loss would stay above 3.
    assert(JSON.parse(stdout).trainingBpb < 1, stdout);
    assertStringIncludes(Deno.readTextFileSync(join(out, "report.html")), "files (--given &#34;3&#34;)");

    const resume = [...training.slice(0, -2), "--steps", "41", "--resume"];
    await assertRefused({
      args: [...resume, "--given", "2", "--limit", "4"],
      code: 2,
      message: 'Cannot resume with files (--given "2"): the run learns from files (--given "3")',
    });
    await assertRefused({
      args: [...resume, "--limit", "4"],
      code: 2,
      message: 'Cannot resume with files: the run learns from files (--given "3")',
    });
    const resumed = await bgpt([...resume, "--given", "3"]);
    assertEquals(resumed.code, 0, resumed.stderr);
  }));

Deno.test("train --given is refused where nothing is left to learn, and for other tasks", () =>
  inTempFolder(async (folder) => {
    const data = await writeFiles(join(folder, "data"), [9, 30]);
    const training = ["train", "--data", data, "--out", join(folder, "run"), ...small];
    await assertRefused({
      args: [...training, "--given", "8"],
      code: 2,
      message:
        "Cannot use --given 8: none of 2 files has more patches, of which 8 are read at most. Give fewer",
    });
    await assertRefused({
      args: [...training, "--task", "classification", "--given", "2"],
      code: 2,
      message:
        "Cannot use --given with --task classification: it says how much of each file is read and not learnt, " +
        "which only generation does. Leave it out",
    });
  }));
