/**
 * From samples to strips: a seeded order that can be resumed at any strip, packed greedily.
 * @module
 */
import { RandomStream } from "./random.ts";
import type { SampleOptions, SampleSource } from "./sample.ts";
import { packStrip, type Strip } from "./strip.ts";

/** The next sample to be read: which epoch, and how far in its order. */
export interface DataPosition {
  /** Epochs done. */
  readonly epoch: number;
  /** Samples of this epoch's order that were read. */
  readonly index: number;
}

/** A strip, the samples in it, and where to go on after it. */
export interface StripAt {
  /** The batch. */
  readonly strip: Strip;
  /** The names of its samples. */
  readonly names: readonly string[];
  /** The position behind it. */
  readonly next: DataPosition;
}

/** How samples become strips. */
export interface StripOptions extends SampleOptions {
  /** P: patches of a strip. */
  readonly patchCapacity: number;
  /** Most samples of a strip, where that is limited. */
  readonly sampleCapacity?: number;
  /** Seed of order and cuts. */
  readonly seed: number;
}

/** Random streams of this file: the order of each epoch, and the cut of each sample. */
const orderStream = 0x2000_0000;
const cutStream = 0x3000_0000;

/**
 * Patches of a strip with room for `batch` of the longest samples: what a plan is built for.
 * @param batch samples of full length
 */
export function stripCapacity(
  source: SampleSource,
  options: { readonly batch: number; readonly patchSize: number; readonly patchLength: number },
): number {
  let longest = 0;
  for (let i = 0; i < source.count; i++) longest = Math.max(longest, source.patchCount(i, options));
  return options.batch * longest;
}

/** Every sample once, in the given order: for evaluation. */
export async function* stripsOnce(source: SampleSource, options: StripOptions): AsyncGenerator<StripAt> {
  const order = Array.from({ length: source.count }, (_, i) => i);
  let index = 0;
  while (index < order.length) {
    const at = await nextStrip(source, { ...options, cut: "head" }, { epoch: 0, index }, () => order, false);
    yield at;
    index = at.next.epoch > 0 ? order.length : at.next.index;
  }
}

/** Strips of shuffled samples without end, from a position on: for training. */
export async function* shuffledStrips(
  source: SampleSource,
  options: StripOptions,
  position: DataPosition = { epoch: 0, index: 0 },
): AsyncGenerator<StripAt> {
  const order = latestOrder(source, options.seed);
  // The next strip is read while the device works on this one.
  let pending = nextStrip(source, options, position, order, true);
  while (true) {
    const at = await pending;
    pending = nextStrip(source, options, at.next, order, true);
    // A failure is thrown when its turn comes, not while nobody waits for it.
    pending.catch(() => {});
    yield at;
  }
}

/** The order of an epoch; keeps the latest. */
function latestOrder(source: SampleSource, seed: number): (epoch: number) => readonly number[] {
  let current = -1;
  let order: readonly number[] = [];
  return (epoch) => {
    if (epoch !== current) {
      const all = () => Array.from({ length: source.count }, (_, i) => i);
      order = source.order?.(epoch, seed) ?? new RandomStream(seed, orderStream + epoch).shuffle(all());
      current = epoch;
    }
    return order;
  };
}

async function nextStrip(
  source: SampleSource,
  options: StripOptions,
  position: DataPosition,
  orderOf: (epoch: number) => readonly number[],
  wraps: boolean,
): Promise<StripAt> {
  const { patchCapacity, sampleCapacity = Infinity, seed } = options;
  const chosen: { sample: number; random: RandomStream }[] = [];
  let { epoch, index } = position;
  let patchCount = 0;
  while (chosen.length < sampleCapacity) {
    const order = orderOf(epoch);
    const sample = order[index];
    if (sample === undefined) {
      throw new RangeError(
        `Cannot go on at sample ${index} of an epoch of ${order.length}. Name the data and weights that the run was started with`,
      );
    }
    const samplePatches = source.patchCount(sample, options);
    if (samplePatches > patchCapacity) {
      throw new RangeError(
        `Cannot pack "${
          source.name(sample)
        }": it takes ${samplePatches} patches, a strip holds ${patchCapacity}. ` +
          "Use the files that the run was started with",
      );
    }
    patchCount += samplePatches;
    if (patchCount > patchCapacity) break;
    // A cut is a function of epoch and place, so that a resumed run cuts alike.
    chosen.push({ sample, random: new RandomStream(seed, cutStream + epoch, index * 2) });
    index++;
    if (index === order.length) {
      epoch++;
      index = 0;
      if (!wraps) break;
    }
  }
  const samples = await Promise.all(chosen.map(({ sample, random }) => source.read(sample, options, random)));
  const names = chosen.map(({ sample }) => source.name(sample));
  return { strip: packStrip(samples, patchCapacity, options.patchSize), names, next: { epoch, index } };
}
