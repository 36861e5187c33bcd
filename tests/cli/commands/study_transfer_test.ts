import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { bgpt } from "../bgpt.ts";
import { assertRefused } from "../refused.ts";
import { inTempFolder, namesIn } from "../temp_folder.ts";

/** A corpus of two classes with train and eval in it; a class is a letter. */
async function writeTarget(folder: string, extension: string): Promise<string> {
  for (const split of ["train", "eval"]) {
    await Deno.mkdir(join(folder, split), { recursive: true });
    for (const label of ["a", "b"]) {
      const path = join(folder, split, `${label}_1.${extension}`);
      await Deno.writeTextFile(path, label.repeat(split === "train" ? 9 : 5));
    }
  }
  return folder;
}

Deno.test("the study of transfer runs the whole grid and writes it beside the published table", () =>
  inTempFolder(async (folder) => {
    const target = (name: string, extension: string) => writeTarget(join(folder, name), extension);
    const [text, image, speech] = [
      await target("t", "txt"),
      await target("i", "bmp"),
      await target("s", "wav"),
    ];
    const out = join(folder, "study");
    const corpora = [
      "--text",
      join(text, "train"),
      "--image",
      join(image, "train"),
      "--speech",
      join(speech, "train"),
    ];
    const targets = ["--target-text", text, "--target-image", image, "--target-speech", speech];
    const small = ["--patch-length", "4", "--batch", "1", "--device", "cpu", "--threads", "1"];
    const steps = ["--pretrain-steps", "1", "--finetune-steps", "1", "--classify-steps", "1"];
    const study = ["study", "transfer", ...corpora, ...targets, ...small, ...steps, "--out", out, "--json"];
    const { code, stdout, stderr } = await bgpt(study);
    assertEquals(code, 0, stderr);
    const { grid } = JSON.parse(stdout);
    assertEquals(Object.keys(grid), ["random", "text", "image", "speech", "signal", "mix"]);
    for (
      const cells of Object.values(grid) as Record<string, { bitsPerByte: number; accuracyPercent: number }>[]
    ) {
      assertEquals(Object.keys(cells), ["text", "image", "speech"]);
      for (const { bitsPerByte, accuracyPercent } of Object.values(cells)) {
        assert(bitsPerByte > 0 && bitsPerByte < 10, `${bitsPerByte}`);
        assert([0, 50, 100].includes(accuracyPercent), `${accuracyPercent}`);
      }
    }
    assertEquals(namesIn(out).filter((name) => name.endsWith(".json")).length, 5 + 18 + 18 + 1);
    assertMatch(
      stderr,
      /\[41 of 41\] mix-to-speech-classes: bgpt train --task classification .* --init \S+pretrain-mix\S* /,
    );
    const table = Deno.readTextFileSync(join(out, "study.md"));
    assertMatch(
      table,
      /^\| mix \| \d\.\d{4} \(1\.0935\) \| \d\.\d{4} \(3\.2279\) \| \d\.\d{4} \(1\.5086\) \|$/m,
    );
    assertStringIncludes(Deno.readTextFileSync(join(out, "study.html")), "Telling classes of speech apart");
  }));

Deno.test("the study of transfer refuses what no run of it would take, before the first one", () =>
  inTempFolder(async (folder) => {
    const names = ["text", "image", "speech", "target-text", "target-image", "target-speech"];
    const study = [
      ...[
        "study",
        "transfer",
        "--out",
        join(folder, "out"),
        ...names.flatMap((name) => [`--${name}`, folder]),
      ],
      ...["--pretrain-steps", "1", "--finetune-steps", "1", "--classify-steps", "1"],
    ];
    for (const [flag, value] of [["seed", "4294967296"], ["patch-length", "65537"], ["batch", "65537"]]) {
      await assertRefused({
        args: [...study, `--${flag}`, value!],
        code: 2,
        message: `Cannot use --${flag} "${value}": a whole number of at least `,
      });
    }
  }));
