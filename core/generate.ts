/**
 * Generation: prefixes in, bytes out, a patch at a time.
 * @module
 */
import { encodeSampling, type Engine, type Execution } from "@bgpt/kernels";
import type { ModelConfig } from "./config.ts";
import { type GenerationPlan, generationPlan } from "./generation_plan.ts";
import { endOfPatch } from "./patches.ts";

/** How the next byte is drawn; the filters apply in this order, as published. */
export interface Sampling {
  /** Keep the k most probable; 0 keeps all. */
  readonly topK: number;
  /** Keep the fewest most probable that together reach p; 1 keeps all. */
  readonly topP: number;
  /** Exponent 1/T on the probabilities that are left. */
  readonly temperature: number;
  /** Take the most probable instead. */
  readonly greedy: boolean;
  /** Seed of every draw. */
  readonly seed: number;
}

/** What the published program defaults to, and a seed. */
export const defaultSampling: Sampling = { topK: 0, topP: 1, temperature: 1, greedy: false, seed: 0 };

/** What to generate. */
export interface GenerationRequest {
  /**
   * Tokens that each sequence starts from: its extension patch, then bytes, which may end inside a patch; at least one
   * whole patch.
   */
  readonly prefixes: readonly Uint16Array[];
  /** Most new bytes of a sequence. */
  readonly byteLimit: number;
  /** How bytes are drawn. */
  readonly sampling: Sampling;
  /** Go on past the end of a file: 256 is never drawn. */
  readonly ignoreEnd?: boolean;
  /**
   * Random stream of the first sequence, 0 by default; the others follow. So many sequences can be made in parts, each
   * as if all were made at once.
   */
  readonly firstStream?: number;
}

/** New bytes of one sequence. */
export interface GeneratedBytes {
  /** Which prefix they continue. */
  readonly sequence: number;
  /** Those that are new since the last time. */
  readonly bytes: Uint8Array;
  /** Whether these are its last: it ended, or reached its limit or the patch length. */
  readonly finished: boolean;
}

/** Words of a sequence's state on the device. */
const sequenceWords = 4;

/**
 * Continues every prefix until it ends by itself, has `byteLimit` new bytes, or reaches the patch length.
 * @param parameters flat, in the order of the parameter table
 * @throws {RangeError} when a prefix has no whole patch or leaves no room
 */
export async function* generate(
  engine: Engine,
  config: ModelConfig,
  parameters: Float32Array,
  request: GenerationRequest,
): AsyncGenerator<GeneratedBytes> {
  const { plan, execution } = await prepareGeneration(engine, config, parameters, request);
  try {
    yield* continuePrefixes(execution, plan, request);
  } finally {
    execution.destroy();
  }
}

/**
 * What {@linkcode generate} does before the first byte: a plan for the request's sizes, with the parameters in it.
 * @throws {RangeError} when a prefix has no whole patch or leaves no room
 */
export async function prepareGeneration(
  engine: Engine,
  config: ModelConfig,
  parameters: Float32Array,
  { prefixes, byteLimit }: Pick<GenerationRequest, "prefixes" | "byteLimit">,
): Promise<{ readonly plan: GenerationPlan; readonly execution: Execution }> {
  const slotPatches = checkPrefixes(config, prefixes, byteLimit);
  const prefixPatches = Math.max(...prefixes.map((prefix) => Math.floor(prefix.length / config.patchSize)));
  const plan = generationPlan(config, prefixes.length, slotPatches, prefixPatches);
  const execution = await engine.prepare(plan.plan);
  execution.write(plan.model.parameters, parameters);
  execution.run("pack");
  return { plan, execution };
}

/**
 * Continues every prefix, as {@linkcode generate} does, in a plan that was prepared for as many of them and as many
 * bytes; the same plan can do so again.
 */
export async function* continuePrefixes(
  execution: Execution,
  plan: GenerationPlan,
  request: GenerationRequest,
): AsyncGenerator<GeneratedBytes> {
  writePrefixes(execution, plan, request);
  yield* patchByPatch(execution, plan, request);
}

/** The bytes of one sequence from the start to the end. */
export async function generateBytes(
  engine: Engine,
  config: ModelConfig,
  parameters: Float32Array,
  request: GenerationRequest,
): Promise<Uint8Array[]> {
  const outputs: number[][] = request.prefixes.map(() => []);
  for await (const { sequence, bytes } of generate(engine, config, parameters, request)) {
    outputs[sequence]!.push(...bytes);
  }
  return outputs.map((bytes) => Uint8Array.from(bytes));
}

async function* patchByPatch(
  execution: Execution,
  plan: GenerationPlan,
  { prefixes, byteLimit, ignoreEnd }: GenerationRequest,
): AsyncGenerator<GeneratedBytes> {
  const { S, L } = plan.model;
  const byteSteps = Array<string>(S).fill("byte");
  const made = prefixes.map(() => 0);
  const finished = prefixes.map(() => false);
  const partial = prefixes.map((prefix) => prefix.length % S);
  const patchCounts = prefixes.map((prefix) => Math.floor(prefix.length / S));
  const atLimit = (byteCount: number, patchCount: number) => byteCount >= byteLimit || patchCount >= L;
  const startPatch = (...before: string[]) => {
    execution.run(...before, "patch", ...byteSteps);
    const rows = execution.readIntegers(plan.row);
    // Nobody may come to wait for it; whoever does is told of a failure all the same.
    rows.catch(() => {});
    return rows;
  };
  // A single patch is the last one, which has a program of its own.
  let rowsAhead = startPatch(...patchCounts.some((count) => count > 1) ? ["prefix"] : []);
  while (finished.includes(false)) {
    const current = rowsAhead;
    // The next patch is begun before this one is read, which takes a while, unless all are known to end here.
    const goesOn = prefixes.some((_, b) =>
      !finished[b] && !atLimit(made[b]! + S - partial[b]!, patchCounts[b]! + 1)
    );
    if (goesOn) rowsAhead = startPatch("append");
    const rows = await current;
    for (const b of prefixes.keys()) {
      if (finished[b]) continue;
      const row = rows.subarray(b * S, (b + 1) * S);
      const end = ignoreEnd ? -1 : row.indexOf(endOfPatch);
      const bytes = Uint8Array.from(row.subarray(partial[b]!, end < 0 ? S : end)).slice(
        0,
        byteLimit - made[b]!,
      );
      partial[b] = 0;
      made[b]! += bytes.length;
      patchCounts[b]!++;
      finished[b] = end >= 0 || atLimit(made[b]!, patchCounts[b]!);
      yield { sequence: b, bytes, finished: finished[b]! };
    }
  }
}

/** Patches that the longest sequence can grow to. */
function checkPrefixes(config: ModelConfig, prefixes: readonly Uint16Array[], byteLimit: number): number {
  const { patchSize: S, patchLength: L } = config;
  let most = 0;
  for (const prefix of prefixes) {
    const wholePatches = Math.floor(prefix.length / S);
    if (wholePatches < 1 || wholePatches >= L) {
      throw new RangeError(
        `Cannot continue a prefix of ${wholePatches} whole patches: it needs its extension patch, and at most ` +
          `${L - 1} patches leave room in a patch length of ${L}`,
      );
    }
    most = Math.max(most, wholePatches + Math.ceil((prefix.length % S + byteLimit) / S));
  }
  return Math.min(most, L);
}

function writePrefixes(execution: Execution, plan: GenerationPlan, request: GenerationRequest): void {
  const { prefixes, sampling, ignoreEnd, firstStream = 0 } = request;
  const { S } = plan.model;
  const { slotPatches, prefixPatches, sequenceCount } = plan;
  const patches = new Uint32Array(sequenceCount * slotPatches * S).fill(endOfPatch);
  const prefixRows = new Uint32Array(sequenceCount * prefixPatches * S).fill(endOfPatch);
  const rows = new Uint32Array(sequenceCount * S).fill(endOfPatch);
  const sequences = new Uint32Array(sequenceCount * sequenceWords);
  for (const [b, prefix] of prefixes.entries()) {
    const wholePatches = Math.floor(prefix.length / S);
    const whole = prefix.subarray(0, wholePatches * S);
    patches.set(whole, b * slotPatches * S);
    prefixRows.set(whole, b * prefixPatches * S);
    rows.set(prefix.subarray(wholePatches * S), b * S);
    sequences.set([wholePatches, 0, 0, firstStream + b], b * sequenceWords);
  }
  const fileStart = Uint32Array.from(
    { length: sequenceCount * prefixPatches },
    (_, p) => p - p % prefixPatches,
  );
  execution.write(plan.patches, patches);
  execution.write(plan.prefix.patches, prefixRows);
  execution.write(plan.prefix.fileStart, fileStart);
  execution.write(plan.row, rows);
  execution.write(plan.sequences, sequences);
  execution.write(plan.sampling, encodeSampling({ ...sampling, ignoreEnd: ignoreEnd ?? false }));
}
