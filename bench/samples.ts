/** What several rounds of one thing took: the middle, and how far they lie apart. */

/** Median and spread. */
export interface Samples {
  /** The median round. */
  readonly seconds: number;
  /** Half of the rounds lie between these. */
  readonly quartiles: readonly [low: number, high: number];
  readonly rounds: number;
}

/** Sums rounds up; in any order, one at least. */
export function summarise(rounds: readonly number[]): Samples {
  const sorted = rounds.toSorted((a, b) => a - b);
  const at = (share: number): number => {
    const position = share * (sorted.length - 1);
    const below = sorted[Math.floor(position)]!;
    return below + (position % 1) * (sorted[Math.ceil(position)]! - below);
  };
  return { seconds: at(0.5), quartiles: [at(0.25), at(0.75)], rounds: sorted.length };
}
