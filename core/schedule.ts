/**
 * The numbers of a step that depend on the step alone.
 * @module
 */
import type { TrainingConfig } from "./config.ts";

/** Share of the highest rate at which the cosine ends. */
const finalRateShare = 0.1;

/**
 * Learning rate of a step: a linear warm-up, then constant or a cosine to a tenth (Loshchilov and Hutter 2017).
 * @param step counted from 1
 */
export function learningRate(config: TrainingConfig, step: number): number {
  const { learningRate: peak, schedule, steps } = config;
  const warmup = Math.min(config.warmup, steps);
  if (step <= warmup) return peak * step / warmup;
  if (schedule === "constant") return peak;
  const progress = Math.min(1, (step - warmup) / Math.max(1, steps - warmup));
  return peak * (finalRateShare + (1 - finalRateShare) * 0.5 * (1 + Math.cos(Math.PI * progress)));
}
