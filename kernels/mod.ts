/**
 * The operations of the byte model, forward and backward, and the engines that run a plan of them.
 * @module
 */
export * from "./random.ts";
export * from "./engine.ts";
export * from "./kernel.ts";
export * from "./memory.ts";
export * from "./plan.ts";
export * from "./step.ts";
export * from "./engines/gpu/device.ts";
export * from "./engines/gpu/engine.ts";
export { GpuExecution } from "./engines/gpu/execution.ts";
export type { Subgroups } from "./engines/gpu/subgroups.ts";
export { tune } from "./engines/gpu/tuner.ts";
export * from "./engines/reference/engine.ts";
export * from "./operations/dropout.ts";
export * from "./operations/fill.ts";
export * from "./operations/patch_embedding.ts";
export * from "./operations/byte_convolution.ts";
export * from "./operations/byte_embedding.ts";
export * from "./operations/gelu.ts";
export * from "./operations/matmul.ts";
export { type MatmulTile, matmulTile, matmulTiles } from "./operations/matmul_tile.ts";
export { partTerms, splitsOf } from "./operations/matmul_split.ts";
export { matmulDispatch, matmulSource, sumParts } from "./operations/matmul_wgsl.ts";
export {
  subgroupMatrixDispatch,
  subgroupMatrixSource,
  subgroupMatrixTolerance,
} from "./operations/matmul_subgroup_matrix.ts";
export { isDirect, type SubgroupTile, subgroupTiles } from "./operations/matmul_subgroup_tile.ts";
export * from "./operations/column_sum.ts";
export * from "./operations/argmax.ts";
export * from "./operations/adamw.ts";
export * from "./operations/cross_entropy.ts";
export * from "./operations/gradient_norm.ts";
export * from "./operations/history.ts";
export * from "./operations/layer_norm.ts";
export * from "./operations/loss_scaling.ts";
export * from "./operations/loss_sums.ts";
export * from "./operations/muon.ts";
export * from "./operations/newton_schulz.ts";
export * from "./operations/unit_norm.ts";
export * from "./operations/class_sums.ts";
export * from "./operations/file_mean.ts";
export * from "./sampling_words.ts";
export * from "./operations/sampling.ts";
export * from "./operations/cache_rows.ts";
export * from "./operations/cached_attention.ts";
export * from "./operations/new_row_convolution.ts";
export * from "./operations/new_row_embedding.ts";
export * from "./operations/new_row_ngrams.ts";
export * from "./operations/ngram_embedding.ts";
export * from "./operations/packed_product.ts";
export * from "./operations/rotary.ts";
export type { SequenceRow } from "./operations/sequence_rows.ts";
export * from "./operations/sequences.ts";
export * from "./operations/shadow.ts";
export * from "./operations/attention.ts";
export * from "./operations/attention_backward.ts";
export * from "./operations/byte_attention.ts";
export * from "./engines/cpu/engine.ts";
