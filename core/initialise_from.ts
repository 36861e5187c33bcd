/**
 * Weights to start from another checkpoint's: its own task, another modality, another patch length, or a classifier.
 * @module
 */
import { type Checkpoint, tableOf } from "./checkpoint.ts";
import type { TrainingConfig } from "./config.ts";
import { initialParameters, type ParameterTable, positionTableName } from "./parameters.ts";

/** Weights of a model that starts from a checkpoint. */
export interface InheritedParameters {
  /** Flat, in the order of the new model's table. */
  readonly parameters: Float32Array;
  /** Names of the parameters that the checkpoint does not have: they start fresh. */
  readonly fresh: readonly string[];
  /**
   * Names of the parameters that the checkpoint has and the model does not: they are left behind. A classifier has no byte
   * level; that of a checkpoint is not named.
   */
  readonly dropped: readonly string[];
}

/** Prefix of the names of what stands on the patch level of a classifier. */
const classifierPrefix = "classifier.";
/** Prefix of the names of what a classifier has none of. */
const byteLevelPrefix = "byte_level_decoder.";

/**
 * Every parameter that both have is taken from the checkpoint. What it has beyond them is left behind, what the model has
 * starts fresh. Of another patch length, the positions that both have are taken; a classifier of other classes starts
 * fresh.
 * @param table the new model's parameters
 * @param start how what starts fresh does
 * @param labels the new model's classes, where it has any
 * @throws {RangeError} when a parameter has other sizes
 */
export function parametersFrom(
  checkpoint: Checkpoint,
  table: ParameterTable,
  start: Pick<TrainingConfig, "seed" | "byteTables">,
  labels: readonly string[] = [],
): InheritedParameters {
  const parameters = initialParameters(table, start.seed, start.byteTables);
  const known = new Map(tableOf(checkpoint).parameters.map((parameter) => [parameter.name, parameter]));
  const fresh: string[] = [];
  const sameClasses = JSON.stringify(checkpoint.labels ?? []) === JSON.stringify(labels);
  for (const { name, shape, offset, length } of table.parameters) {
    const from = known.get(name);
    if (from === undefined || name.startsWith(classifierPrefix) && !sameClasses) {
      fresh.push(name);
      continue;
    }
    if (name !== positionTableName && String(from.shape) !== String(shape)) {
      throw new RangeError(
        `Cannot start from this checkpoint: its ${name} is [${from.shape}], the model needs [${shape}]. ` +
          "Give both the same sizes; only the patch length may differ",
      );
    }
    const shared = Math.min(length, from.length);
    parameters.set(checkpoint.parameters.subarray(from.offset, from.offset + shared), offset);
  }
  const names = new Set(table.parameters.map(({ name }) => name));
  const classifies = table.parameters.some(({ name }) => name.startsWith(classifierPrefix));
  const dropped = [...known.keys()].filter((name) =>
    !names.has(name) && !(classifies && name.startsWith(byteLevelPrefix))
  );
  return { parameters, fresh, dropped };
}
