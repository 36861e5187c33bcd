/**
 * Generation: prefixes in, bytes out, a patch at a time.
 * @module
 */
import { encodeSampling, type Engine, type Execution, randomUint32, sequenceWords } from "@bgpt/kernels";
import type { ModelConfig } from "./config.ts";
import { type GenerationPlan, generationPlan } from "./generation_plan.ts";
import { readGivenPatches } from "./given_patches.ts";
import { checkStorage } from "./parameters.ts";
import { endOfPatch } from "./patches.ts";
import { SequenceWindow } from "./sequence_window.ts";
import { windowStride } from "./windows.ts";

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
   * Go on beyond the patch length: whenever a sequence has reached it, its extension patch and the newest half of its
   * patches are kept and read anew. A prefix may be longer than the patch length then.
   */
  readonly beyondPatchLength?: boolean;
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

/**
 * Continues every prefix until it ends by itself, has `byteLimit` new bytes, or reaches the patch length, unless it may
 * go beyond that.
 * @param parameters flat, in the order of the parameter table
 * @throws {RangeError} when a prefix has no whole patch or leaves no room, or the parameters are another model's
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
 * @throws {RangeError} when a prefix has no whole patch or leaves no room, or the parameters are another model's
 */
export async function prepareGeneration(
  engine: Engine,
  config: ModelConfig,
  parameters: Float32Array,
  request: Pick<GenerationRequest, "prefixes" | "byteLimit" | "beyondPatchLength">,
): Promise<{ readonly plan: GenerationPlan; readonly execution: Execution }> {
  const { slotPatches, prefixPatches } = planSizes(config, request);
  const plan = generationPlan(config, request.prefixes.length, slotPatches, prefixPatches);
  checkStorage(plan.model.table, parameters);
  const execution = await engine.prepare(plan.plan);
  execution.write(plan.model.parameters, parameters);
  execution.run("pack");
  return { plan, execution };
}

/**
 * The new bytes of every prefix, in the order of the prefixes, once all have ended.
 * @throws {RangeError} when a prefix has no whole patch or leaves no room, or the parameters are another model's
 */
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

/** A sequence and how far it is. */
interface Progress {
  readonly window: SequenceWindow;
  /** Bytes that were given of the patch being made. */
  partial: number;
  /** New bytes. */
  made: number;
  finished: boolean;
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
  const { prefixes, byteLimit, ignoreEnd = false, beyondPatchLength = false } = request;
  const { config, S, L } = plan.model;
  const byteSteps = Array.from({ length: S }, () => ["byte", "sample"]).flat();
  const sequences = prefixes.map((prefix): Progress => ({
    window: new SequenceWindow(prefix, config),
    partial: prefix.length % S,
    made: 0,
    finished: false,
  }));
  const startPatch = (...before: string[]) => {
    execution.run(...before, "patch", ...byteSteps);
    const rows = execution.readIntegers(plan.row);
    // Nobody may come to wait for it; whoever does is told of a failure all the same.
    rows.catch(() => {});
    return rows;
  };
  const startWindows = () => {
    // A single patch is the last one, which has a program of its own.
    writePatches(execution, plan, sequences);
    if (sequences.some(({ window }) => window.patchCount > 1)) {
      execution.run("prefix");
      readGivenPatches(execution, plan, sequences.map(({ window }) => window));
    }
    writeStates(execution, plan, sequences, request);
    return startPatch();
  };
  const isFinished = (byteCount: number, patchCount: number) =>
    byteCount >= byteLimit || (patchCount >= L && !beyondPatchLength);

  let rowsAhead = startWindows();
  while (sequences.some(({ finished }) => !finished)) {
    const current = rowsAhead;
    // Those that will not be known to end with this patch.
    const goingOn = sequences.filter(({ window, partial, made, finished }) =>
      !finished && !isFinished(made + S - partial, window.patchCount + 1)
    );
    // The next patch is begun before this one is read, which takes a while, unless a window will have to move on.
    const ahead = goingOn.every(({ window }) => window.patchCount + 1 < L);
    if (ahead && goingOn.length > 0) rowsAhead = startPatch("append");
    const rows = await current;
    for (const [b, sequence] of sequences.entries()) {
      if (sequence.finished) continue;
      const row = rows.subarray(b * S, (b + 1) * S);
      const end = ignoreEnd ? -1 : row.indexOf(endOfPatch);
      const drawn = Uint8Array.from(row.subarray(sequence.partial, end < 0 ? S : end));
      const bytes = drawn.slice(0, byteLimit - sequence.made);
      sequence.window.push(row);
      sequence.partial = 0;
      sequence.made += bytes.length;
      sequence.finished = end >= 0 || isFinished(sequence.made, sequence.window.patchCount);
      yield { sequence: b, bytes, finished: sequence.finished };
    }
    if (ahead) continue;
    const full = sequences.filter(({ window, finished }) => !finished && window.full);
    for (const { window } of full) window.slide();
    rowsAhead = full.length > 0 ? startWindows() : startPatch("append");
  }
}

/** Patches that the longest sequence can grow to, and patches that are read in one pass. */
function planSizes(
  { patchSize: S, patchLength: L }: ModelConfig,
  { prefixes, byteLimit, beyondPatchLength = false }: Pick<
    GenerationRequest,
    "prefixes" | "byteLimit" | "beyondPatchLength"
  >,
): { readonly slotPatches: number; readonly prefixPatches: number } {
  let [slotPatches, prefixPatches] = [0, 0];
  for (const prefix of prefixes) {
    const wholePatches = Math.floor(prefix.length / S);
    if (wholePatches < 1 || (wholePatches >= L && !beyondPatchLength)) {
      throw new RangeError(
        `Cannot continue a prefix of ${wholePatches} whole patches: it needs its extension patch, and at most ` +
          `${L - 1} patches leave room in a patch length of ${L}, unless it may go beyond that`,
      );
    }
    slotPatches = Math.max(slotPatches, wholePatches + Math.ceil((prefix.length % S + byteLimit) / S));
    prefixPatches = Math.max(prefixPatches, Math.min(wholePatches, L - 1));
  }
  // Where a window moves on, its older half is read anew.
  if (slotPatches > L && beyondPatchLength) prefixPatches = Math.max(prefixPatches, L - windowStride(L));
  return { slotPatches: Math.min(slotPatches, L), prefixPatches };
}

/** Puts the whole patches of each sequence into its slot, and into the strip that is read in one pass. */
function writePatches(execution: Execution, plan: GenerationPlan, sequences: readonly Progress[]): void {
  const { S } = plan.model;
  const { slotPatches, prefixPatches, sequenceCount } = plan;
  const patches = new Uint32Array(sequenceCount * slotPatches * S).fill(endOfPatch);
  const prefixRows = new Uint32Array(sequenceCount * prefixPatches * S).fill(endOfPatch);
  for (const [b, { window: { tokens, patchCount } }] of sequences.entries()) {
    const whole = tokens.subarray(0, patchCount * S);
    patches.set(whole, b * slotPatches * S);
    // What a sequence has beyond them is in the cache already.
    prefixRows.set(whole.subarray(0, prefixPatches * S), b * prefixPatches * S);
  }
  const fileStart = Uint32Array.from(
    { length: sequenceCount * prefixPatches },
    (_, p) => p - p % prefixPatches,
  );
  execution.write(plan.patches, patches);
  execution.write(plan.prefix.patches, prefixRows);
  execution.write(plan.prefix.fileStart, fileStart);
}

/** Tells each sequence where it is, and the bytes that are given of the patch being made. */
function writeStates(
  execution: Execution,
  plan: GenerationPlan,
  sequences: readonly Progress[],
  { sampling, ignoreEnd = false, firstStream = 0 }: GenerationRequest,
): void {
  const { S } = plan.model;
  const { sequenceCount } = plan;
  const rows = new Uint32Array(sequenceCount * S).fill(endOfPatch);
  const states = new Uint32Array(sequenceCount * sequenceWords);
  for (const [b, { window, finished }] of sequences.entries()) {
    const { tokens, patchCount, index } = window;
    rows.set(tokens.subarray(patchCount * S), b * S);
    // Draws are a function of the place in the window, so each window has a stream of its own.
    const stream = firstStream + b;
    const windowStream = index === 0 ? stream : randomUint32(index, stream, sampling.seed);
    states.set([patchCount, 0, Number(finished), windowStream], b * sequenceWords);
  }
  execution.write(plan.row, rows);
  execution.write(plan.sequences, states);
  execution.write(plan.sampling, encodeSampling({ ...sampling, ignoreEnd }));
}
