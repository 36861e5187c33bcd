/**
 * The seeded split into what is trained on and what is held out.
 * @module
 */
import { RandomStream } from "./random.ts";
import { type SampleSource, selectSamples } from "./sample.ts";

/** Random streams of the split, and of the choice of a few. */
const splitStream = 0x5000_0000;
const choiceStream = 0x5100_0000;

/** Two parts of a whole. */
export interface Split<T> {
  /** What is trained on. */
  readonly training: T;
  /** What is held out; absent where that is nothing. */
  readonly evaluation?: T;
}

/** Holds a share of a source out for evaluation. */
export function holdOut(source: SampleSource, share: number, seed: number): Split<SampleSource> {
  const { training, evaluation } = holdOutIndexes(source.count, share, seed);
  return {
    training: selectSamples(source, training),
    ...(evaluation && { evaluation: selectSamples(source, evaluation) }),
  };
}

/**
 * Holds a share of so many things out, at least one where the share is above 0 and there are two; the same seed holds
 * out the same ones.
 */
export function holdOutIndexes(count: number, share: number, seed: number): Split<readonly number[]> {
  const all = Array.from({ length: count }, (_, index) => index);
  if (share === 0 || count < 2) return { training: all };
  const heldOutCount = Math.min(count - 1, Math.max(1, Math.round(count * share)));
  const heldOut = new Set(new RandomStream(seed, splitStream).shuffle([...all]).slice(0, heldOutCount));
  return {
    training: all.filter((index) => !heldOut.has(index)),
    evaluation: all.filter((index) => heldOut.has(index)),
  };
}

/** So many samples of a source, or all where there are fewer; those of a smaller number are among those of a larger. */
export function chooseSamples(source: SampleSource, count: number, seed: number): SampleSource {
  const all = Array.from({ length: source.count }, (_, index) => index);
  const chosen = new RandomStream(seed, choiceStream).shuffle(all).slice(0, count);
  return selectSamples(source, chosen.sort((a, b) => a - b));
}
