/**
 * The plan of lossless coding: B sequences in step, of which the host takes the logits of every next byte and gives the
 * byte that it was. Coder and decoder run it alike.
 * @module
 */
import { appendPatch, type Plan, PlanBuilder, sequenceWords, type Tensor } from "@bgpt/kernels";
import { byteCacheLength, lastPatchForward, nextByteForward, patchCaches } from "./cached_forward.ts";
import type { ModelConfig } from "./config.ts";
import { declareModel, type Model } from "./model.ts";
import { byteChannels } from "./parameters.ts";

/** A plan that predicts the next byte of B sequences. */
export interface CodingPlan {
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
  /** Patches so far, bytes so far of the patch being made, and two words that stay 0. */
  readonly sequences: Tensor; // u32 [B, 4]
  /** The bytes so far of the patch being made. */
  readonly row: Tensor; // u32 [B, S]
  /** Of the next byte. */
  readonly logits: Tensor; // [B, V]
}

/**
 * Programs: `patch` (the last patch of each sequence), `byte` (the logits of one more byte) and `append` (the full patch
 * becomes part of the sequence). A sequence begins with a single patch, so there is no pass over several.
 * @param sequenceCount B
 * @param slotPatches patches of the longest sequence, at most the patch length
 */
export function codingPlan(config: ModelConfig, sequenceCount: number, slotPatches: number): CodingPlan {
  const builder = new PlanBuilder();
  const B = sequenceCount;
  const L = slotPatches;
  const model = declareModel(builder, config, { patchCapacity: B * L, dropout: false });
  const { P, S } = model;
  const patches = builder.tensor("patches", [P, S], "input", "u32");
  const sequences = builder.tensor("sequences", [B, sequenceWords], "input", "u32");
  const row = builder.tensor("row", [B, S], "input", "u32");
  const caches = patchCaches(builder, model);

  builder.program("patch");
  const made = lastPatchForward(builder, model, patches, sequences, caches, new Map());

  builder.program("byte");
  const logits = nextByteForward(builder, model, made, patches, row, sequences, new Map());

  builder.program("append");
  builder.call(appendPatch, { B, L, S }, { row, tokens: patches, sequences }, "append patch");

  return { plan: builder.build(), model, sequenceCount, slotPatches, patches, sequences, row, logits };
}

/** Bytes that each sequence of a coding plan keeps: keys and values, with the queries between them, of both levels. */
export function codingCacheBytes(config: ModelConfig, slotPatches: number): number {
  const { hidden, patchLayers, byteLayers } = config;
  const byteRows = byteLayers * byteCacheLength(config, slotPatches);
  return 4 * 3 * (hidden * patchLayers * slotPatches + byteChannels(config) * byteRows);
}
