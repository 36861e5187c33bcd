/**
 * The forward pass of generation: of each sequence only the row that is new, its last patch or its next byte. Rows before
 * it cannot change, because attention is causal; of them, attention needs the keys and values alone. These are kept as
 * the blocks make them: a tensor [rows of all slots, 3C] for each block is the cache.
 *
 * Blocks are those of `forward.ts` on one row for each sequence; their attention is `cachedAttention`.
 * @module
 */
import {
  cachedAttention,
  cacheRows,
  lastPatchEmbedding,
  newRowRotary,
  nextByteEmbedding,
  nextByteNgrams,
  packedProduct,
  packPanels,
  panelLength,
  type PlanBuilder,
  type SequenceRow,
  type Tensor,
} from "@bgpt/kernels";
import { byteVectors, nextConvolutionForward } from "./byte_convolution.ts";
import {
  byteHead,
  featurePlace,
  learnedPositions,
  patchForward,
  projectFeature,
  stackForward,
} from "./forward.ts";
import type { ModelConfig } from "./config.ts";
import { multiplyIn, rotaryBase, rotates } from "./levels.ts";
import type { BatchInputs, Level, Model } from "./model.ts";
import {
  byteStack,
  byteTableName,
  isLinearMatrix,
  ngramTableName,
  patchStack,
  positionTableName,
} from "./parameters.ts";

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
  const linear = names.filter(isLinearMatrix);
  return new Map([...linear.map((name) => pack("NN", name)), pack("NT", byteTableName)]);
}

/** A cache for each block of the patch level. */
export function patchCaches(plan: PlanBuilder, { config, P, C }: Model): readonly Tensor[] {
  const { patchLayers: length } = config;
  return Array.from({ length }, (_, i) => plan.tensor(`lastPatch.${i}.cache`, [P, 3 * C], "output"));
}

/**
 * The first patches of each sequence into the caches, all at once.
 * @param inputs as many patches of each of B sequences, back to back
 */
export function prefixForward(
  plan: PlanBuilder,
  model: Model,
  inputs: Pick<BatchInputs, "patches" | "fileStart">,
  caches: readonly Tensor[], // [P, 3C]
  B: number,
): void {
  const P = inputs.fileStart.length;
  const { blocks } = patchForward(plan, { ...model, P }, inputs);
  const shape = { B, F: P / B, L: model.P / B, C: 3 * model.C };
  for (const [i, { qkv }] of blocks.entries()) {
    plan.call(cacheRows, shape, { rows: qkv, cache: caches[i]! }, `lastPatch.${i}.cache`);
  }
}

/** What the bytes of the next patch are made from, patch by patch. */
export interface PatchOutput {
  /** Of the last patch of each sequence. */
  readonly feature: Tensor; // [B, C]
  /** The vectors of all bytes that the convolution adds, where there is one. */
  readonly vectors?: Tensor; // [V, C of the byte level]
}

/** The last patch of each sequence to its feature. */
export function lastPatchForward(
  plan: PlanBuilder,
  model: Model,
  patches: Tensor, // u32 [P, S]
  sequences: Tensor, // u32 [B, 4]
  caches: readonly Tensor[], // [P, 3C]
  packed: PackedWeights,
): PatchOutput {
  const { P, S, V, C } = model;
  const positionCount = learnedPositions(model);
  const B = sequences.shape[0]!;
  const x = plan.tensor("lastPatch.x", [B, C]);
  plan.call(lastPatchEmbedding, { B, L: P / B, S, V, C, positionCount }, {
    sequences,
    tokens: patches,
    table: model.parameter("patch_level_decoder.patch_embedding.weight"),
    bias: model.parameter("patch_level_decoder.patch_embedding.bias"),
    ...(positionCount > 0 && { positions: model.parameter(positionTableName) }),
    x,
  }, "lastPatch.embedding");
  const level = rowLevel(plan, model, "lastPatch", sequences, caches, packed);
  const feature = stackForward(plan, model, level, x).finalNorm.y;
  return { feature, ...(model.config.byteConvolution && { vectors: byteVectors(plan, model).y }) };
}

/**
 * The bytes of each patch being made to the logits of its next byte.
 * @returns logits [B, V]
 */
export function nextByteForward(
  plan: PlanBuilder,
  model: Model,
  { feature, vectors }: PatchOutput,
  patches: Tensor, // u32 [P, S]
  row: Tensor, // u32 [B, S]
  sequences: Tensor, // u32 [B, 4]
  packed: PackedWeights,
): Tensor {
  const { P, S, V, byteC: C, config } = model;
  const B = sequences.shape[0]!;
  const cacheLength = byteCacheLength(config, P / B);
  const caches = Array.from(
    { length: config.byteLayers },
    (_, i) => plan.tensor(`nextByte.${i}.cache`, [B * cacheLength, 3 * C], "output"),
  );
  const level = rowLevel(plan, model, "nextByte", sequences, caches, packed);
  const x = plan.tensor("nextByte.x", [B, C]);
  const { shape, operands } = featurePlace(model, patches);
  plan.call(nextByteEmbedding, { B, L: P / B, S, V, C, ...shape }, {
    ...operands,
    sequences,
    tokens: row,
    feature: projectFeature(plan, model, level, feature),
    table: model.parameter(byteTableName),
    positions: model.parameter(`${byteStack}wpe.weight`),
    x,
  }, "nextByte.embedding");
  const { ngramRows: rows } = config;
  if (rows) {
    const table = model.parameter(ngramTableName);
    plan.call(
      nextByteNgrams,
      { B, L: P / B, S, C, rows },
      { sequences, tokens: row, patches, table, x },
      "nextByte.ngrams",
    );
  }
  if (vectors) nextConvolutionForward(plan, model, vectors, x, { sequences, tokens: row, patches });
  return byteHead(plan, model, stackForward(plan, model, level, x));
}

/**
 * Rows that the byte level keeps of each sequence in a block: those of the patch, the latest that bytes see, or all.
 * @param slotPatches patches that a sequence may have
 */
export function byteCacheLength(
  { patchSize, byteWindow = 0, byteGlobalHeads = 0 }: ModelConfig,
  slotPatches: number,
): number {
  return byteGlobalHeads > 0 ? slotPatches * patchSize : byteWindow || patchSize;
}

/** A level on the new row of each sequence, its attention over the cache of each block. */
function rowLevel(
  plan: PlanBuilder,
  { C, byteC, D, S, config }: Model,
  row: SequenceRow,
  sequences: Tensor,
  caches: readonly Tensor[],
  packed: PackedWeights,
): Level {
  const B = sequences.shape[0]!;
  const L = caches[0]!.shape[0]! / B;
  const [channels, theta] = row === "lastPatch" ? [C, rotaryBase.patch] : [byteC, rotaryBase.byte];
  const H = channels / D;
  const { byteWindow: window, byteGlobalHeads: globalHeads } = config;
  const seen = row === "nextByte" && window ? { ring: S, ...(globalHeads && { window, globalHeads }) } : {};
  const cacheOf = new Map(caches.map((cache, i) => [`${row}.${i}.attention`, cache]));
  const multiplyUnpacked = multiplyIn(plan);
  return {
    name: row,
    stack: row === "lastPatch" ? patchStack : byteStack,
    R: B,
    C: channels,
    layers: caches.length,
    stream: 0, // nothing is dropped out
    multiply(layout, epilogue, operands, label) {
      const { b, pre: _, ...others } = operands;
      const panels = packed.get(b);
      if (panels === undefined) return multiplyUnpacked(layout, epilogue, operands, label);
      const N = others.out.length / B;
      const shape = { M: B, N, K: b.length / N, epilogue };
      plan.call(packedProduct, shape, { ...others, panels }, label);
    },
    attention: {
      forward(qkv, out, label) {
        if (rotates(config) && (row === "lastPatch" || config.byteWindow)) {
          const shape = { B, H, D, theta, row, S };
          plan.call(newRowRotary, shape, { qkv, sequences }, `${label}.rotation`);
        }
        const operands = { sequences, qkv, cache: cacheOf.get(label)!, out };
        plan.call(cachedAttention, { B, L, H, D, row, ...seen }, operands, label);
      },
      backward() {
        throw new Error("Cannot compute gradients of generation: its cache has none");
      },
    },
  };
}
