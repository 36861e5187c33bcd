import { assert, assertEquals, assertMatch, assertNotEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { type Checkpoint, modelConfig, presets } from "@bgpt/core";
import { loadCheckpoint } from "@bgpt/core/files";
import { modelCard } from "../../../cli/model_card.ts";
import { bgpt } from "../bgpt.ts";
import { writeCheckpoint } from "../checkpoints.ts";
import { assertRefused } from "../refused.ts";
import { inTempFolder, namesIn, writeFiles } from "../temp_folder.ts";

const sizes = "--patch-size 4 --patch-length 8 --hidden 64 --patch-layers 1 --byte-layers 1 --batch 1".split(
  " ",
);

Deno.test("export writes the weights without the optimizer, and a card with sizes, training and figures", () =>
  inTempFolder(async (folder) => {
    const data = await writeFiles(join(folder, "data"), [9, 30, 5]);
    const [run, out] = [join(folder, "run"), join(folder, "my-model")];
    const train = ["train", "--data", data, "--out", run, "--device", "cpu", "--threads", "1", ...sizes];
    assertEquals((await bgpt([...train, "--steps", "4", "--eval-share", "0.3"])).code, 0);
    const measured = await bgpt(["eval", "--checkpoint", run, "--data", data, "--device", "cpu", "--json"]);
    const record = join(folder, "eval.json");
    Deno.writeTextFileSync(record, measured.stdout);

    const { code, stderr } = await bgpt([
      "export",
      run,
      "--out",
      out,
      "--evaluation",
      record,
      "--license",
      "mit",
    ]);
    assertEquals(code, 0, stderr);
    assertEquals(namesIn(out), ["README.md", "config.json", "model.safetensors"]);
    const [exported, original] = [await loadCheckpoint(out), await loadCheckpoint(run)];
    assertEquals(exported.checkpoint.parameters, original.checkpoint.parameters);
    assertEquals([exported.checkpoint.optimizer, exported.checkpoint.run], [undefined, undefined]);
    assertNotEquals(original.checkpoint.optimizer, undefined);

    const card = Deno.readTextFileSync(join(out, "README.md"));
    assertMatch(
      card,
      /^---\nlicense: mit\nlibrary_name: bgpt\ntags: \[bgpt, byte-model, generation\]\n---\n\n# my-model\n/,
    );
    assertStringIncludes(card, "| hidden | 64 | channels, a multiple of 64 |");
    assertStringIncludes(card, "4 steps on 2 samples");
    assertStringIncludes(
      card,
      `| bits per byte, as published | ${JSON.parse(measured.stdout).bpb.toFixed(4)} |`,
    );
    assertMatch(card, /Best held-out loss while training: \d\.\d{4} nats .* at step 4\./);
  }));

Deno.test("the card of a model of another architecture than the published one says so, and how it differs", () => {
  const model = { ...modelConfig(presets.tiny), byteWindow: 32, positions: "rotary" as const };
  const departs = "The architecture is not the published one: `byteWindow` and `positions` below say how";
  const card = (checkpoint: Pick<Checkpoint, "model" | "labels">) =>
    modelCard({ title: "a", checkpoint: { ...checkpoint, parameters: new Float32Array(0) } });
  assertStringIncludes(card({ model }), departs);
  assertStringIncludes(card({ model }), "| byteWindow | 32 |");
  assert(!card({ model: modelConfig(presets.tiny) }).includes("The architecture is not"));
  // A classifier has no byte level.
  assert(!/byteWindow|byteLayers/.test(card({ model, labels: ["a", "b"] })));
});

Deno.test("the card of a model that converts tells how to convert, and the figures of each direction", () => {
  const loss = { lossNats: 0.25, bpb: 0.5, bpbBytes: 0.75 };
  const figures = { pairs: 4000, tooLong: 0, target: loss, pair: loss, baselines: { order3: 2.5 } };
  const music = { outputs: 9, f1: 0.875 };
  const directions = {
    "abc->mid": { ...figures, conversion: { outputs: 9, ended: 8, exact: 7, music } },
    "mid->abc": figures,
  };
  const weights = { model: modelConfig(presets.tiny), parameters: new Float32Array(0) };
  const card = modelCard({ title: "a", checkpoint: weights, evaluation: { directions } });
  for (
    const text of [
      "tags: [bgpt, byte-model, conversion]\n",
      ": it converts .abc files into .mid and back.\n",
      "```sh\nbgpt convert --checkpoint DIR --to mid FILES\nbgpt convert --checkpoint DIR --to abc FILES\n",
      "| figure | `abc->mid` | `mid->abc` |\n",
      "| pairs | 4,000 | 4,000 |\n",
      "| target: bits per real byte | 0.7500 | 0.7500 |\n",
      "| an order-3 byte model, target: bits per byte | 2.5000 | 2.5000 |\n",
      "| outputs with every byte right | 7 | - |\n",
      "| notes: F1 | 0.8750 | - |\n",
    ]
  ) assertStringIncludes(card, text);
  assert(!/Not measured|bgpt generate/.test(card), card);

  const run = { step: 1, position: { epoch: 0, index: 0 }, patchCapacity: 1, sampleCount: 1 };
  const trained = { ...weights, run: { ...run, sampleKind: { pairs: "abc->mid", loss: "pair" } } };
  const oneWay = modelCard({ title: "a", checkpoint: trained });
  assertStringIncludes(oneWay, "\nbgpt eval --checkpoint DIR --data FILES --pairs 'abc->mid'\n");
  assert(!oneWay.includes("--to abc"), oneWay);
});

Deno.test("the card of weights that nothing is known of says so", () =>
  inTempFolder(async (folder) => {
    await writeCheckpoint(join(folder, "weights"));
    const out = join(folder, "out");
    assertEquals(
      (await bgpt(["export", join(folder, "weights"), "--out", out, "--title", "Old weights"])).code,
      0,
    );
    const card = Deno.readTextFileSync(join(out, "README.md"));
    for (const text of ["# Old weights\n", "Not known: the checkpoint was imported.", "Not measured."]) {
      assertStringIncludes(card, text);
    }
    assertEquals(card.includes("license:"), false);
  }));

Deno.test("export loses no other folder, and refuses a record that is none", () =>
  inTempFolder(async (folder) => {
    await writeCheckpoint(join(folder, "weights"));
    const full = await writeFiles(join(folder, "full"), [3]);
    const weights = join(folder, "weights");
    await assertRefused({
      args: ["export", weights, "--out", full],
      code: 1,
      message: `Cannot export to "${full}": it holds "f0.bin". Name a new or an empty folder`,
    });
    const record = join(folder, "record.json");
    for (const [text, why] of [["[1]", "it is no object"], ["{", "it is not JSON"]] as const) {
      Deno.writeTextFileSync(record, text);
      await assertRefused({
        args: ["export", weights, "--out", join(folder, "out"), "--evaluation", record],
        code: 1,
        message: `Cannot use evaluation "${record}": ${why}. Give a file that bgpt eval --json wrote`,
      });
    }
  }));
