/**
 * The numbers that change each step, as data in one small buffer of 32-bit words: a replayed plan can then never hold
 * a stale learning rate.
 * @module
 */

/** Word of each number in the step buffer; those marked f32 are stored as their bits. */
export const stepWords = {
  /** u32: seed of this step's dropout masks. */
  dropoutSeed: 0,
  /** f32: probability that dropout clears an element; 0 in evaluation. */
  dropoutRate: 1,
  /** f32: what each position's loss gradient is multiplied by, 1 / (weight of the batch · accumulated batches). */
  lossScale: 2,
  /** f32: learning rate. */
  learningRate: 3,
  /** f32: 1 − β₁ᵗ of AdamW. */
  biasCorrection1: 4,
  /** f32: 1 − β₂ᵗ of AdamW. */
  biasCorrection2: 5,
  /** f32: largest global gradient norm; 0 for no clipping. */
  maxGradientNorm: 6,
  /** u32: row of the history tensor that this step's metrics go to. */
  historyRow: 7,
  /** u32: patches before the strip, where it is a part of a longer one: dropout masks are those of the longer one. */
  firstPatch: 8,
} as const;

/** Name of a number in the step buffer. */
export type StepName = keyof typeof stepWords;

/** Length of the step buffer in words. */
export const stepLength = 12;

const integerNames: ReadonlySet<string> = new Set<StepName>(["dropoutSeed", "historyRow", "firstPatch"]);

/** The step buffer for these numbers; those left out are 0. */
export function encodeStep(values: Partial<Record<StepName, number>>): Uint32Array {
  const words = new Uint32Array(stepLength);
  const floats = new Float32Array(words.buffer);
  for (const [name, value] of Object.entries(values) as [StepName, number][]) {
    (integerNames.has(name) ? words : floats)[stepWords[name]] = value;
  }
  return words;
}

/** One number of a step buffer, decoded. */
export function stepValue(step: Uint32Array, name: StepName): number {
  const word = step[stepWords[name]]!;
  if (integerNames.has(name)) return word;
  return new Float32Array(Uint32Array.of(word).buffer)[0]!;
}

/** WGSL expression of one number; the kernel's operand is called `step`. */
export function stepWgsl(name: StepName): string {
  const word = `step[${stepWords[name]}]`;
  return integerNames.has(name) ? word : `bitcast<f32>(${word})`;
}
