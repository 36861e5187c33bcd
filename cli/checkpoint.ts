import type { Checkpoint } from "@bgpt/core";
import { loadCheckpoint } from "@bgpt/core/files";
import { note } from "./terminal.ts";

/** The option of every command that works with a trained model. */
export const checkpointOption = {
  kind: "path",
  placeholder: "DIR",
  required: true,
  help: "a checkpoint, or the --out folder of a run",
} as const;

/**
 * Reads what `--checkpoint` names, without the optimizer, and says so where a run's newest checkpoint was damaged and an
 * older one was taken.
 * @throws {Error} when there is no good checkpoint
 */
export async function openCheckpoint(path: string): Promise<Checkpoint> {
  const { checkpoint, path: found, passedOver } = await loadCheckpoint(path, "weights");
  for (const reason of passedOver) note(`Passed over a damaged checkpoint: ${reason}`);
  if (passedOver.length > 0) note(`Using ${found}`);
  return checkpoint;
}

/**
 * Reads a checkpoint that can generate.
 * @param purpose what it is for, in an error: `convert`
 * @throws {Error} when it classifies
 */
export async function openGenerativeCheckpoint(path: string, purpose: string): Promise<Checkpoint> {
  const checkpoint = await openCheckpoint(path);
  if (checkpoint.labels === undefined) return checkpoint;
  throw new Error(
    `Cannot ${purpose} with "${path}": it classifies files into ${checkpoint.labels.length} classes and predicts no ` +
      "bytes. Name a checkpoint of generative training",
  );
}

/**
 * Reads a checkpoint that can classify.
 * @throws {Error} when it generates
 */
export async function openClassifier(
  path: string,
): Promise<Checkpoint & Required<Pick<Checkpoint, "labels">>> {
  const { labels, ...checkpoint } = await openCheckpoint(path);
  if (labels !== undefined) return { ...checkpoint, labels };
  throw new Error(
    `Cannot classify with "${path}": it predicts bytes and knows no classes. Name a checkpoint of ` +
      "bgpt train --task classification",
  );
}
