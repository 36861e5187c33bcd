import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertGreater,
  assertRejects,
  assertThrows,
} from "@std/assert";
import {
  copyParameter,
  decayBlocks,
  defaultSampling,
  extensionPatch,
  initialParameters,
  type ModelConfig,
  NextByte,
  type Parameter,
  parameterTable,
  prepareGeneration,
  presets,
  readTorchCheckpoint,
  tiedHeadName,
  Trainer,
  trainingPlan,
} from "@bgpt/core";
import { ReferenceEngine } from "@bgpt/kernels";
import { readGzip, sharedTest } from "../shared.ts";

const small: ModelConfig = { patchSize: 8, patchLength: 20, hidden: 64, patchLayers: 3, byteLayers: 2 };

function named(config: ModelConfig, name: string): Parameter {
  return parameterTable(config).parameters.find((parameter) => parameter.name === name)!;
}

Deno.test("the published sizes have 110,084,352 parameters", () => {
  const { parameters, parameterCount } = parameterTable(presets.base);
  assertEquals(parameterCount, 110_084_352);
  const below = (prefix: string) =>
    parameters.filter(({ name }) => name.startsWith(prefix)).reduce((sum, { length }) => sum + length, 0);
  assertEquals(below("patch_level_decoder."), 88_608_768);
  assertEquals(below("byte_level_decoder."), 21_475_584);
});

Deno.test("parameters stand one behind the other at multiples of 64 and fill the storage", () => {
  for (const config of [small, presets.tiny]) {
    let end = 0;
    for (const { name, shape, offset, length } of parameterTable(config).parameters) {
      assertEquals(length, shape.reduce((product, size) => product * size, 1), name);
      assert(offset % 64 === 0 && offset >= end && offset < end + 64, name);
      end = offset + length;
    }
    const { storageLength } = parameterTable(config);
    assert(storageLength % 64 === 0 && storageLength >= end && storageLength < end + 64);
  }
});

sharedTest("names, shapes and order are those of the published state dict", async (fixtures) => {
  const { model } = readTorchCheckpoint(await readGzip(`${fixtures}/dev/weights.pth.gz`));
  const config = { patchSize: 16, patchLength: 32, hidden: 128, patchLayers: 2, byteLayers: 1 };
  // Mask buffers are no parameters, and the tied head is the byte embedding.
  const published = [...model].filter(([name]) =>
    !/\.attn\.(masked_)?bias$/.test(name) && name !== tiedHeadName
  );
  const { parameters } = parameterTable(config);
  assertEquals(
    parameters.map(({ name, shape }) => `${name} [${shape}]`),
    published.map(([name, { shape }]) => `${name} [${shape}]`),
  );
});

/** Mean and standard deviation. */
function moments(values: Float32Array): { mean: number; deviation: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return { mean, deviation: Math.sqrt(variance) };
}

Deno.test("parameters start as in GPT-2, the patch embedding's bias as in a linear layer", () => {
  const values = initialParameters(parameterTable(small), 5);
  for (const { name, offset, length } of parameterTable(small).parameters) {
    const own = values.subarray(offset, offset + length);
    const { mean, deviation } = moments(own);
    if (name === "patch_level_decoder.patch_embedding.bias") {
      const bound = 1 / Math.sqrt(8 * 257);
      assert(own.every((value) => Math.abs(value) <= bound), name);
      assertAlmostEquals(deviation, bound / Math.sqrt(3), 0.2 * bound, name);
    } else if (/ln_\w\.weight$/.test(name)) {
      assert(own.every((value) => value === 1), name);
    } else if (name.endsWith(".bias")) {
      assert(own.every((value) => value === 0), name);
    } else {
      // 3 blocks at the patch level, 2 at the byte level; the embedding of 64 numbers gets a wide margin.
      const layers = name.startsWith("patch_level_decoder") ? 3 : 2;
      const expected = name.endsWith("c_proj.weight") ? 0.02 / Math.sqrt(2 * layers) : 0.02;
      const error = 4 / Math.sqrt(length);
      assertAlmostEquals(mean, 0, error * expected, name);
      assertAlmostEquals(deviation, expected, error * expected, name);
    }
  }
});

Deno.test("the same seed starts alike, another otherwise, and no two parameters start alike", () => {
  const table = parameterTable(small);
  const values = initialParameters(table, 5);
  assertEquals(initialParameters(table, 5), values);
  const other = initialParameters(table, 6);
  const starts = new Set<number>();
  const drawn = table.parameters.filter(({ initialisation: { kind } }) =>
    kind !== "zeros" && kind !== "ones"
  );
  for (const { name, offset } of drawn) {
    assert(other[offset] !== values[offset], name);
    starts.add(values[offset]!);
  }
  assertEquals(starts.size, drawn.length);
});

/** The weight decay of every element of a parameter. */
function decayOf(blocks: Float32Array, { offset, length }: Parameter): Set<number> {
  return new Set(blocks.subarray(offset / 64, Math.ceil((offset + length) / 64)));
}

Deno.test("by default matrices and embeddings decay, biases and norms do not", () => {
  const table = parameterTable(small);
  const blocks = decayBlocks(table, 0.25, "matrices");
  assertEquals(blocks.length * 64, table.storageLength);
  for (const parameter of table.parameters) {
    const matrix = parameter.shape.length === 2 && parameter.shape[0] !== 1;
    assertEquals([...decayOf(blocks, parameter)], [matrix ? 0.25 : 0], parameter.name);
  }
});

Deno.test("as published everything decays, but not what is never trained", () => {
  const table = parameterTable(small);
  const blocks = decayBlocks(table, 0.25, "all");
  const spared = table.parameters.filter((parameter) => decayOf(blocks, parameter).has(0));
  assertEquals(spared.map(({ name }) => name), ["patch_level_decoder.base.wte.weight"]);
});

Deno.test("with Muon the matrices of blocks and projection are marked, and everything else decays as it does without", () => {
  const table = parameterTable(small);
  for (const decay of ["matrices", "all"] as const) {
    const [marked, plain] = [decayBlocks(table, 0.25, decay, "muon"), decayBlocks(table, 0.25, decay)];
    const inBlocks = table.parameters.filter((parameter) => decayOf(marked, parameter).has(-1));
    const expected = small.patchLayers + small.byteLayers;
    for (const name of ["attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj"]) {
      const found = inBlocks.filter((parameter) => parameter.name.endsWith(`${name}.weight`));
      assertEquals(found.length, expected, name);
    }
    assertEquals(inBlocks.length, 4 * expected);
    for (const parameter of table.parameters.filter((parameter) => !inBlocks.includes(parameter))) {
      assertEquals(decayOf(marked, parameter), decayOf(plain, parameter), parameter.name);
    }
  }
});

Deno.test("the patch embedding is kept transposed, a row for each position and value, and comes back unchanged", () => {
  const parameter = named(small, "patch_level_decoder.patch_embedding.weight");
  assertEquals([parameter.transposed, parameter.shape], [true, [64, 8 * 257]]);
  const published = Float32Array.from({ length: parameter.length }, (_, i) => i);
  const stored = new Float32Array(parameter.length);
  copyParameter(parameter, published, stored, "toStorage");
  // Channel 5 of position 2, value 3.
  assertEquals(stored[(2 * 257 + 3) * 64 + 5], published[5 * 8 * 257 + 2 * 257 + 3]);
  const back = new Float32Array(parameter.length);
  copyParameter(parameter, stored, back, "toPublished");
  assertEquals(back, published);
});

Deno.test("every other parameter is kept as published", () => {
  const others = parameterTable(small).parameters.filter(({ transposed }) => !transposed);
  assertGreater(others.length, 50);
  for (const parameter of others) {
    const values = Float32Array.from({ length: parameter.length }, (_, i) => i);
    const stored = new Float32Array(parameter.length);
    copyParameter(parameter, values, stored, "toStorage");
    assertEquals(stored, values, parameter.name);
  }
});

Deno.test("parameters of another model are refused before an engine allocates anything", async () => {
  const config = { ...presets.tiny, ...small };
  const { storageLength } = parameterTable(config);
  let prepared = 0;
  const engine = new ReferenceEngine();
  const prepare = engine.prepare.bind(engine);
  engine.prepare = (plan) => {
    prepared++;
    return prepare(plan);
  };
  const request = {
    prefixes: [extensionPatch("txt", config.patchSize)],
    byteLimit: 1,
    sampling: defaultSampling,
  };
  const trainer = await Trainer.create(engine, config, trainingPlan(config, 4));
  const before = await trainer.state();
  prepared = 0;
  for (const length of [storageLength - 64, storageLength + 64]) {
    const other = new Float32Array(length);
    const message = (what: string) =>
      `Cannot use ${length} numbers as ${what}: the model's storage has ${storageLength}`;
    const sizes = { sequenceCount: 1, slotPatches: 1 };
    for (
      const create of [
        () => NextByte.create(engine, config, other, sizes),
        () => prepareGeneration(engine, config, other, request),
      ]
    ) await assertRejects(create, RangeError, message("parameters"));
    assertThrows(() => trainer.restore({ parameters: other }), RangeError, message("parameters"));
    const parameters = new Float32Array(storageLength);
    assertThrows(() => trainer.restore({ parameters, moment1: other }), RangeError, message("first moments"));
    assertThrows(
      () => trainer.restore({ parameters, moment2: other }),
      RangeError,
      message("second moments"),
    );
  }
  assertEquals(prepared, 0);
  assertEquals(await trainer.state(), before);
  trainer.destroy();
});
