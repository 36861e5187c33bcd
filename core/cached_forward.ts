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
  packedProduct,
  packPanels,
  panelLength,
  type PlanBuilder,
  type SequenceRow,
  type Tensor,
} from "@bgpt/kernels";
import { byteHead, stackForward } from "./forward.ts";
import { byteLevel, patchLevel } from "./levels.ts";
import type { BatchInputs, Level, Model, StackActivations } from "./model.ts";
import { byteStack, byteTableName, patchStack } from "./parameters.ts";

/** Panels by the weights that they are a copy of; without them rows are multiplied with weights as they lie. */
export type PackedWeights = ReadonlyMap<Tensor, Tensor>;

/** Packs the weights that rows are multiplied with. */
export function packWeights(plan: PlanBuilder, model: Model): PackedWeights {
  const pack = (layout: "NN" | "NT", name: string): [Tensor, Tensor] => {
    const b = model.parameter(name);
    const [K, N] = (layout === "NN" ? b.shape : [...b.shape].reverse()) as [number, number];
    const panels = plan.tensor(`${name}.panels`, [panelLength(N, K)], "parameter");
    plan.call(packPanels, { layout, N, K }, { b, panels }, `${name}.pack`);
    return [b, panels];
  };
  const names = model.table.parameters.map(({ name }) => name);
  const inBlocks = names.filter((name) => /\.h\.\d+\.(attn|mlp)\.\w+\.weight$/.test(name));
  return new Map([...inBlocks.map((name) => pack("NN", name)), pack("NT", byteTableName)]);
}

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
  packed: PackedWeights,
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
  const level = rowLevel(plan, model, all, "lastPatch", sequences, caches, packed);
  return stackForward(plan, model, level, x).finalNorm.y;
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
  packed: PackedWeights,
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
  const level = rowLevel(plan, model, all, "nextByte", sequences, caches, packed);
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
  packed: PackedWeights,
): Level {
  const B = sequences.shape[0]!;
  const cacheOf = new Map(caches.map((cache, i) => [`${row}.${i}.attention`, cache]));
  return {
    ...all,
    name: row,
    R: B,
    multiply(layout, epilogue, operands, label) {
      const { b, pre: _, ...others } = operands;
      const panels = packed.get(b);
      if (panels === undefined) return all.multiply(layout, epilogue, operands, label);
      const N = others.out.length / B;
      const shape = { M: B, N, K: b.length / N, epilogue };
      plan.call(packedProduct, shape, { ...others, panels }, label);
    },
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
