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
export * from "./engines/reference/engine.ts";
export * from "./operations/dropout.ts";
export * from "./operations/fill.ts";
