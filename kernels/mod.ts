/**
 * The operations of the byte model, forward and backward, and the engines that run a plan of them.
 * @module
 */
export * from "./random.ts";
