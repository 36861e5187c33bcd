import type { Checkpoint } from "@bgpt/core";
import { loadCheckpoint } from "@bgpt/core/files";
import { note } from "./terminal.ts";

/**
 * Reads what `--checkpoint` names, and says so where a run's newest checkpoint was damaged and an older one was taken.
 * @throws {Error} when there is no good checkpoint
 */
export async function openCheckpoint(path: string): Promise<Checkpoint> {
  const { checkpoint, path: found, passedOver } = await loadCheckpoint(path);
  for (const reason of passedOver) note(`Passed over a damaged checkpoint: ${reason}`);
  if (passedOver.length > 0) note(`Using ${found}`);
  return checkpoint;
}
