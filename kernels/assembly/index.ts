// Every exported function here is a stage of a kernel for the cpu engine: AssemblyScript, compiled to WebAssembly by
// `deno task build:assembly`. Its last two parameters are which part of the work to do, of how many.
export * from "./attention";
export * from "./attention_backward";
export * from "./byte_attention";
export * from "./byte_embedding";
export * from "./fill";
export * from "./patch_embedding";
export * from "./sampling";
export * from "./cache_rows";
export * from "./cached_attention";
export * from "./new_row_embedding";
export { appendPatch } from "./sequences";
export { scratchBytes, useScratch } from "./scratch";
export * from "./math_arrays";
export * from "./dropout";
export * from "./layer_norm";
export * from "./layer_norm_parameters";
export * from "./column_sum";
export * from "./cross_entropy";
export * from "./argmax";
export * from "./loss_sums";
export * from "./gradient_norm";
export * from "./history";
export * from "./adamw";
export { matmul } from "./matmul";
export * from "./packed_product";
export * from "./file_mean";
export * from "./class_sums";
