/**
 * What a preset takes in memory, known before anything is allocated, and whether that fits an adapter.
 * @module
 */
import { type Config, evaluationPlan, type PresetName, presets, trainingPlan } from "@bgpt/core";
import { type Plan, planMemory, type Storage } from "@bgpt/kernels";

/** What a plan is for. */
export type Purpose = "training" | "evaluation";

/** What a device can hold. */
export interface Capacity {
  /** The largest tensor, and the limit that says so. */
  readonly tensorBytes: number;
  readonly tensorLimit: string;
  /** All tensors together, where that is known: WebGPU does not tell a GPU's memory. */
  readonly totalBytes?: number;
}

/** The memory of one plan. */
export interface MemoryReport {
  readonly preset: PresetName;
  readonly purpose: Purpose;
  /** Files of full length that are computed at a time. */
  readonly batch: number;
  readonly parameterBytes: number;
  readonly gradientBytes: number;
  /** The two moments of AdamW. */
  readonly momentBytes: number;
  /** Activations, logits, losses and the patches that go in. */
  readonly activationBytes: number;
  readonly totalBytes: number;
  readonly largestTensor: { readonly name: string; readonly bytes: number };
  /** Absent where there is nothing to hold it against. */
  readonly fit?: Fit;
}

/** Whether it fits. */
export interface Fit {
  readonly fits: boolean;
  /** What is too small, where it does not. */
  readonly limit?: string;
  /** Files of full length at a time that fit; 0 where not even one does. */
  readonly largestBatch: number;
}

/** Larger batches are not looked for. */
export const largestBatchTried = 4096;

/** Files of full length that `bgpt eval` computes at a time. */
const evaluationBatch = 4;

/** The memory of one preset for training and for evaluation. */
export function reportMemory(
  preset: PresetName,
  options: { readonly batch?: number; readonly capacity?: Capacity },
): MemoryReport[] {
  const training = options.batch ?? presets[preset].batch;
  return [
    reportPlan(preset, "training", training, options.capacity),
    reportPlan(preset, "evaluation", options.batch ?? evaluationBatch, options.capacity),
  ];
}

/** The memory of one plan. */
export function reportPlan(
  preset: PresetName,
  purpose: Purpose,
  batch: number,
  capacity?: Capacity,
): MemoryReport {
  const plan = planOf(presets[preset], purpose, batch);
  const { bytesByRole, totalBytes } = planMemory(plan);
  const largest = largestStorage(plan);
  return {
    preset,
    purpose,
    batch,
    parameterBytes: bytesByRole.parameter,
    gradientBytes: bytesByRole.gradient,
    momentBytes: bytesByRole.moment,
    activationBytes: bytesByRole.activation + bytesByRole.output + bytesByRole.input,
    totalBytes,
    largestTensor: { name: largest.name, bytes: largest.length * 4 },
    ...(capacity && { fit: fitOf(presets[preset], purpose, plan, capacity) }),
  };
}

function planOf(config: Config, purpose: Purpose, batch: number): Plan {
  const patchCapacity = batch * config.patchLength;
  return (purpose === "training" ? trainingPlan : evaluationPlan)(config, patchCapacity).plan;
}

function largestStorage({ storages }: Plan): Storage {
  return storages.reduce((largest, storage) => storage.length > largest.length ? storage : largest);
}

/** The first limit that a plan exceeds. */
function exceeded(plan: Plan, capacity: Capacity): string | undefined {
  if (largestStorage(plan).length * 4 > capacity.tensorBytes) return capacity.tensorLimit;
  const { totalBytes } = capacity;
  return totalBytes !== undefined && planMemory(plan).totalBytes > totalBytes ? "memory" : undefined;
}

function fitOf(config: Config, purpose: Purpose, plan: Plan, capacity: Capacity): Fit {
  const limit = exceeded(plan, capacity);
  const holds = (batch: number) => exceeded(planOf(config, purpose, batch), capacity) === undefined;
  let [below, above] = [0, 1];
  while (above <= largestBatchTried && holds(above)) [below, above] = [above, 2 * above];
  while (below < largestBatchTried && above - below > 1) {
    const middle = (below + above) >> 1;
    if (holds(middle)) below = middle;
    else above = middle;
  }
  return { fits: limit === undefined, ...(limit !== undefined && { limit }), largestBatch: below };
}
