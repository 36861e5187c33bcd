import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import {
  defaultSampling,
  evaluationPlan,
  extensionPatch,
  generateBytes,
  generateStream,
  type GenerationRequest,
  initialParameters,
  type ModelConfig,
  packStrip,
  parameterTable,
  RandomStream,
  windowedSamples,
} from "@bgpt/core";
import { type Engine, ReferenceEngine } from "@bgpt/kernels";
import { cpu } from "../engines.ts";

const config: ModelConfig = { patchSize: 4, patchLength: 7, hidden: 64, patchLayers: 1, byteLayers: 1 };
// Large random weights, so that the distribution is not flat.
const parameters = initialParameters(parameterTable(config), 3).map((value) => value * 4);
/** A byte level that sees bytes of patches before, in all ways that it can. */
const windowed: ModelConfig = {
  ...config,
  ...{
    byteHidden: 128,
    byteWindow: 6,
    byteGlobalHeads: 1,
    ngramRows: 16,
    byteConvolution: 5,
    positions: "rotary",
  },
};
const windowedParameters = windowedWeights();
const extension = extensionPatch("bin", config.patchSize);
const greedy = { ...defaultSampling, greedy: true };

function windowedWeights(): Float32Array {
  const table = parameterTable(windowed);
  const values = initialParameters(table, 3).map((value) => value * 4);
  // A convolution adds nothing at the start.
  const { offset, length } = table.parameters.find(({ name }) => name.endsWith(".convolution.weight"))!;
  const noise = new RandomStream(9);
  for (let i = 0; i < length; i++) values[offset + i] = 0.1 * noise.normal();
  return values;
}

/** The extension patch and so many bytes. */
function prefixOf(byteLength: number): Uint16Array {
  const random = new RandomStream(1, byteLength);
  return Uint16Array.from([...extension, ...Array.from({ length: byteLength }, () => random.below(256))]);
}

function request(changes: Partial<GenerationRequest> = {}): GenerationRequest {
  return {
    prefixes: [extension],
    byteLimit: 90,
    sampling: greedy,
    ignoreEnd: true,
    beyondPatchLength: true,
    ...changes,
  };
}

const run = (engine: Engine, changes: Partial<GenerationRequest> = {}) =>
  generateBytes(engine, config, parameters, request(changes));

/** The most probable byte in each place of a file, all before it given, by the windows of its evaluation. */
async function mostProbable(
  engine: Engine,
  config: ModelConfig,
  parameters: Float32Array,
  file: Uint8Array,
): Promise<number[]> {
  const { patchSize: S, patchLength } = config;
  const files = [{ path: "a.bin", byteLength: file.length }];
  const samples = windowedSamples({ files, read: () => Promise.resolve(file) }, config);
  const plan = evaluationPlan(config, patchLength);
  const execution = await engine.prepare(plan.plan);
  execution.write(plan.model.parameters, parameters);
  const best: number[] = [];
  for (let index = 0; index < samples.count; index++) {
    const sample = await samples.read(index, { ...config, cut: "head" }, new RandomStream(0));
    const { givenPatches, patchCount } = samples.window(index);
    plan.write(execution, packStrip([sample], patchLength, S));
    execution.run("forward");
    const logits = await execution.readFloats(plan.logits);
    for (let position = (givenPatches - 1) * S; position < (patchCount - 1) * S; position++) {
      const bytes = logits.subarray(position * 257, position * 257 + 256);
      best.push(bytes.indexOf(Math.max(...bytes)));
    }
  }
  execution.destroy();
  return best.slice(0, file.length);
}

const published = { model: "as published", config, parameters };
const cases = [
  { engine: new ReferenceEngine(), ...published },
  { engine: cpu, ...published },
  { engine: cpu, model: "with a byte window", config: windowed, parameters: windowedParameters },
];
for (const { engine, model, config, parameters } of cases) {
  Deno.test({
    name:
      `${engine.name}, ${model}: beyond the patch length a sequence is made as its evaluation by windows sees it`,
    // The cpu engine outlives each test on purpose.
    sanitizeResources: false,
    sanitizeOps: false,
    fn: async () => {
      // Of different lengths, so that the windows move on at different times; two are too long from the start.
      const prefixes = [0, 2, 11, 23, 24, 61].map(prefixOf);
      const outputs = await generateBytes(engine, config, parameters, request({ prefixes }));
      for (const [b, prefix] of prefixes.entries()) {
        const given = prefix.subarray(config.patchSize);
        assertEquals(outputs[b]!.length, 90);
        const file = Uint8Array.from([...given, ...outputs[b]!]);
        const best = await mostProbable(engine, config, parameters, file);
        assertEquals(best.slice(given.length), [...outputs[b]!], `${given.length} bytes given`);
      }
    },
  });
}

Deno.test("beyond the patch length a sequence draws the same alone and among others, and other numbers in each window", async () => {
  const engine = new ReferenceEngine();
  const sampling = { ...defaultSampling, seed: 5 };
  const [alone] = await run(engine, { prefixes: [prefixOf(9)], sampling });
  const [first, second] = await run(engine, { prefixes: [prefixOf(9), prefixOf(20)], sampling });
  assertEquals(first, alone);
  assertNotEquals(second, alone);
  // With the same weights for all places, equal draws would repeat the bytes of the window before.
  const flat = new Float32Array(parameters.length);
  const [drawn] = await generateBytes(engine, config, flat, request({ sampling }));
  const stride = 3 * config.patchSize;
  const again = [...drawn!].filter((byte, i) => i >= 36 && byte === drawn![i - stride]).length;
  assert(again < 6, `${again} of 54 bytes are those of the window before`);
});

Deno.test("beyond the patch length a sequence still ends: by itself, and at the byte limit inside a patch", async () => {
  const engine = new ReferenceEngine();
  const sampling = { ...defaultSampling, seed: 5 };
  assertEquals((await run(engine, { byteLimit: 57 }))[0]!.length, 57);
  const flat = new Float32Array(parameters.length);
  const prefixes = Array<Uint16Array>(20).fill(extension);
  const outputs = await generateBytes(
    engine,
    config,
    flat,
    request({ prefixes, sampling, ignoreEnd: false, byteLimit: 200 }),
  );
  const lengths = outputs.map(({ length }) => length);
  // One token of 257 ends a file: about half of them do before 200 bytes.
  assert(lengths.some((length) => length < 200) && lengths.some((length) => length > 40), lengths.join());
});

Deno.test("without leave a sequence stops at the patch length, and a longer prefix is refused", async () => {
  const engine = new ReferenceEngine();
  assertEquals((await run(engine, { beyondPatchLength: false }))[0]!.length, 6 * 4);
  await assertRejects(
    () => run(engine, { beyondPatchLength: false, prefixes: [prefixOf(24)] }),
    RangeError,
    "Cannot continue a prefix of 7 whole patches",
  );
});

/** The reference engine, counting the plans that have memory. */
class CountingEngine extends ReferenceEngine {
  alive = 0;

  override async prepare(...args: Parameters<ReferenceEngine["prepare"]>) {
    const execution = await super.prepare(...args);
    this.alive++;
    const destroy = execution.destroy.bind(execution);
    execution.destroy = () => {
      this.alive--;
      destroy();
    };
    return execution;
  }
}

Deno.test("a stream has the bytes of its sequence, and frees the plan at its end", async () => {
  const engine = new CountingEngine();
  const { prefixes: [prefix], ...rest } = request();
  const stream = generateStream(engine, config, parameters, { prefix: prefix!, ...rest });
  const chunks = await Array.fromAsync(stream);
  assert(chunks.length > 20, `${chunks.length} chunks`);
  assertEquals(chunks.flatMap((chunk) => [...chunk]), [...(await run(engine))[0]!]);
  assertEquals(engine.alive, 0);
});

Deno.test("a stream that is cancelled, before it starts, between or within its patches, frees the plan", async () => {
  const engine = new CountingEngine();
  const { prefixes: [prefix], ...rest } = request({ byteLimit: 1e6 });
  const stream = () => generateStream(engine, config, parameters, { prefix: prefix!, ...rest });
  await stream().cancel();
  assertEquals(engine.alive, 0);
  for await (const bytes of stream()) if (bytes.length > 0) break;
  assertEquals(engine.alive, 0);
  const reader = stream().getReader();
  await reader.read();
  const pending = reader.read();
  assertEquals(engine.alive, 1);
  await reader.cancel();
  await pending;
  assertEquals(engine.alive, 0);
});

Deno.test("a stream of what cannot be continued fails with the reason", async () => {
  const { prefixes: _, ...rest } = request();
  const stream = generateStream(new ReferenceEngine(), config, parameters, {
    prefix: new Uint16Array(3),
    ...rest,
  });
  await assertRejects(
    () => Array.fromAsync(stream),
    RangeError,
    "Cannot continue a prefix of 0 whole patches",
  );
});
