/**
 * What people do with the byte model, and the data that each needs.
 * @module
 */
export * from "./cpu_states/mod.ts";
