/** Inspection of files: the bits of each byte under a model, and where they are most. */
export * from "./inspect.ts";
export * from "./stretches.ts";
