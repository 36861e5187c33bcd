/**
 * The plan of generation: many sequences at once, S byte steps and their sampling without the host.
 * @module
 */
import {
  appendPatch,
  type Plan,
  PlanBuilder,
  sample,
  samplingLength,
  sequenceWords,
  type Tensor,
} from "@bgpt/kernels";
import type { ModelConfig } from "./config.ts";
import {
  lastPatchForward,
  nextByteForward,
  packWeights,
  patchCaches,
  prefixForward,
} from "./cached_forward.ts";
import { type BatchInputs, declareModel, type Model } from "./model.ts";

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
  /** Patches that the pass over the prefixes takes of each sequence. */
  readonly prefixPatches: number;
  /** These, and the first patch of each patch's sequence. */
  readonly prefix: Pick<BatchInputs, "patches" | "fileStart">; // u32 [B · prefixPatches, S], [B · prefixPatches]
  /** Patches so far, bytes that were given or drawn of the patch being made, whether it ended, random stream. */
  readonly sequences: Tensor; // u32 [B, 4]
  /** The patch being made; bytes that are given stand in it from the start. */
  readonly row: Tensor; // u32 [B, S]
  /** How bytes are drawn. */
  readonly sampling: Tensor; // u32 [samplingLength]
}

// The products of a byte of `small`, packed or not, on one thread of an AMD EPYC (Zen 4, Deno 2.9.6, 2026-11-23): 1 row
// 105 or 199 µs, 2 rows 212 or 220, 4 rows 408 or 549, 6 rows 606 or 1024; of 10 the tiles of five rows take as long.
/** Up to so many sequences are multiplied with packed weights. */
const fewSequences = 8;

/**
 * Programs: `pack` (once, when the parameters are there), `prefix` (all that is there, into the cache: once, where there
 * is more than one patch), `patch` (the last patch of each sequence), `byte` and `sample` (the logits of one more byte, then
 * the byte, given or drawn; to be run once for each byte of a patch) and `append` (the finished patch becomes part of the
 * sequence).
 * @param sequenceCount B
 * @param slotPatches patches of the longest sequence, at most the patch length
 * @param prefixPatches whole patches of the longest prefix
 */
export function generationPlan(
  config: ModelConfig,
  sequenceCount: number,
  slotPatches: number,
  prefixPatches: number,
): GenerationPlan {
  const builder = new PlanBuilder();
  const B = sequenceCount;
  const L = slotPatches;
  const model = declareModel(builder, config, { patchCapacity: B * L, dropout: false });
  const { P, S, V } = model;
  const patches = builder.tensor("patches", [P, S], "input", "u32");
  const prefix = {
    patches: builder.tensor("prefix", [B * prefixPatches, S], "input", "u32"),
    fileStart: builder.tensor("fileStart", [B * prefixPatches], "input", "u32"),
  };
  const sequences = builder.tensor("sequences", [B, sequenceWords], "input", "u32");
  const row = builder.tensor("row", [B, S], "input", "u32");
  const sampling = builder.tensor("sampling", [samplingLength], "input", "u32");
  const caches = patchCaches(builder, model);

  builder.program("pack");
  const packed = B <= fewSequences ? packWeights(builder, model) : new Map();

  builder.program("prefix");
  prefixForward(builder, model, prefix, caches, B);

  builder.program("patch");
  const made = lastPatchForward(builder, model, patches, sequences, caches, packed);

  builder.program("byte");
  const logits = nextByteForward(builder, model, made, patches, row, sequences, packed);
  builder.program("sample");
  builder.call(sample, { B, S, V }, { logits, row, sequences, sampling }, "sample");

  builder.program("append");
  builder.call(appendPatch, { B, L, S }, { row, tokens: patches, sequences }, "append patch");

  return {
    plan: builder.build(),
    model,
    sequenceCount,
    slotPatches,
    patches,
    prefixPatches,
    prefix,
    sequences,
    row,
    sampling,
  };
}
