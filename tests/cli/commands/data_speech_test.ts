import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { toneFile } from "../../tasks/media/wav_files.ts";
import { bgpt, messagesIn } from "../bgpt.ts";
import { inTempFolder, namesIn } from "../temp_folder.ts";

/** Writes tones, 20 in each of two folders, and returns the folder of both. */
async function writeTones(folder: string): Promise<string> {
  for (const [label, frequencyHz] of [["low", 300], ["high pitch", 2000]] as const) {
    await Deno.mkdir(join(folder, "tones", label), { recursive: true });
    for (let i = 0; i < 20; i++) {
      const file = toneFile(frequencyHz + 10 * i, 16_000, 0.1);
      await Deno.writeFile(join(folder, "tones", label, `t${i}.wav`), file);
    }
  }
  return join(folder, "tones");
}

/** What all files of a folder hold, by their names. */
function contents(folder: string): Record<string, string> {
  return Object.fromEntries(
    namesIn(folder).map((name) => [name, Deno.readFileSync(join(folder, name)).join()]),
  );
}

Deno.test("data speech writes files of 8,044 bytes into two splits, labelled by their folders", () =>
  inTempFolder(async (folder) => {
    const tones = await writeTones(folder);
    await Deno.writeTextFile(join(tones, "README"), "not a recording");
    const out = join(folder, "corpus");
    const { code, stdout, stderr } = await bgpt([
      "data",
      "speech",
      tones,
      "--out",
      out,
      "--eval-share",
      "0.3",
      "--json",
    ]);
    assertEquals([code, messagesIn(stderr)], [0, "1 file passed over, as it is not .wav\n"]);
    const { files, bytes, splits, labels, failures } = JSON.parse(stdout);
    assertEquals({ files, bytes, failures }, { files: 40, bytes: 40 * 8044, failures: [] });
    assertEquals(namesIn(out), ["eval", "train"]);
    const [train, held] = ["train", "eval"].map((split) => namesIn(join(out, split)));
    assertEquals(splits, { train: train!.length, eval: held!.length });
    assertEquals(Object.keys(labels), ["high-pitch", "low"]);
    assertEquals(labels.low.train + labels.low.eval, 20);
    const expected = ["low", "high-pitch"].flatMap((label) =>
      Array.from({ length: 20 }, (_, i) => `${label}_t${i}.wav`)
    );
    assertEquals([...train!, ...held!].sort(), expected.sort());
    assertEquals(Deno.readFileSync(join(out, "train", train![0]!)).length, 8044);
  }));

Deno.test("data speech moves no file when others are added, and writes tars of the same files", () =>
  inTempFolder(async (folder) => {
    const tones = await writeTones(folder);
    const prepare = async (inputs: string, out: string, ...args: string[]) => {
      const { code, stderr } = await bgpt([
        "data",
        "speech",
        inputs,
        "--out",
        join(folder, out),
        "--seed",
        "3",
        ...args,
      ]);
      assertEquals([code, messagesIn(stderr)], [0, ""]);
    };
    await prepare(tones, "all");
    await prepare(join(tones, "low"), "some", "--label", "folder");
    for (const split of ["train", "eval"]) {
      const all = namesIn(join(folder, "all", split)).filter((name) => name.startsWith("low_"));
      assertEquals(namesIn(join(folder, "some", split)), all);
    }
    await prepare(tones, "tars", "--tar");
    assertEquals(namesIn(join(folder, "tars")), ["eval.tar", "train.tar"]);
    await Deno.mkdir(join(folder, "unpacked"));
    const args = ["xf", join(folder, "tars", "eval.tar"), "-C", join(folder, "unpacked")];
    assert((await new Deno.Command("tar", { args }).output()).success);
    assertEquals(contents(join(folder, "unpacked")), contents(join(folder, "all", "eval")));
  }));

Deno.test("data speech names what it cannot read, and the rest goes on", () =>
  inTempFolder(async (folder) => {
    const inputs = join(folder, "inputs");
    await Deno.mkdir(join(inputs, "folder.wav"), { recursive: true });
    const tone = toneFile(440, 8000);
    await Deno.writeFile(join(inputs, "a_good.wav"), tone);
    await Deno.writeFile(join(inputs, "b_short.wav"), tone.subarray(0, 1000));
    await Deno.writeFile(join(inputs, "c_empty.wav"), new Uint8Array());
    await Deno.writeFile(join(inputs, "unlabelled.wav"), tone);
    await Deno.symlink(join(folder, "gone"), join(inputs, "d_gone.wav"));
    await Deno.symlink(join(inputs, "folder.wav"), join(inputs, "e_folder.wav"));
    const out = join(folder, "out");
    const args = [
      "data",
      "speech",
      inputs,
      join(folder, "f_missing.wav"),
      "--label",
      "name",
      "--eval-share",
      "0",
    ];
    const { code, stdout, stderr } = await bgpt([...args, "--out", out]);
    assertEquals(code, 0);
    assertStringIncludes(stdout, `Wrote 1 file of 7.86 KiB in all to ${out}\n`);
    assertEquals(namesIn(out), [".failures.txt", "a_good.wav"]);
    const lines = (await Deno.readTextFile(join(out, ".failures.txt"))).trimEnd().split("\n");
    assertEquals(lines.length, 6);
    const reasons: readonly [string, string][] = [
      ["f_missing.wav", "there is no such file"],
      ["inputs/b_short.wav", 'its chunk "data" has 16000 bytes by its header, but only 956 are there'],
      ["inputs/c_empty.wav", "its 0 bytes do not begin with RIFF"],
      ["inputs/d_gone.wav", "there is no such file"],
      ["inputs/e_folder.wav", "Cannot read"],
      ["inputs/unlabelled.wav", "its name has no label"],
    ];
    for (const [index, [name, reason]] of reasons.entries()) {
      assertStringIncludes(lines[index]!, join(folder, name));
      assertStringIncludes(lines[index]!, reason);
      assertStringIncludes(stderr, `${lines[index]!}\n`);
    }
    assertStringIncludes(stderr, `6 inputs failed, listed in ${join(out, ".failures.txt")}\n`);
  }));

Deno.test("data speech fails only if nothing is left, and tells 20 failures", () =>
  inTempFolder(async (folder) => {
    const inputs = join(folder, "inputs");
    await Deno.mkdir(inputs);
    for (let i = 10; i < 35; i++) await Deno.writeTextFile(join(inputs, `${i}.wav`), "no sound");
    const out = join(folder, "out");
    const { code, stdout, stderr } = await bgpt(["data", "speech", inputs, "--out", out, "--tar"]);
    assertEquals([code, stdout], [1, ""]);
    const list = join(out, ".failures.txt");
    const lines = messagesIn(stderr).trimEnd().split("\n");
    assertEquals(lines.length, 22);
    assertEquals(lines[20], `More inputs fail. All will be listed in ${list}`);
    assertEquals(
      lines[21],
      `error: Cannot prepare a corpus: 25 inputs failed, and there is no other. See ${list}`,
    );
    assertEquals((await Deno.readTextFile(list)).trimEnd().split("\n").length, 25);
    assertEquals(namesIn(out), [".failures.txt"]);
    // The list is no data, so the folder can be taken again.
    await Deno.writeFile(join(inputs, "tone.wav"), toneFile(440, 8000));
    assertEquals((await bgpt(["data", "speech", inputs, "--out", out, "--json"])).code, 0);
  }));

Deno.test("data speech names the second of two files that make one name", () =>
  inTempFolder(async (folder) => {
    for (const name of ["a", "b"]) {
      await Deno.mkdir(join(folder, name));
      await Deno.writeFile(join(folder, name, "same.wav"), toneFile(440, 8000));
    }
    const out = join(folder, "out");
    const { code, stdout } = await bgpt([
      "data",
      "speech",
      folder,
      "--out",
      out,
      "--label",
      "none",
      "--json",
    ]);
    const { files, failures } = JSON.parse(stdout);
    assertEquals([code, files, failures.length, failures[0].name], [0, 1, 1, join(folder, "b", "same.wav")]);
    assertStringIncludes(failures[0].reason, 'it makes "same.wav", which another input made already');
  }));

Deno.test("data speech leaves a folder that holds something as it is", () =>
  inTempFolder(async (folder) => {
    await Deno.writeFile(join(folder, "tone.wav"), toneFile(440, 8000));
    const { code, stdout, stderr } = await bgpt(["data", "speech", folder, "--out", folder]);
    assertEquals([code, stdout], [1, ""]);
    assertEquals(
      messagesIn(stderr),
      `error: Cannot write a corpus to "${folder}": it holds "tone.wav". Name a new or an empty folder\n`,
    );
    assertEquals(namesIn(folder), ["tone.wav"]);
  }));
