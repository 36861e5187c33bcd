/**
 * Classification: labels in file names, and how right a classifier is.
 * @module
 */
export * from "./labels.ts";
export * from "./score.ts";
export * from "./score_table.ts";
