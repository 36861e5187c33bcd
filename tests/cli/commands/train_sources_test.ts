import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { bgpt } from "../bgpt.ts";
import { assertRefused } from "../refused.ts";
import { inTempFolder, writeFiles } from "../temp_folder.ts";

const sizes = "--patch-size 4 --patch-length 8 --hidden 64 --patch-layers 1 --byte-layers 1 --batch 1".split(
  " ",
);
const tiny = [
  "--device",
  "cpu",
  "--threads",
  "1",
  ...sizes,
  "--steps",
  "6",
  "--eval-every",
  "3",
  "--eval-share",
  "0.3",
];

async function trained(...args: string[]): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await bgpt(["train", ...args, "--json"]);
  assertEquals(code, 0, stderr);
  return JSON.parse(stdout);
}

Deno.test("train on two sources with weights reports each of them, in the result, the metrics and the report", () =>
  inTempFolder(async (folder) => {
    const [a, b] = [
      await writeFiles(join(folder, "a"), [9, 12, 5]),
      await writeFiles(join(folder, "b"), [20, 4]),
    ];
    const out = join(folder, "run");
    const { sources } = await trained("--data", a, `${b}=0.5`, "--out", out, ...tiny) as {
      sources: Record<string, { bpb: number }>;
    };
    assertEquals(Object.keys(sources), [a, b]);
    const metrics = Deno.readTextFileSync(join(out, "metrics.jsonl")).trimEnd().split("\n").map((line) =>
      JSON.parse(line)
    );
    const bySource = metrics.filter(({ kind }) => kind === "source");
    assertEquals(bySource.map(({ step, source }) => [step, source]), [[3, a], [3, b], [6, a], [6, b]]);
    assertEquals(bySource.at(-1).bpb, sources[b]!.bpb);
    const report = Deno.readTextFileSync(join(out, "report.html"));
    for (const name of [a, b]) assertStringIncludes(report, name);

    const measured = await bgpt(["eval", "--checkpoint", out, "--data", a, b, "--device", "cpu", "--json"]);
    const record = JSON.parse(measured.stdout);
    assertEquals([record.files, record.sources[a].files, record.sources[b].files], [5, 3, 2]);
    const nats = [a, b].map((name) => record.sources[name].lossNats);
    assert(Math.min(...nats) <= record.lossNats && record.lossNats <= Math.max(...nats));
  }));

Deno.test("train --init starts from a checkpoint's weights and sizes, with another patch length if asked", () =>
  inTempFolder(async (folder) => {
    const data = await writeFiles(join(folder, "data"), [9, 12, 5]);
    const first = join(folder, "first");
    await trained("--data", data, "--out", first, ...tiny);
    const evaluate = async (checkpoint: string) => {
      const { stdout } = await bgpt([
        "eval",
        "--checkpoint",
        checkpoint,
        "--data",
        data,
        "--device",
        "cpu",
        "--json",
      ]);
      return JSON.parse(stdout).lossNats as number;
    };
    // One step at a rate of 0 changes nothing: the weights are the first run's.
    const still = [
      "--device",
      "cpu",
      "--threads",
      "1",
      "--batch",
      "1",
      "--steps",
      "1",
      "--learning-rate",
      "0",
    ];
    const second = join(folder, "second");
    await trained("--data", data, "--out", second, "--init", first, ...still);
    assertEquals(await evaluate(second), await evaluate(first));
    const longer = join(folder, "longer");
    await trained("--data", data, "--out", longer, "--init", first, "--patch-length", "20", ...still);
    assertEquals(await evaluate(longer), await evaluate(first));
    const { stdout } = await bgpt(["info", longer]);
    assertMatch(stdout, /^patchLength +20$/m);

    const wider = join(folder, "wider");
    const window = ["--byte-window", "17", "--byte-convolution", "3"];
    const grown = await bgpt(["train", "--data", data, "--out", wider, "--init", first, ...window, ...still]);
    assertMatch(
      grown.stderr,
      /^New, as the checkpoint does not have it: byte_level_decoder\.\S+ and 3 more$/m,
    );
    const back = ["--byte-window", "17", "--byte-convolution", "0"];
    const shrunk = await bgpt([
      "train",
      "--data",
      data,
      "--out",
      `${wider}2`,
      "--init",
      wider,
      ...back,
      ...still,
    ]);
    assertMatch(
      shrunk.stderr,
      /^Left behind, as the model does not have it: byte_level_decoder\.\S+ and 2 more$/m,
    );
  }));

Deno.test("train refuses weights of other sizes, a weight of 0 and a source that is not there", () =>
  inTempFolder(async (folder) => {
    const data = await writeFiles(join(folder, "data"), [9, 12, 5]);
    const first = join(folder, "first");
    await trained("--data", data, "--out", first, ...tiny);
    const train = ["train", "--out", join(folder, "out"), ...tiny];
    await assertRefused({
      args: [...train, "--data", data, "--init", first, "--hidden", "128"],
      code: 1,
      message:
        "Cannot start from this checkpoint: its patch_level_decoder.patch_embedding.weight is [64,1028], " +
        "the model needs [128,1028]",
    });
    await assertRefused({
      args: [...train, "--data", `${data}=0`],
      code: 1,
      message: `Cannot mix "${data}" with weight 0: it must be a positive number`,
    });
    await assertRefused({
      args: [...train, "--data", data, `${folder}/nowhere=2`],
      code: 1,
      message: `Cannot read "${folder}/nowhere": there is no such file or folder`,
    });
  }));

Deno.test("train says which source has fewer samples than --limit, and is silent where it has as many", () =>
  inTempFolder(async (folder) => {
    const [a, b] = [
      await writeFiles(join(folder, "a"), [9, 12]),
      await writeFiles(join(folder, "b"), [20, 4, 7]),
    ];
    const train = ["train", "--data", a, b, "--eval-data", b, "--limit", "3", "--out", join(folder, "run")];
    const { code, stderr } = await bgpt([...train, ...tiny, "--json"]);
    assertEquals(code, 0, stderr);
    const notes = stderr.split("\n").filter((line) => line.includes("--limit"));
    assertEquals(notes, [`${a} has 2 samples to train on, not the 3 of --limit: all are taken`]);
  }));
