import { type Checkpoint, initialParameters, type ModelConfig, parameterTable } from "@bgpt/core";
import { saveCheckpoint } from "@bgpt/core/files";

/** The sizes of the checkpoints that commands are tested with. */
export const testSizes: ModelConfig = {
  patchSize: 16,
  patchLength: 8,
  hidden: 64,
  patchLayers: 1,
  byteLayers: 1,
};

/** Writes a checkpoint of large random weights, so that no distribution is flat, and returns it. */
export async function writeCheckpoint(path: string, sizes: ModelConfig = testSizes): Promise<Checkpoint> {
  const parameters = initialParameters(parameterTable(sizes), 3).map((value) => value * 4);
  const checkpoint = { model: sizes, parameters };
  await saveCheckpoint(path, checkpoint);
  return checkpoint;
}
