/**
 * The plan of generation: many sequences at once, sixteen byte steps and their sampling without the host.
 * @module
 */
import { appendPatch, type Plan, PlanBuilder, sample, samplingLength, type Tensor } from "@bgpt/kernels";
import type { ModelConfig } from "./config.ts";
import { lastPatchForward, nextByteForward, packWeights } from "./cached_forward.ts";
import { patchForward } from "./forward.ts";
import { declareModel, type Model } from "./model.ts";

/** A plan that continues B sequences, each in a slot of the strip. */
export interface GenerationPlan {
  /** The calls. */
  readonly plan: Plan;
  /** Its sizes and parameters. */
  readonly model: Model;
  /** B: sequences. */
  readonly sequenceCount: number;
  /** Patches of a slot. */
  readonly slotPatches: number;
  /** The sequences so far, each in its slot. */
  readonly patches: Tensor; // u32 [B · slotPatches, S]
  /** First patch of each patch's slot. */
  readonly fileStart: Tensor; // u32 [B · slotPatches]
  /** Patches so far, bytes that were given or drawn of the patch being made, whether it ended, random stream. */
  readonly sequences: Tensor; // u32 [B, 4]
  /** The patch being made; bytes that are given stand in it from the start. */
  readonly row: Tensor; // u32 [B, S]
  /** How bytes are drawn. */
  readonly sampling: Tensor; // u32 [samplingLength]
}

/** Up to so many sequences are multiplied with packed weights; for more, weights are read once for several rows. */
const fewSequences = 4;

/**
 * Programs: `pack` (once, when the parameters are there), `patches` (all that is there, into the cache: once, where there is more than one patch), `patch` (the last
 * patch of each sequence), `byte` (one more byte, given or drawn, to be run once for each byte of a patch) and `append`
 * (the finished patch becomes part of the sequence).
 * @param sequenceCount B
 * @param slotPatches patches of the longest sequence, at most the patch length
 */
export function generationPlan(
  config: ModelConfig,
  sequenceCount: number,
  slotPatches: number,
): GenerationPlan {
  const builder = new PlanBuilder();
  const B = sequenceCount;
  const L = slotPatches;
  const model = declareModel(builder, config, { patchCapacity: B * L, dropout: false, cached: true });
  const { P, S, V } = model;
  const patches = builder.tensor("patches", [P, S], "input", "u32");
  const fileStart = builder.tensor("fileStart", [P], "input", "u32");
  const sequences = builder.tensor("sequences", [B, 4], "input", "u32");
  const row = builder.tensor("row", [B, S], "input", "u32");
  const sampling = builder.tensor("sampling", [samplingLength], "input", "u32");

  builder.program("pack");
  const packed = B <= fewSequences ? packWeights(builder, model) : new Map();

  builder.program("patches");
  const past = patchForward(builder, model, { patches, fileStart });

  builder.program("patch");
  const feature = lastPatchForward(builder, model, { patches, fileStart }, past, sequences, packed);

  builder.program("byte");
  const logits = nextByteForward(builder, model, feature, row, sequences, packed);
  builder.call(sample, { B, S, V }, { logits, row, sequences, sampling }, "sample");

  builder.program("append");
  builder.call(appendPatch, { B, L, S }, { row, tokens: patches, sequences }, "append patch");

  return {
    plan: builder.build(),
    model,
    sequenceCount,
    slotPatches,
    patches,
    fileStart,
    sequences,
    row,
    sampling,
  };
}
