/**
 * Several sources as one, each with a weight.
 * @module
 */
import { RandomStream } from "./random.ts";
import type { SampleSource } from "./sample.ts";

/** A source in a mixture. */
export interface MixturePart {
  /** What reports call it. */
  readonly name: string;
  /** Its samples. */
  readonly source: SampleSource;
  /**
   * How often an epoch shows each of its samples: 1 once, 2 twice; 0.5 shows one half in one epoch and the other half in
   * the next.
   */
  readonly weight: number;
}

/** Random streams of this file: the fixed order of each part, and the order of each epoch. */
const partStream = 0x6000_0000;
const epochStream = 0x2000_0000;

/**
 * All samples of the parts, one part after the other; an epoch shows each part by its weight, shuffled together.
 * @throws {RangeError} for a weight that is no positive number
 */
export function mixture(parts: readonly MixturePart[]): SampleSource {
  for (const { name, weight } of parts) {
    if (weight > 0 && Number.isFinite(weight)) continue;
    throw new RangeError(`Cannot mix "${name}" with weight ${weight}: it must be a positive number`);
  }
  const firsts: number[] = [];
  let count = 0;
  for (const { source } of parts) {
    firsts.push(count);
    count += source.count;
  }
  const locate = (index: number): [SampleSource, number] => {
    const part = firsts.findLastIndex((first) => first <= index);
    return [parts[part]!.source, index - firsts[part]!];
  };
  return {
    count,
    name: (index) => locate(index)[0].name(locate(index)[1]),
    patchCount: (index, sizes) => locate(index)[0].patchCount(locate(index)[1], sizes),
    read: (index, options, random) => locate(index)[0].read(locate(index)[1], options, random),
    order(epoch, seed) {
      const shown = parts.flatMap(({ source, weight }, part) =>
        partOrder(source.count, weight, epoch, seed, part).map((index) => firsts[part]! + index)
      );
      // A mixture that is too thin for a single sample shows one, so that every epoch ends.
      if (shown.length === 0) shown.push(epoch % count);
      return new RandomStream(seed, epochStream + epoch).shuffle(shown);
    },
  };
}

/** The stretch of an endlessly repeated fixed order that belongs to an epoch: over epochs every sample is shown alike. */
function partOrder(count: number, weight: number, epoch: number, seed: number, part: number): number[] {
  const order = Array.from({ length: count }, (_, i) => i);
  if (!Number.isInteger(weight)) new RandomStream(seed, partStream + part).shuffle(order);
  const from = Math.round(epoch * weight * count);
  const to = Math.round((epoch + 1) * weight * count);
  return Array.from({ length: to - from }, (_, i) => order[(from + i) % count]!);
}
