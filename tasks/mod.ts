/**
 * What people do with the model: the data of each task, and how right its predictions are.
 * @module
 */
export * from "./classification/mod.ts";
export * from "./cpu_states/mod.ts";
export * from "./music/mod.ts";
export * from "./compression/mod.ts";
export * from "./conversion/mod.ts";
export * from "./baselines/order3.ts";
export * from "./inspection/mod.ts";
