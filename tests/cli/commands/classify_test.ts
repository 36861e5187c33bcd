import { assert, assertAlmostEquals, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { loadCheckpoint } from "@bgpt/core/files";
import { basename, join } from "@std/path";
import { readJson, sharedTest } from "../../shared.ts";
import { bgpt } from "../bgpt.ts";
import { writeCheckpoint } from "../checkpoints.ts";
import { assertRefused, type Refusal } from "../refused.ts";
import { inTempFolder, namesIn, writeFiles } from "../temp_folder.ts";

const device = ["--device", "reference"];
const sizes = "--patch-size 4 --patch-length 8 --hidden 64 --patch-layers 1 --byte-layers 1 --batch 2";
const training = [...device, ...sizes.split(" "), "--learning-rate", "1e-2", "--warmup", "2"];

/** Four files each of two classes that a letter tells apart. */
function writeCorpus(folder: string): string {
  const data = join(folder, "data");
  Deno.mkdirSync(data);
  for (let i = 0; i < 4; i++) {
    Deno.writeTextFileSync(join(data, `cat_${i}.txt`), "m".repeat(5 + 3 * i));
    Deno.writeTextFileSync(join(data, `dog_${i}.txt`), "b".repeat(5 + 3 * i));
  }
  return data;
}

async function run(...args: string[]) {
  const outcome = await bgpt(args);
  assertEquals(outcome.code, 0, outcome.stderr);
  return outcome;
}

/** The bytes of weights and moments, short enough to be shown. */
async function digests(run: string, step: number): Promise<string[]> {
  const folder = join(run, "checkpoints", `step-${String(step).padStart(8, "0")}`);
  const names = ["model.safetensors", "optimizer.safetensors"];
  return await Promise.all(names.map(async (name) => {
    const bytes = Deno.readFileSync(join(folder, name));
    return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
  }));
}

Deno.test("a classifier learns a small corpus, and eval, classify and info tell what it knows", () =>
  inTempFolder(async (folder) => {
    const data = writeCorpus(folder);
    Deno.writeTextFileSync(join(data, "stray.txt"), "x");
    const out = join(folder, "run");
    const trained = await run(
      ...["train", "--task", "classification", "--data", data, "--out", out, ...training],
      ...["--steps", "25", "--eval-every", "10", "--eval-share", "0.25", "--json"],
    );
    assertStringIncludes(
      trained.stderr,
      `1 file left out without a label ("dog_1.wav"): ${data}/stray.txt\n`,
    );
    const record = JSON.parse(trained.stdout);
    assertEquals([record.trainingAccuracy, record.accuracy, record.best.accuracy], [1, 1, 1]);
    assertEquals(["bpb" in record, "trainingBpb" in record], [false, false]);
    const metrics = Deno.readTextFileSync(join(out, "metrics.jsonl")).trimEnd().split("\n");
    const kinds = new Set(metrics.map((line) => Object.keys(JSON.parse(line)).slice(0, 4).join()));
    assertEquals([...kinds], ["step,kind,lossNats,accuracy"]);
    const report = Deno.readTextFileSync(join(out, "report.html"));
    for (const title of ["Accuracy", "Loss", "Confusion matrix", "Calibration"]) {
      assertStringIncludes(report, `<h2>${title}</h2>`);
    }
    assertMatch(report, /After 25 steps the model finds the class of 100.00 % of held-out files\./);

    const evaluated = await run("eval", "--checkpoint", out, "--data", data, ...device, "--json");
    const score = JSON.parse(evaluated.stdout);
    assertEquals([score.files, score.accuracy, score.macroF1], [8, 1, 1]);
    assertEquals(score.confusion, [[4, 0], [0, 4]]);
    assertEquals(score.majority, { label: "cat.txt", accuracy: 0.5 });
    const table = await run("eval", "--checkpoint", out, "--data", data, ...device);
    assertStringIncludes(table.stdout, "8 files of 2 classes\n\naccuracy            100.00 %\n");

    const { stdout } = await run("classify", "--checkpoint", out, data, ...device);
    const lines = stdout.trimEnd().split("\n").map((line) => line.split("  "));
    assertEquals(lines.length, 9);
    for (const [label, probability, path] of lines) {
      assert(Number(probability) > 0.5 && Number(probability) <= 1, probability);
      const [, own] = basename(path!).match(/^(\w+)_/) ?? [];
      if (own !== undefined) assertEquals(label, `${own}.txt`);
    }
    const info = await run("info", out);
    assertStringIncludes(info.stdout, "\nclasses           cat.txt, dog.txt\n");
  }));

Deno.test({
  name:
    "classify names what it cannot read and goes on, cuts what is too long, and gives all probabilities as JSON",
  ignore: Deno.build.os !== "linux", // Its /proc has files that nobody can read.
  fn: () =>
    inTempFolder(async (folder) => {
      const data = writeCorpus(folder);
      const out = join(folder, "run");
      await run(
        "train",
        "--task",
        "classification",
        "--data",
        data,
        "--out",
        out,
        ...training,
        "--steps",
        "1",
      );
      Deno.writeTextFileSync(join(data, "long.txt"), "m".repeat(100));
      const files = [data, "/proc/self/mem", "/proc/self/status"];
      const { stdout, stderr } = await run("classify", "--checkpoint", out, ...files, "--json", ...device);
      assertStringIncludes(stderr, 'Cannot read "/proc/self/mem": ');
      assertStringIncludes(stderr, 'Cannot use "/proc/self/status": it had 0 bytes when it was found');
      assertStringIncludes(stderr, "1 of 11 files is longer than 8 patches, cut at the head\n");
      const records = stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
      assertEquals(records.map(({ file }) => basename(file)), namesIn(data));
      for (const { label, probability, probabilities } of records) {
        assertEquals(Object.keys(probabilities), ["cat.txt", "dog.txt"]);
        assertAlmostEquals(probabilities["cat.txt"] + probabilities["dog.txt"], 1, 1e-12);
        assertEquals(probability, Math.max(...Object.values<number>(probabilities)));
        assertEquals(probabilities[label], probability);
      }
      const none = await bgpt(["classify", "--checkpoint", out, "/proc/self/mem", ...device]);
      assertEquals([none.code, none.stdout], [1, ""]);
      assertStringIncludes(none.stderr, "error: Cannot classify: none of 1 file can be read\n");
    }),
});

Deno.test("a classifier starts from a generative checkpoint, and one that was stopped goes on bit for bit", () =>
  inTempFolder(async (folder) => {
    const data = writeCorpus(folder);
    const [base, whole, stopped] = ["base", "whole", "stopped"].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    await run("train", "--data", data, "--out", base, ...training, "--steps", "2");
    const classification = ["train", "--task", "classification", "--data", data, ...device];
    const begin = [
      ...classification,
      "--init",
      base,
      "--dropout",
      "0.1",
      "--batch",
      "2",
      "--warmup",
      "2",
    ];
    await run(...begin, "--out", whole, "--steps", "8", "--schedule", "constant");
    await run(...begin, "--out", stopped, "--steps", "5", "--schedule", "constant");
    await run(...classification, "--out", stopped, "--resume", "--steps", "8");
    assertEquals(await digests(stopped, 8), await digests(whole, 8));

    await run(...begin, "--out", join(folder, "one"), "--steps", "1", "--learning-rate", "0");
    const [{ checkpoint: before }, { checkpoint: after }] = [
      await loadCheckpoint(base),
      await loadCheckpoint(join(folder, "one")),
    ];
    assertEquals(after.labels, ["cat.txt", "dog.txt"]);
    // The embedding stands first in both tables: 64 channels of 4 · 257 columns.
    const embedding = 64 * 4 * 257;
    assertEquals(after.parameters.subarray(0, embedding), before.parameters.subarray(0, embedding));

    const renamed = join(folder, "renamed");
    Deno.mkdirSync(renamed);
    for (const name of namesIn(data)) {
      Deno.copyFileSync(join(data, name), join(renamed, name.replace("dog_0", "owl_0")));
    }
    const refusals: Refusal[] = [
      {
        args: [
          "train",
          "--task",
          "classification",
          "--data",
          renamed,
          "--out",
          stopped,
          "--resume",
          ...device,
        ],
        code: 1,
        message: `Cannot use "${
          join(renamed, "owl_0.txt")
        }": its class "owl.txt" is none of the 2 that are known`,
      },
      {
        args: ["train", "--data", data, "--out", stopped, "--resume", ...device],
        code: 2,
        message:
          "Cannot resume with --task generation: the run learns to classify. Add --task classification",
      },
      {
        args: [...classification, "--out", base, "--resume"],
        code: 2,
        message: "Cannot resume with --task classification: the run learns to generate",
      },
    ];
    for (const refusal of refusals) await assertRefused(refusal);
  }));

Deno.test("a checkpoint of the wrong kind, and files of no or of unknown classes, are refused with one line", () =>
  inTempFolder(async (folder) => {
    const data = writeCorpus(folder);
    const [classifier, generator, out] = ["classifier", "generator", "out"].map((name) =>
      join(folder, name)
    ) as [
      string,
      string,
      string,
    ];
    await run(
      "train",
      "--task",
      "classification",
      "--data",
      data,
      "--out",
      classifier,
      ...training,
      "--steps",
      "1",
    );
    await writeCheckpoint(generator);
    const unlabelled = await writeFiles(join(folder, "unlabelled"), [3, 4]);
    Deno.writeTextFileSync(join(data, "yak_1.txt"), "y");
    const program = join(folder, "halt.asm");
    Deno.writeTextFileSync(program, "HLT");
    const predictsNoBytes = `with "${classifier}": it classifies files into 2 classes and predicts no bytes`;
    const cat = join(data, "cat_0.txt");
    const refusals: Refusal[] = [
      {
        args: ["classify", "--checkpoint", generator, cat, ...device],
        code: 1,
        message: `Cannot classify with "${generator}": it predicts bytes and knows no classes`,
      },
      {
        args: ["generate", "--checkpoint", classifier, "--extension", "txt", ...device],
        code: 1,
        message: `Cannot generate ${predictsNoBytes}`,
      },
      {
        args: ["run", program, "--checkpoint", classifier, ...device],
        code: 1,
        message: `Cannot run a program ${predictsNoBytes}`,
      },
      {
        args: ["eval", "--checkpoint", classifier, "--data", data, ...device],
        code: 1,
        message: `Cannot use "${
          join(data, "yak_1.txt")
        }": its class "yak.txt" is none of the 2 that are known`,
      },
      {
        args: ["train", "--task", "classification", "--data", unlabelled, "--out", out, ...training],
        code: 1,
        message: `Cannot tell the class of ${join(unlabelled, "f0.bin")}, ${
          join(unlabelled, "f1.bin")
        }: names must`,
      },
    ];
    for (const refusal of refusals) await assertRefused(refusal);
    assertEquals(namesIn(folder).includes("out"), false);
  }));

/** What the formulas of GPT-2, written in numpy, make of the fixture's files with the weights of `weights-cls.pth`. */
const publishedProbabilities: Record<string, readonly number[]> = {
  "Cat_1.txt": [0.261947, 0.355303, 0.251190, 0.131559],
  "Dog_1.bmp": [0.209850, 0.203037, 0.223083, 0.364031],
  "Sun_1.wav": [0.296130, 0.373709, 0.213059, 0.117102],
  "Cat_2.bmp": [0.208922, 0.197668, 0.230376, 0.363034],
};

sharedTest(
  "a published classifier is imported, classifies, and is scored",
  (fixtures) =>
    inTempFolder(async (folder) => {
      const imported = join(folder, "cls");
      await run("import", `${fixtures}/checkpoints/weights-cls.pth`, "--out", imported);
      const data = join(folder, "data");
      Deno.mkdirSync(data);
      const { files } = await readJson(`${fixtures}/dev/cls.json`) as {
        files: { name: string; bytes: number[] }[];
      };
      for (const { name, bytes } of files) Deno.writeFileSync(join(data, name), Uint8Array.from(bytes));
      const { stdout } = await run("classify", "--checkpoint", imported, data, "--json", ...device);
      const records = stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
      const labels = ["Sun.wav", "Dog.txt", "Cat.txt", "Cat.bin"];
      assertEquals(records.map(({ probabilities }) => Object.keys(probabilities)), files.map(() => labels));
      for (const { file, probabilities } of records) {
        const expected = publishedProbabilities[basename(file)]!;
        for (const [k, label] of labels.entries()) {
          assertAlmostEquals(probabilities[label], expected[k]!, 2e-6);
        }
      }

      const known = ["Cat_1.txt", "Sun_1.wav"];
      const paths = known.map((name) => join(data, name));
      const evaluated = await run("eval", "--checkpoint", imported, "--data", ...paths, "--json", ...device);
      const score = JSON.parse(evaluated.stdout);
      const [cat, sun] = [publishedProbabilities["Cat_1.txt"]![2]!, publishedProbabilities["Sun_1.wav"]![0]!];
      assertAlmostEquals(score.lossNats, -(Math.log(cat) + Math.log(sun)) / 2, 1e-5);
      assertEquals([score.files, score.accuracy, score.confusion[2]], [2, 0, [0, 1, 0, 0]]);
    }),
);
