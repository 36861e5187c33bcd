/**
 * The plan of generation: many sequences at once, sixteen byte steps and their sampling without the host.
 * @module
 */
import {
  appendPatch,
  type Plan,
  PlanBuilder,
  sample,
  samplingLength,
  selectFeature,
  type Tensor,
} from "@bgpt/kernels";
import type { ModelConfig } from "./config.ts";
import { byteForward, patchForward } from "./forward.ts";
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
  /** Patches so far, bytes in the patch being made, whether it ended, random stream. */
  readonly sequences: Tensor; // u32 [B, 4]
  /** The patch being made. */
  readonly row: Tensor; // u32 [B, S]
  /** How bytes are drawn. */
  readonly sampling: Tensor; // u32 [samplingLength]
}

/**
 * Programs: `patches` (features of what is there), `byte` (one more byte, to be run once for each byte of a patch) and
 * `append` (the finished patch becomes part of the sequence).
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
  const model = declareModel(builder, config, { patchCapacity: B * L, dropout: false });
  const { P, S, C, V } = model;
  const patches = builder.tensor("patches", [P, S], "input", "u32");
  const fileStart = builder.tensor("fileStart", [P], "input", "u32");
  const sequences = builder.tensor("sequences", [B, 4], "input", "u32");
  const row = builder.tensor("row", [B, S], "input", "u32");
  const sampling = builder.tensor("sampling", [samplingLength], "input", "u32");

  builder.program("patches");
  const { finalNorm } = patchForward(builder, model, { patches, fileStart });
  const feature = builder.tensor("feature", [B, C]);
  builder.call(selectFeature, { B, L, C }, { features: finalNorm.y, sequences, feature }, "select feature");

  builder.program("byte");
  const { logits } = byteForward(builder, model, feature, row);
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
