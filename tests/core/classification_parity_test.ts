/** Classification against what the published program computes: logits, loss and gradients of four files. */
import { assertEquals } from "@std/assert";
import {
  type Checkpoint,
  classificationPlan,
  classificationTrainingPlan,
  type Classified,
  classify,
  type Config,
  flatTensors,
  importTorchCheckpoint,
  packStrip,
  parameterTable,
  parseSafetensors,
  presets,
  readTorchCheckpoint,
  type Sample,
  type StoredTensor,
  type Strip,
  tableOf,
} from "@bgpt/core";
import { encodeStep, type Engine } from "@bgpt/kernels";
import { assertClose } from "../kernels/compare.ts";
import { readGzip, readJson, sharedPath, sharedTest } from "../shared.ts";
import { assertPublishedGradients, demandTest } from "./parity.ts";

const path = (...parts: string[]) => sharedPath("fixtures", ...parts)!;

/** What `cls.json` holds of interest. */
interface Expected {
  readonly labels: Record<string, number>;
  readonly files: { readonly name: string; readonly tokens: number[]; readonly label: number }[];
  readonly single: { readonly logits: number[]; readonly loss: number }[];
  readonly batch: { readonly patches: number[][]; readonly logits: number[][]; readonly loss: number };
  readonly grad_of_single_loss_0: Record<string, { readonly l2: number; readonly absmax: number } | null>;
}

async function tensorsOf(name: string): Promise<Map<string, StoredTensor>> {
  return parseSafetensors(await Deno.readFile(path("dev", name))).tensors;
}

/** The classifier of the fixture: the generative model's patch level, and a head of its own. */
async function loadClassifier() {
  const expected = await readJson(path("dev", "cls.json")) as Expected;
  const { model } = importTorchCheckpoint(
    readTorchCheckpoint(await readGzip(path("dev", "weights.pth.gz"))),
    "weights.pth",
  );
  const labels = Object.keys(expected.labels);
  const patchLevel = parseSafetensors(await readGzip(path("dev", "model.safetensors.gz"))).tensors;
  const tensors = new Map([...patchLevel, ...await tensorsOf("classifier.safetensors")]);
  const parameters = flatTensors(parameterTable(model, labels.length), tensors, "", "the fixture");
  const samples = expected.files.map(({ tokens, label }) => ({ tokens: Uint16Array.from(tokens), label }));
  return { expected, checkpoint: { model, labels, parameters } satisfies Checkpoint, samples };
}

const config: Config = { ...presets.tiny, dropout: 0 };

/** Logits and mean loss of the samples in one strip, with patches to spare. */
async function classifiedStrip(engine: Engine, checkpoint: Checkpoint, samples: readonly Sample[]) {
  const { model, labels, parameters } = checkpoint;
  const strip = stripOf(samples);
  const plan = classificationPlan(model, patchCapacity, labels!.length);
  const execution = await engine.prepare(plan.plan);
  execution.write(plan.model.parameters, parameters);
  execution.write(plan.model.step, encodeStep({}));
  assertEquals(plan.write(execution, strip), samples.length);
  execution.run("clear", "forward");
  const logits = await execution.readFloats(plan.logits);
  const sums = await execution.readFloats(plan.lossSums);
  execution.destroy();
  const used = logits.subarray(0, samples.length * labels!.length);
  return { logits: [...used], lossNats: sums[0]! / sums[1]!, correct: sums[2]! };
}

/** Patches of a strip: the padded batch, and three more. One size, as software Vulkan compiles each anew. */
const patchCapacity = 51;

function stripOf(samples: readonly Sample[]): Strip {
  return packStrip(samples, patchCapacity, 16);
}

/** All gradients of the mean loss of the samples. */
async function gradientsOf(engine: Engine, { model, labels, parameters }: Checkpoint, samples: Sample[]) {
  const strip = stripOf(samples);
  const training = classificationTrainingPlan(
    { ...config, ...model },
    strip.fileStart.length,
    labels!.length,
  );
  const execution = await engine.prepare(training.plan);
  execution.write(training.model.parameters, parameters);
  const lossWeight = training.write(execution, strip);
  execution.write(training.model.step, encodeStep({ lossScale: 1 / lossWeight }));
  execution.run("clear", "forward", "backward");
  const flat = await execution.readFloats(training.gradients);
  execution.destroy();
  return { table: training.model.table, flat };
}

demandTest(
  "logits and loss are the published ones, each file alone and all four in one strip",
  async (engine, { relative }) => {
    const { expected, checkpoint, samples } = await loadClassifier();
    const tolerance = { absolute: relative, relative: 0 };
    const logits = expected.single.flatMap((single) => single.logits);
    for (const [index, sample] of samples.entries()) {
      const alone = await classifiedStrip(engine, checkpoint, [sample]);
      const { logits, loss } = expected.single[index]!;
      assertClose(alone.logits, logits, tolerance, `logits of file ${index} alone`);
      assertClose([alone.lossNats], [loss], tolerance, `loss of file ${index} alone`);
    }
    const packed = await classifiedStrip(engine, checkpoint, samples);
    assertClose(packed.logits, logits, tolerance, "logits of the strip");
    const losses = expected.single.map(({ loss }) => loss);
    const mean = losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
    assertClose([packed.lossNats], [mean], tolerance, "loss of the strip");
    // Only the last file's largest logit is that of its own class.
    assertEquals(packed.correct, 1);
  },
);

demandTest(
  "the gradients of the published batch, whose padding counts as patches of the files, are the published ones",
  async (engine, demand) => {
    const { expected: { batch }, checkpoint, samples } = await loadClassifier();
    const padded = batch.patches.map((tokens, index) => ({
      tokens: Uint16Array.from(tokens),
      label: samples[index]!.label,
    }));
    const { logits, lossNats } = await classifiedStrip(engine, checkpoint, padded);
    assertClose(logits, batch.logits.flat(), { absolute: demand.relative, relative: 0 }, "logits");
    assertClose([lossNats], [batch.loss], { absolute: demand.relative, relative: 0 }, "loss");

    const { table, flat } = await gradientsOf(engine, checkpoint, padded);
    const tensors = await tensorsOf("expected_cls.safetensors");
    assertPublishedGradients(table, flat, {
      expectedNames: [...tensors.keys()],
      expected(name) {
        const { dtype, data } = tensors.get(name)!;
        const Values = dtype === "F32" ? Float32Array : Int32Array;
        return { values: Float32Array.from(new Values(data.slice().buffer)) };
      },
    }, demand);
  },
);

demandTest(
  "the gradients of one file have the published norms",
  async (engine, { relative, noise }) => {
    const { expected, checkpoint, samples } = await loadClassifier();
    const { table, flat } = await gradientsOf(engine, checkpoint, [samples[0]!]);
    for (const { name, offset, length } of table.parameters) {
      const gradient = flat.subarray(offset, offset + length);
      const l2 = Math.sqrt(gradient.reduce((sum, value) => sum + value ** 2, 0));
      const largest = gradient.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      const stated = expected.grad_of_single_loss_0[name];
      const [norm, absmax] = stated ? [stated.l2, stated.absmax] : [0, 0];
      assertClose([l2], [norm], { absolute: noise, relative }, `norm of ${name}`);
      assertClose([largest], [absmax], { absolute: noise, relative }, `largest of ${name}`);
    }
  },
);

/** What `classify` says of the samples, in strips of so many patches. */
async function classified(engine: Engine, checkpoint: Checkpoint, samples: Sample[], capacity: number) {
  const named = (async function* () {
    for (const [index, sample] of samples.entries()) {
      yield await Promise.resolve({ name: `file ${index}`, ...sample });
    }
  })();
  const all: Classified[] = [];
  for await (const file of classify(engine, checkpoint, named, capacity)) all.push(file);
  return all;
}

demandTest(
  "classify gives every file its probabilities, in strips of any size",
  async (engine, { relative }) => {
    const { expected, checkpoint, samples } = await loadClassifier();
    for (const patchCapacity of [12, 100]) {
      const files = await classified(engine, checkpoint, samples, patchCapacity);
      assertEquals(files.map(({ name }) => name), samples.map((_, index) => `file ${index}`));
      const losses = files.map(({ probabilities, label }) => -Math.log(probabilities[label!]!));
      const tolerance = { absolute: relative, relative: 0 };
      assertClose(losses, expected.single.map(({ loss }) => loss), tolerance, "losses");
    }
  },
);

sharedTest("a published classifier is imported with its weights, its moments and its labels", async () => {
  const torch = readTorchCheckpoint(await Deno.readFile(path("checkpoints", "weights-cls.pth")));
  const checkpoint = importTorchCheckpoint(torch, "weights-cls.pth");
  const { cls } = await readJson(path("checkpoints", "info.json")) as { cls: { labels: object } };
  const numbers = Object.fromEntries(checkpoint.labels!.map((label, id) => [label, id]));
  assertEquals(numbers, { ...cls.labels });
  assertEquals(checkpoint.model, {
    patchSize: 8,
    patchLength: 16,
    hidden: 64,
    patchLayers: 1,
    byteLayers: 1,
  });
  const stored = parseSafetensors(
    await Deno.readFile(path("checkpoints", "weights-cls.model.safetensors")),
  );
  const table = tableOf(checkpoint);
  assertEquals(checkpoint.parameters, flatTensors(table, stored.tensors, "", "the safetensors file"));
  assertEquals(checkpoint.optimizer!.step, 24);
  // Every moment but those of the patch decoder's own table, which has no gradient.
  for (const { offset, length, trained } of table.parameters) {
    const moved = checkpoint.optimizer!.moment1.subarray(offset, offset + length).some((value) =>
      value !== 0
    );
    assertEquals(moved, trained);
  }
});
