import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertGreater,
  assertRejects,
  assertThrows,
} from "@std/assert";
import {
  type Checkpoint,
  copyParameter,
  decodeCheckpoint,
  encodeCheckpoint,
  encodeSafetensors,
  float32Of,
  importTorchCheckpoint,
  meanLossNats,
  packStrip,
  parameterTable,
  parseSafetensors,
  presets,
  publishedRecipe,
  readTorchCheckpoint,
  tiedHeadName,
  Trainer,
  trainingPlan,
} from "@bgpt/core";
import { ReferenceEngine } from "@bgpt/kernels";
import { readJson, sharedTest } from "../shared.ts";
import { bytesOf, smallCheckpoint, smallConfig } from "./small_checkpoint.ts";

function decode(files: ReadonlyMap<string, Uint8Array>): Promise<Checkpoint> {
  return decodeCheckpoint((name) => Promise.resolve(files.get(name)), "runs/a");
}

const encoded = bytesOf(encodeCheckpoint(smallCheckpoint()));
const text = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const jsonOf = (name: string) => JSON.parse(new TextDecoder().decode(encoded.get(name)));

Deno.test("a checkpoint comes back bit for bit, optimizer and run included", async () => {
  assertEquals(await decode(encoded), smallCheckpoint());
});

Deno.test("a checkpoint may be weights alone, or weights and an optimizer, with a loss scale or without", async () => {
  const { model, parameters, optimizer } = smallCheckpoint();
  const scaled = { ...optimizer, lossScaling: { scale: 2 ** 24, goodSteps: 1999 } };
  for (
    const checkpoint of [
      { model, parameters },
      { model, parameters, optimizer },
      { model, parameters, optimizer: scaled },
    ]
  ) {
    assertEquals(await decode(bytesOf(encodeCheckpoint(checkpoint))), checkpoint);
  }
});

Deno.test("the weights stand in model.safetensors as published, under both names of the tied matrix", () => {
  const { parameters } = smallCheckpoint();
  const { tensors } = parseSafetensors(encoded.get("model.safetensors")!);
  const table = parameterTable(smallConfig);
  assertEquals(tensors.size, table.parameters.length + 1);
  for (const parameter of table.parameters) {
    const { name, shape, offset, length } = parameter;
    assertEquals(tensors.get(name)!.shape, shape);
    const published = new Float32Array(length);
    copyParameter(parameter, parameters.subarray(offset, offset + length), published, "toPublished");
    assertEquals(float32Of(tensors.get(name)!).join(), published.join(), name);
  }
  const tied = tensors.get("byte_level_decoder.base.transformer.wte.weight")!;
  assertEquals(tensors.get(tiedHeadName)!.data, tied.data);
});

Deno.test("of the weights and moments, only the transposed matrix is copied to be written", () => {
  const checkpoint = smallCheckpoint();
  const { parameters, optimizer: { moment1, moment2 } } = checkpoint;
  const own = new Set<ArrayBufferLike>([parameters, moment1, moment2].map(({ buffer }) => buffer));
  const transposed = parameterTable(smallConfig).parameters.filter((parameter) => parameter.transposed);
  const files = encodeCheckpoint(checkpoint);
  for (const [name, copies] of [["model.safetensors", 1], ["optimizer.safetensors", 2]] as const) {
    const [, ...data] = files[name] as Iterable<Uint8Array>;
    const copied = data.filter(({ buffer }) => !own.has(buffer));
    const lengths = Array(copies).fill(transposed.map(({ length }) => 4 * length)).flat();
    assertEquals(copied.map(({ length }) => length), lengths);
  }
});

/** What stands in a file instead, or nothing where it is missing, and what the error says after the checkpoint. */
const refusals:
  readonly (readonly [what: string, name: string, content: Uint8Array | undefined, error: string])[] = [
    ["without config.json", "config.json", undefined, "config.json is missing"],
    ["without model.safetensors", "model.safetensors", undefined, "model.safetensors is missing"],
    ["without optimizer.safetensors", "optimizer.safetensors", undefined, "optimizer.safetensors is missing"],
    [
      "whose config.json is cut off",
      "config.json",
      encoded.get("config.json")!.slice(0, 40),
      "config.json is not JSON",
    ],
    ["whose config.json is a list", "config.json", text([1]), "config.json is no object"],
    ["of another program", "config.json", text({ model_type: "gpt2" }), "config.json has format nothing"],
    [
      "of a later format",
      "config.json",
      text({ format: 2 }),
      "config.json has format 2, this program reads 1",
    ],
    [
      "without sizes",
      "config.json",
      text({ format: 1 }),
      'Cannot use config.json of "runs/a": a configuration must be an object of fields',
    ],
    [
      "without one of the sizes",
      "config.json",
      text({ format: 1, model: { patchSize: 4 } }),
      'Cannot use config.json of "runs/a": field "patchLength" is missing',
    ],
    [
      "whose hidden is 100",
      "config.json",
      text({ format: 1, model: { ...smallCheckpoint().model, hidden: 100 } }),
      'Cannot use config.json of "runs/a": hidden is 100, it must be a multiple of 64',
    ],
    [
      "whose sizes are not those of its configuration",
      "config.json",
      text({ ...jsonOf("config.json"), config: { ...smallConfig, patchLength: 16 } }),
      'config.json has patchLength 8 in "model" and 16 in "config", which must be the same',
    ],
    [
      "whose configuration has a size that the model has not",
      "config.json",
      text({ ...jsonOf("config.json"), config: { ...smallConfig, byteWindow: 16 } }),
      'config.json has byteWindow nothing in "model" and 16 in "config", which must be the same',
    ],
    [
      "whose configuration has an unknown field",
      "config.json",
      text({ ...jsonOf("config.json"), config: { ...smallConfig, sed: 1 } }),
      'config.json of "runs/a": there is no field "sed", did you mean "seed"?',
    ],
    [
      "whose weights are cut off",
      "model.safetensors",
      encoded.get("model.safetensors")!.slice(0, 200_000),
      "model.safetensors is damaged, tensor ",
    ],
    [
      "whose weights are empty",
      "model.safetensors",
      new Uint8Array(),
      "model.safetensors is damaged, it has 0 bytes",
    ],
    [
      "whose weights are other tensors",
      "model.safetensors",
      encodeSafetensors(new Map([["x", { dtype: "F32", shape: [1], data: new Uint8Array(4) }]])),
      'model.safetensors of "runs/a": tensor "patch_level_decoder.patch_embedding.weight" must be [64,1028], found nothing',
    ],
    [
      "whose weights are of another size",
      "config.json",
      text({ format: 1, model: { ...smallCheckpoint().model, hidden: 128 } }),
      'model.safetensors of "runs/a": tensor "patch_level_decoder.patch_embedding.weight" must be [128,1028], found [64,1028]',
    ],
    [
      "whose optimizer is cut off",
      "optimizer.safetensors",
      encoded.get("optimizer.safetensors")!.slice(0, 100),
      "optimizer.safetensors is damaged, its header",
    ],
    [
      "whose optimizer is missing tensors",
      "optimizer.safetensors",
      encodeSafetensors(new Map(), { step: "7" }),
      'optimizer.safetensors of "runs/a": tensor "exp_avg.patch_level_decoder.patch_embedding.weight"',
    ],
    [
      "whose optimizer has no step",
      "optimizer.safetensors",
      encodeSafetensors(parseSafetensors(encoded.get("optimizer.safetensors")!).tensors),
      "optimizer.safetensors has step nothing, not a number of steps",
    ],
    [
      "whose loss scale is no scale",
      "optimizer.safetensors",
      encodeSafetensors(parseSafetensors(encoded.get("optimizer.safetensors")!).tensors, {
        step: "7",
        lossScale: "0.5",
        goodSteps: "3",
      }),
      "optimizer.safetensors has lossScale 0.5 after 3 good steps, no scale of losses",
    ],
    [
      "whose optimizer is of another step",
      "trainer.json",
      text({ ...jsonOf("trainer.json"), step: 8 }),
      "trainer.json is of step 8, optimizer.safetensors of step 7",
    ],
    [
      "whose trainer.json is cut off",
      "trainer.json",
      encoded.get("trainer.json")!.slice(0, 30),
      "trainer.json is not JSON",
    ],
    ["whose trainer.json is foreign", "trainer.json", text({ epochs: 3 }), "trainer.json has step nothing"],
    [
      "whose position is missing",
      "trainer.json",
      text({ ...jsonOf("trainer.json"), position: { epoch: 1 } }),
      "trainer.json has position.index nothing, not a whole number",
    ],
  ];

for (const [what, name, content, message] of refusals) {
  Deno.test(`a checkpoint ${what} is refused, naming it and the file`, async () => {
    const files = new Map(encoded);
    if (content === undefined) files.delete(name);
    else files.set(name, content);
    const error = await assertRejects(() => decode(files), Error, message);
    assert(error.message.includes('"runs/a"') && !error.message.includes("\n"), error.message);
  });
}

function importFixture(fixtures: string, name: string): Checkpoint {
  const bytes = Deno.readFileSync(`${fixtures}/checkpoints/${name}.pth`);
  return importTorchCheckpoint(readTorchCheckpoint(bytes), `"${name}.pth"`);
}

sharedTest("a published checkpoint with patch size 8 is imported: sizes and every weight", (fixtures) => {
  const { model, parameters } = importFixture(fixtures, "weights-gen");
  assertEquals(model, { patchSize: 8, patchLength: 16, hidden: 64, patchLayers: 1, byteLayers: 1 });
  const path = `${fixtures}/checkpoints/weights-gen.model.safetensors`;
  const { tensors } = parseSafetensors(Deno.readFileSync(path));
  for (const parameter of parameterTable(model).parameters) {
    const { name, offset, length } = parameter;
    const published = new Float32Array(length);
    copyParameter(parameter, parameters.subarray(offset, offset + length), published, "toPublished");
    assertEquals(published.join(), float32Of(tensors.get(name)!).join(), name);
  }
});

sharedTest("its optimizer state is imported, each moment to the parameter of its index", async (fixtures) => {
  const { gen } = await readJson(`${fixtures}/checkpoints/info.json`) as {
    gen: { lr_sched: { last_epoch: number }; optimizer_state_indices: number[] };
  };
  const torch = readTorchCheckpoint(Deno.readFileSync(`${fixtures}/checkpoints/weights-gen.pth`));
  const { model, optimizer } = importTorchCheckpoint(torch, "weights-gen.pth");
  assertEquals(optimizer!.step, gen.lr_sched.last_epoch);
  for (const [index, parameter] of parameterTable(model).parameters.entries()) {
    const { name, shape, offset, length, trained } = parameter;
    assertEquals(gen.optimizer_state_indices.includes(index), trained, name);
    const state = torch.optimizer!.states.get(index);
    if (state === undefined) continue;
    for (
      const [flat, stored] of [[optimizer!.moment1, state.expAvg], [
        optimizer!.moment2,
        state.expAvgSq,
      ]] as const
    ) {
      assertEquals(stored.shape, shape, name);
      const published = new Float32Array(length);
      copyParameter(parameter, flat.subarray(offset, offset + length), published, "toPublished");
      assertEquals(published.join(), float32Of(stored).join(), name);
    }
  }
});

sharedTest("training goes on from an imported checkpoint with its optimizer", async (fixtures) => {
  const { model, optimizer } = importFixture(fixtures, "weights-gen");
  const { parameters, moment1, moment2 } = optimizer!;
  const step = optimizer!.step + 1;
  const config = { ...presets.tiny, ...model, ...publishedRecipe, dropout: 0 };
  const strip = packStrip([{ tokens: new Uint16Array(3 * model.patchSize) }], 4, model.patchSize);
  const trainer = await Trainer.create(new ReferenceEngine(), config, trainingPlan(config, 4));
  trainer.restore(optimizer!);
  trainer.train([strip]);
  trainer.train([strip]);
  const [first, second] = await trainer.metrics();
  assertEquals([first!.step, second!.step], [step, step + 1]);
  assert(meanLossNats(second!.totals) < meanLossNats(first!.totals));

  // One more step by hand, for the embeddings of bytes that the strip does not have: their gradient is 0.
  trainer.restore(optimizer!);
  trainer.train([strip]);
  const after = await trainer.state();
  const { beta1, beta2, learningRate, weightDecay } = config;
  let withMomentum = 0;
  for (let i = 64; i < 256 * 64; i++) {
    const mean = beta1 * moment1[i]! / (1 - beta1 ** step);
    const square = beta2 * moment2[i]! / (1 - beta2 ** step);
    const expected = parameters[i]! * (1 - learningRate * weightDecay) -
      learningRate * mean / (Math.sqrt(square) + 1e-8);
    assertAlmostEquals(after.parameters[i]!, expected, 1e-8);
    if (Math.abs(expected - parameters[i]!) > 0.1 * learningRate) withMomentum++;
  }
  assertGreater(withMomentum, 100);
});

sharedTest("a classifier whose labels do not number its classes is refused", (fixtures) => {
  const torch = readTorchCheckpoint(Deno.readFileSync(`${fixtures}/checkpoints/weights-cls.pth`));
  for (const labels of [undefined, new Map<string, number>(), new Map([["a.txt", 0], ["b.txt", 2]])]) {
    assertThrows(
      () => importTorchCheckpoint({ ...torch, labels }, '"weights-cls.pth"'),
      SyntaxError,
      'Cannot import "weights-cls.pth": it is a classifier, and its labels are not numbered from 0 up',
    );
  }
  const tooFew = new Map([["a.txt", 0], ["b.txt", 1]]);
  assertThrows(
    () => importTorchCheckpoint({ ...torch, labels: tooFew }, "w.pth"),
    SyntaxError,
    'tensor "classifier.weight" must be [2,64], found [4,64]',
  );
});

sharedTest("a published checkpoint with a tensor missing is refused by the tensor's name", (fixtures) => {
  const torch = readTorchCheckpoint(Deno.readFileSync(`${fixtures}/checkpoints/weights-gen.pth`));
  for (const name of ["patch_level_decoder.base.h.0.mlp.c_fc.bias", "patch_level_decoder.base.wpe.weight"]) {
    const model = new Map(torch.model);
    model.delete(name);
    assertThrows(() => importTorchCheckpoint({ ...torch, model }, "w.pth"), SyntaxError, `"${name}"`);
  }
});
