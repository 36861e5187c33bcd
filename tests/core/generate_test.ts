import { assert, assertEquals } from "@std/assert";
import {
  defaultSampling,
  evaluationPlan,
  extensionPatch,
  generateBytes,
  type GenerationRequest,
  initialParameters,
  type ModelConfig,
  parameterTable,
} from "@bgpt/core";
import { type Engine, randomUint32, ReferenceEngine } from "@bgpt/kernels";
import { cpu, engines, engineTest, strictCpu } from "../engines.ts";
import { readJson, sharedPath, sharedTest } from "../shared.ts";
import { loadFixture } from "./fixture.ts";

interface GenerationCase {
  case: string;
  prefix_tokens: number[];
  continuation: number[];
  ended_by_256: boolean;
}

const greedy = { ...defaultSampling, greedy: true };

async function assertPublishedContinuations(engine: Engine): Promise<void> {
  const { checkpoint } = await loadFixture();
  const { cases } = await readJson(sharedPath("fixtures", "dev", "generation.json")!) as {
    cases: GenerationCase[];
  };
  // All at once: the sequences have prefixes of different length, end inside a patch, and end at different times.
  const prefixes = cases.map(({ prefix_tokens }) => Uint16Array.from(prefix_tokens));
  const request = { prefixes, byteLimit: 64, sampling: greedy };
  const outputs = await generateBytes(engine, checkpoint.model, checkpoint.parameters, request);
  for (const [index, { case: name, continuation, ended_by_256 }] of cases.entries()) {
    assertEquals([...outputs[index]!], continuation.slice(0, 64), name);
    if (ended_by_256) assertEquals(outputs[index]!.length, continuation.length, name);
  }
}

for (const { name, engine } of [{ name: "reference", engine: new ReferenceEngine() }, ...engines]) {
  if (engine === undefined) continue;
  sharedTest(
    `${name}: the fixtures are continued greedily byte for byte`,
    () => assertPublishedContinuations(engine),
  );
}

const config: ModelConfig = { patchSize: 16, patchLength: 8, hidden: 64, patchLayers: 1, byteLayers: 1 };
// Large random weights, so that the distribution is not flat.
const parameters = initialParameters(parameterTable(config), 3).map((value) => value * 4);
const prefix = extensionPatch("bin", config.patchSize);

function request(changes: Partial<GenerationRequest> = {}): GenerationRequest {
  const sampling = { ...defaultSampling, seed: 5 };
  return { prefixes: [prefix], byteLimit: 48, sampling, ignoreEnd: true, ...changes };
}

const run = (engine: Engine, changes: Partial<GenerationRequest> = {}) =>
  generateBytes(engine, config, parameters, request(changes));

Deno.test("the same seed draws the same bytes, another seed others", async () => {
  const engine = new ReferenceEngine();
  const [a] = await run(engine);
  const [again] = await run(engine);
  const [other] = await run(engine, { sampling: { ...defaultSampling, seed: 6 } });
  assertEquals(a!.length, 48);
  assertEquals(again, a);
  assert(String(other) !== String(a));
});

Deno.test("a sequence is the same whether it is generated alone or among others", async () => {
  const engine = new ReferenceEngine();
  const [alone] = await run(engine);
  const [first, second] = await run(engine, { prefixes: [prefix, prefix] });
  assertEquals(first, alone);
  assert(String(second) !== String(first), "two sequences draw from streams of their own");
});

Deno.test("generation stops at the byte limit inside a patch and at the patch length", async () => {
  const engine = new ReferenceEngine();
  assertEquals((await run(engine, { byteLimit: 5 }))[0]!.length, 5);
  assertEquals((await run(engine, { byteLimit: 1000 }))[0]!.length, (config.patchLength - 1) * 16);
});

Deno.test("a prefix that ends inside a patch is continued behind its last byte", async () => {
  const engine = new ReferenceEngine();
  const [whole] = await run(engine, { sampling: greedy });
  const partial = Uint16Array.from([...prefix, ...whole!.subarray(0, 21)]);
  const [rest] = await run(engine, { sampling: greedy, prefixes: [partial], byteLimit: 27 });
  assertEquals([...whole!.subarray(0, 21), ...rest!], [...whole!]);
});

/** The most probable byte again and again, every one from a pass over all there is of its sequence. */
async function generateUncached(engine: Engine, prefixes: readonly Uint16Array[], byteLimit: number) {
  const { patchLength: L, patchSize: S } = config;
  const P = prefixes.length * L;
  const V = 257;
  const plan = evaluationPlan(config, P);
  const execution = await engine.prepare(plan.plan);
  execution.write(plan.model.parameters, parameters);
  execution.write(plan.inputs.fileStart, Uint32Array.from({ length: P }, (_, p) => p - p % L));
  const sequences = prefixes.map((prefix) => [...prefix]);
  for (let step = 0; step < byteLimit; step++) {
    const patches = new Uint32Array(P * S);
    const nextPatches = new Uint32Array(P * S);
    for (const [b, tokens] of sequences.entries()) {
      patches.set(tokens, b * L * S);
      nextPatches.set(tokens.slice(S), b * L * S);
    }
    execution.write(plan.inputs.patches, patches);
    execution.write(plan.inputs.nextPatches, nextPatches);
    execution.run("forward");
    const logits = await execution.readFloats(plan.logits);
    for (const [b, tokens] of sequences.entries()) {
      const first = (b * L * S + tokens.length - S) * V;
      const bytes = logits.subarray(first, first + V - 1);
      tokens.push(bytes.indexOf(Math.max(...bytes)));
    }
  }
  execution.destroy();
  return sequences.map((tokens, b) => Uint8Array.from(tokens.slice(prefixes[b]!.length)));
}

for (const engine of [new ReferenceEngine(), cpu, strictCpu]) {
  const name = engine === strictCpu ? "strict cpu" : engine.name;
  Deno.test({
    name: `${name}: what is kept of earlier rows generates what a pass over all of them does`,
    // The engines outlive each test on purpose.
    sanitizeResources: false,
    sanitizeOps: false,
    fn: async () => {
      const prefixes = [0, 1, 15, 16, 32, 53].map((length) =>
        Uint16Array.from([...prefix, ...Array.from({ length }, (_, i) => randomUint32(i, length, 9) % 256)])
      );
      const expected = await generateUncached(engine, prefixes, 40);
      const actual = await run(engine, { prefixes, byteLimit: 40, sampling: greedy });
      assertEquals(actual, expected);
      const all = expected.flatMap((bytes) => [...bytes]);
      assert(new Set(all).size > 20, "the continuations have more than one byte over and over");
    },
  });
}

Deno.test("a prefix without a whole patch, or that fills the patch length, is refused", async () => {
  const engine = new ReferenceEngine();
  for (const length of [0, 15, 8 * 16]) {
    const attempt = run(engine, { prefixes: [new Uint16Array(length)] });
    const message = await attempt.then(() => "", (error: Error) => error.message);
    assert(message.includes("Cannot continue a prefix"), `length ${length}: "${message}"`);
  }
});

engineTest("the same bytes are drawn as on the reference", async (engine) => {
  assertEquals(await run(engine), await run(new ReferenceEngine()));
});
