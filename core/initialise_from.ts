/**
 * Weights to start from another checkpoint's: its own task, another modality, another patch length, or a classifier.
 * @module
 */
import { type Checkpoint, tableOf } from "./checkpoint.ts";
import type { TrainingConfig } from "./config.ts";
import { initialParameters, type ParameterTable, patchStack } from "./parameters.ts";

/** Weights of a model that starts from a checkpoint. */
export interface InheritedParameters {
  /** Flat, in the order of the new model's table. */
  readonly parameters: Float32Array;
  /** Names of the parameters that the checkpoint does not have: they start fresh. */
  readonly fresh: readonly string[];
}

/** Prefix of the names of what stands on the patch level of a classifier. */
const classifierPrefix = "classifier.";
/** Rows of this table are positions: with another patch length, those that both have are kept. */
const positionsName = `${patchStack}wpe.weight`;

/**
 * Every parameter that the checkpoint has is taken from it, the rest starts fresh. Positions beyond its patch length
 * start fresh too, and so does a classifier of other classes.
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
    if (name !== positionsName && String(from.shape) !== String(shape)) {
      throw new RangeError(
        `Cannot start from this checkpoint: its ${name} is [${from.shape}], the model needs [${shape}]. ` +
          "Give both the same sizes; only the patch length may differ",
      );
    }
    const shared = Math.min(length, from.length);
    parameters.set(checkpoint.parameters.subarray(from.offset, from.offset + shared), offset);
  }
  return { parameters, fresh };
}
