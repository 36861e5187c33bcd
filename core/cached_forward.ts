/**
 * The forward pass of generation: of each sequence only the row that is new, its last patch or its next byte. Rows before
 * it cannot change, because attention is causal; of them, attention needs the keys and values alone. These are kept
 * where the blocks make them: a tensor [rows of all slots, 3C] for each block is the cache.
 *
 * Blocks are those of `forward.ts` on one row for each sequence; their attention is `cachedAttention`.
 * @module
 */
import {
  cachedAttention,
  lastPatchEmbedding,
  nextByteEmbedding,
  type PlanBuilder,
  type SequenceRow,
  type Tensor,
} from "@bgpt/kernels";
import { byteHead, stackForward } from "./forward.ts";
import { byteLevel, patchLevel } from "./levels.ts";
import type { BatchInputs, Level, Model, StackActivations } from "./model.ts";
import { byteStack, byteTableName, patchStack } from "./parameters.ts";

/**
 * The last patch of each sequence to its feature.
 * @param past the pass over all patches, whose queries, keys and values are the cache
 * @returns features [B, C]
 */
export function lastPatchForward(
  plan: PlanBuilder,
  model: Model,
  inputs: Pick<BatchInputs, "patches" | "fileStart">,
  past: StackActivations,
  sequences: Tensor, // u32 [B, 4]
): Tensor {
  const { P, S, V, C, L: positionCount } = model;
  const B = sequences.shape[0]!;
  const x = plan.tensor("lastPatch.x", [B, C]);
  plan.call(lastPatchEmbedding, { B, L: P / B, S, V, C, positionCount }, {
    sequences,
    tokens: inputs.patches,
    table: model.parameter("patch_level_decoder.patch_embedding.weight"),
    bias: model.parameter("patch_level_decoder.patch_embedding.bias"),
    positions: model.parameter(`${patchStack}wpe.weight`),
    x,
  }, "lastPatch.embedding");
  const caches = past.blocks.map(({ qkv }) => qkv);
  const all = patchLevel(plan, model, inputs.fileStart);
  return stackForward(plan, model, rowLevel(plan, model, all, "lastPatch", sequences, caches), x).finalNorm.y;
}

/**
 * The bytes of each patch being made to the logits of its next byte.
 * @returns logits [B, V]
 */
export function nextByteForward(
  plan: PlanBuilder,
  model: Model,
  feature: Tensor, // [B, C]
  row: Tensor, // u32 [B, S]
  sequences: Tensor, // u32 [B, 4]
): Tensor {
  const { S, V, C } = model;
  const B = sequences.shape[0]!;
  const x = plan.tensor("nextByte.x", [B, C]);
  plan.call(nextByteEmbedding, { B, S, V, C }, {
    sequences,
    tokens: row,
    feature,
    table: model.parameter(byteTableName),
    positions: model.parameter(`${byteStack}wpe.weight`),
    x,
  }, "nextByte.embedding");
  const all = byteLevel(plan, model, B);
  const caches = Array.from(
    { length: all.layers },
    (_, i) => plan.tensor(`byte.${i}.qkv`, [all.R, 3 * C], "output"),
  );
  const level = rowLevel(plan, model, all, "nextByte", sequences, caches);
  return byteHead(plan, model, stackForward(plan, model, level, x));
}

/** A level on the new row of each sequence, its attention over the cache of each block. */
function rowLevel(
  plan: PlanBuilder,
  { H, D }: Model,
  all: Level,
  row: SequenceRow,
  sequences: Tensor,
  caches: readonly Tensor[],
): Level {
  const B = sequences.shape[0]!;
  const cacheOf = new Map(caches.map((cache, i) => [`${row}.${i}.attention`, cache]));
  return {
    ...all,
    name: row,
    R: B,
    attention: {
      forward(qkv, out, label) {
        const operands = { sequences, qkv, cache: cacheOf.get(label)!, out };
        plan.call(cachedAttention, { B, L: all.R / B, H, D, row }, operands, label);
      },
      backward() {
        throw new Error("Cannot compute gradients of generation: its cache has none");
      },
    },
  };
}
