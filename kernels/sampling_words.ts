/**
 * How the next byte is drawn, as data in one small buffer of 32-bit words, like the numbers of a training step.
 * @module
 */

/** The choices of a draw. The filters apply in the published order: top-k, top-p on what is left, then temperature. */
export interface SamplingValues {
  /** Keep the k most probable tokens; 0 keeps all. */
  readonly topK: number;
  /** Keep the fewest most probable tokens that together reach p, in (0, 1]; 1 keeps all. */
  readonly topP: number;
  /** T > 0: the probabilities that are left get the exponent 1/T. */
  readonly temperature: number;
  /** Seed of the random streams, u32. */
  readonly seed: number;
  /** Take the most probable token instead; of equals the lowest. */
  readonly greedy: boolean;
  /** Never take the end token. */
  readonly ignoreEnd: boolean;
}

/** Word of each choice in the sampling buffer; those marked f32 are stored as their bits. */
const samplingWords = {
  /** u32 */
  topK: 0,
  /** f32 */
  topP: 1,
  /** f32 */
  temperature: 2,
  /** u32 */
  seed: 3,
  /** u32: 0 or 1 */
  greedy: 4,
  /** u32: 0 or 1 */
  ignoreEnd: 5,
} as const;

/** Length of the sampling buffer in words. */
export const samplingLength = 8;

/**
 * The sampling buffer for these choices; what is left out filters nothing.
 * @throws {RangeError} when a choice is out of its range
 */
export function encodeSampling(values: Partial<SamplingValues>): Uint32Array {
  const { topK = 0, topP = 1, temperature = 1, seed = 0, greedy = false, ignoreEnd = false } = values;
  if (!Number.isInteger(topK) || topK < 0) {
    throw new RangeError(`Cannot sample with top-k ${topK}: it must be a whole number, 0 to keep all tokens`);
  }
  if (!(Math.fround(topP) > 0 && topP <= 1)) {
    throw new RangeError(
      `Cannot sample with top-p ${topP}: it must be above 0 and at most 1, which keeps all tokens`,
    );
  }
  if (!(Math.fround(temperature) > 0 && Number.isFinite(Math.fround(temperature)))) {
    throw new RangeError(
      `Cannot sample with temperature ${temperature}: it must be above 0. ` +
        "Sample greedily to take the most probable token",
    );
  }
  const words = new Uint32Array(samplingLength);
  const floats = new Float32Array(words.buffer);
  words[samplingWords.topK] = Math.min(topK, 0xffffffff);
  floats[samplingWords.topP] = topP;
  floats[samplingWords.temperature] = temperature;
  words[samplingWords.seed] = seed;
  words[samplingWords.greedy] = Number(greedy);
  words[samplingWords.ignoreEnd] = Number(ignoreEnd);
  return words;
}

/** The choices of a sampling buffer. */
export function decodeSampling(words: Uint32Array): SamplingValues {
  const floats = new Float32Array(words.slice().buffer);
  return {
    topK: words[samplingWords.topK]!,
    topP: floats[samplingWords.topP]!,
    temperature: floats[samplingWords.temperature]!,
    seed: words[samplingWords.seed]!,
    greedy: words[samplingWords.greedy] === 1,
    ignoreEnd: words[samplingWords.ignoreEnd] === 1,
  };
}

/** WGSL expression of one choice, a u32, f32 or bool; the kernel's operand is called `sampling`. */
export function samplingWgsl(name: keyof SamplingValues): string {
  const word = `sampling[${samplingWords[name]}]`;
  if (name === "topP" || name === "temperature") return `bitcast<f32>(${word})`;
  return name === "greedy" || name === "ignoreEnd" ? `(${word} == 1u)` : word;
}
