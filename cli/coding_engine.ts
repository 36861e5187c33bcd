import type { CodingEngine } from "@bgpt/tasks";
import type { Engine } from "@bgpt/kernels";
import { openCpuEngine, openEngine } from "./engine.ts";

/** `--batch`, for the commands that compress and decompress. */
export const codingBatchOption = {
  kind: "integer",
  minimum: 1,
  maximum: 1024,
  help: "blocks at once (default: up to 64, as memory allows)",
} as const;

/**
 * Opens an engine that probabilities can be coded on.
 * @param threads of a cpu engine; one for each core by default
 * @throws {Error} when a GPU is asked for and no adapter is there
 */
export async function openCodingEngine(name: CodingEngine, threads?: number): Promise<Engine> {
  const chosen = threads === undefined ? {} : { threads };
  if (name === "strict cpu") return await openCpuEngine({ ...chosen, strict: true });
  return await openEngine({ device: name, ...chosen });
}
