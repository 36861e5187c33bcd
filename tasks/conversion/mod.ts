/** Conversion: files that say the same in two formats, learnt as pairs, converted and scored. */
export * from "./pair_patches.ts";
export * from "./pairs.ts";
export * from "./pair_samples.ts";
export * from "./convert.ts";
export * from "./score.ts";
