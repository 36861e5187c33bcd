/**
 * Bytes and patches, the model as a plan, training and checkpoints.
 * @module
 */
export * from "./random.ts";
