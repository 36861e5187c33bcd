/**
 * Which samples of a batch a rank takes. The batch itself does not depend on how many ranks there are.
 * @module
 */
import type { EvaluationPart } from "../evaluation.ts";
import type { PatchSizes, SampleSource } from "../sample.ts";

/** A rank's share of every batch. */
export interface Share {
  /** Which rank, from 0. */
  readonly rank: number;
  /** How many ranks there are. */
  readonly size: number;
  /** Patches of a strip in its plan. */
  readonly patchCapacity: number;
  /** Most samples of a strip in its plan, where that is limited. */
  readonly sampleCapacity?: number;
}

/**
 * Cuts a row of samples into runs, one for each rank, such that the largest has as few patches as can be.
 * @param patchCounts patches of each sample
 * @param size how many ranks there are
 * @returns the first sample of each rank's run, and the number of samples; runs at the end may be empty
 */
export function shareBounds(patchCounts: readonly number[], size: number): number[] {
  let low = Math.max(0, ...patchCounts);
  let high = patchCounts.reduce((sum, count) => sum + count, 0);
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (cut(patchCounts, middle).length <= size) high = middle;
    else low = middle + 1;
  }
  const bounds = cut(patchCounts, low);
  while (bounds.length <= size) bounds.push(patchCounts.length);
  return bounds;
}

/** The first sample of each run, where a run is as long as its patches allow. */
export function cut(
  patchCounts: readonly number[],
  patchCapacity: number,
  sampleCapacity: number = Infinity,
): number[] {
  const starts: number[] = [];
  let patches = Infinity;
  for (const [i, count] of patchCounts.entries()) {
    patches += count;
    if (patches <= patchCapacity && i - starts.at(-1)! < sampleCapacity) continue;
    starts.push(i);
    patches = count;
  }
  return starts;
}

/**
 * Patches of the strip that a rank's plan is built for: its part of the batch's, and room for the cuts to fall between
 * samples of different lengths. A batch whose samples cannot be cut so evenly takes that rank two strips.
 * @param patchCapacity P of a strip that holds the whole batch
 * @param evaluation what is evaluated with the same plan: each of its samples has room, too; batches stay as they are
 */
export function sharedCapacity(
  source: SampleSource,
  sizes: PatchSizes,
  patchCapacity: number,
  size: number,
  evaluation: readonly EvaluationPart[] = [],
): number {
  const evaluated = Math.max(0, ...evaluation.map(({ source }) => lengthsOf(source, sizes).longest));
  if (size === 1) return Math.max(patchCapacity, evaluated);
  const { shortest, longest } = lengthsOf(source, sizes);
  const even = Math.ceil(patchCapacity / size);
  const room = shortest === longest ? 0 : Math.ceil(longest / 4);
  return Math.max(evaluated, Math.min(patchCapacity, Math.max(longest, even + room)));
}

/** Patches of the shortest and of the longest sample of a source. */
export function lengthsOf(
  source: SampleSource,
  sizes: PatchSizes,
): { readonly shortest: number; readonly longest: number } {
  let [shortest, longest] = [Infinity, 0];
  for (let i = 0; i < source.count; i++) {
    const count = source.patchCount(i, sizes);
    shortest = Math.min(shortest, count);
    longest = Math.max(longest, count);
  }
  return { shortest, longest };
}
