/**
 * Generation without and with caches at the end of a file of full length, in one run. Without, as in the published
 * program: each new patch is a pass of the patch level over all patches so far, each new byte a pass of the byte level over
 * the bytes of its patch.
 *
 *     deno task bench cache [--size tiny|small|medium|official] [--sequences 1,64] [--device …] [--threads N] [--json]
 */
import {
  byteForward,
  continuePrefixes,
  declareModel,
  defaultSampling,
  type ModelConfig,
  patchForward,
  prepareGeneration,
} from "@bgpt/core";
import { argmax, type Engine, fileMean, PlanBuilder, randomUint32 } from "@bgpt/kernels";
import { openEngine } from "../cli/engine.ts";
import { parseCommandLine } from "../cli/parse.ts";
import { formatRate } from "../cli/units.ts";
import { benchOptions, countsOf } from "./options.ts";
import type { Print } from "./records.ts";
import { type Samples, summarise } from "./samples.ts";
import { benchSizes } from "./sizes.ts";
import { generationParameters } from "./time_generation.ts";

/** Patches that are generated and timed, the last ones of the patch length; and rounds. */
const timedPatches = 4;
const rounds = 3;

function randomTokens(count: number): Uint16Array {
  return Uint16Array.from({ length: count }, (_, i) => randomUint32(i, 0, 0) % 256);
}

/** Seconds of one patch of B sequences of full length, without caches. */
async function timeUncached(
  engine: Engine,
  config: ModelConfig,
  parameters: Float32Array,
  B: number,
): Promise<Samples> {
  const builder = new PlanBuilder();
  const L = config.patchLength;
  const model = declareModel(builder, config, { patchCapacity: B * L, dropout: false });
  const { P, S, V, C } = model;
  const integers = (name: string, ...shape: number[]) => builder.tensor(name, shape, "input", "u32");
  const inputs = { patches: integers("patches", P, S), fileStart: integers("fileStart", P) };
  const last = { firstPatch: integers("firstPatch", B), patchCount: integers("patchCount", B) };
  const row = integers("row", B, S);
  const best = builder.tensor("best", [B * S], "output", "u32");
  builder.program("patch");
  const { finalNorm } = patchForward(builder, model, inputs);
  const feature = builder.tensor("feature", [B, C], "output");
  // The mean of one patch is that patch.
  builder.call(fileMean, { P, C, B }, { x: finalNorm.y, ...last, mean: feature }, "last patch");
  builder.program("byte");
  const { logits } = byteForward(builder, model, feature, { patches: row, nextPatches: row });
  builder.call(argmax, { R: B * S, V }, { logits, best }, "best");
  const execution = await engine.prepare(builder.build());
  execution.write(model.parameters, parameters);
  execution.write(inputs.patches, Uint32Array.from(randomTokens(P * S)));
  execution.write(inputs.fileStart, Uint32Array.from({ length: P }, (_, p) => p - p % L));
  execution.write(last.firstPatch, Uint32Array.from({ length: B }, (_, b) => (b + 1) * L - 1));
  execution.write(last.patchCount, new Uint32Array(B).fill(1));
  const bytes = new Uint32Array(B * S).fill(256);
  const seconds: number[] = [];
  for (let round = 0; round <= rounds; round++) {
    const start = performance.now();
    execution.run("patch");
    for (let s = 0; s < S; s++) {
      execution.write(row, bytes);
      execution.run("byte");
      const found = await execution.readIntegers(best);
      for (let b = 0; b < B; b++) bytes[b * S + s] = found[b * S + s]!;
    }
    if (round > 0) seconds.push((performance.now() - start) / 1000);
  }
  execution.destroy();
  return summarise(seconds);
}

/** Seconds of one patch of B sequences near full length, with caches; the pass over the prefixes left out. */
async function timeCached(
  engine: Engine,
  config: ModelConfig,
  parameters: Float32Array,
  B: number,
): Promise<Samples> {
  const prefix = randomTokens((config.patchLength - timedPatches - 1) * config.patchSize);
  const request = {
    prefixes: Array<Uint16Array>(B).fill(prefix),
    byteLimit: (timedPatches + 1) * config.patchSize,
    sampling: { ...defaultSampling, greedy: true },
    ignoreEnd: true,
  };
  const { plan, execution } = await prepareGeneration(engine, config, parameters, request);
  const seconds: number[] = [];
  for (let round = 0; round <= rounds; round++) {
    // The first patch comes with the pass over the prefixes.
    let start = NaN;
    let made = 0;
    for await (const _ of continuePrefixes(execution, plan, request)) {
      if (++made === B) start = performance.now();
    }
    if (round > 0) seconds.push((performance.now() - start) / 1000 / timedPatches);
  }
  execution.destroy();
  return summarise(seconds);
}

/** Runs the benchmark with these arguments. */
export async function benchCache(args: readonly string[], print: Print): Promise<void> {
  const { size, json, sequences, ...choice } = parseCommandLine(args, {
    ...benchOptions,
    sequences: { kind: "list", placeholder: "N,N", help: "sequences at a time (default: 1,64)" },
  }, {});
  const engine = await openEngine(choice);
  const parameters = generationParameters(size);
  const { config } = benchSizes[size];
  for (const B of countsOf(sequences, "sequences", [1, 64])) {
    const uncached = await timeUncached(engine, config, parameters, B);
    const cached = await timeCached(engine, config, parameters, B);
    const rate = ({ seconds }: Samples) => B * config.patchSize / seconds;
    const ratio = uncached.seconds / cached.seconds;
    if (json) {
      print(JSON.stringify({ bench: "cache", size, sequences: B, uncached, cached, ratio }));
      continue;
    }
    print(
      `${size}, ${B} at a time, at ${config.patchLength} patches: ${
        formatRate(rate(uncached), "B")
      } without, ` +
        `${formatRate(rate(cached), "B")} with caches, ${ratio.toFixed(1)} x`,
    );
  }
  engine.destroy();
}
