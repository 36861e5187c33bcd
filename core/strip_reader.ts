/**
 * From samples to strips: a seeded order that can be resumed at any strip, packed greedily.
 * @module
 */
import { cut, lengthsOf, type Share, shareBounds } from "./distributed/share.ts";
import { RandomStream } from "./random.ts";
import { type Sample, type SampleOptions, type SampleSource, UnreadableFileError } from "./sample.ts";
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

/** A rank's share of a strip that all ranks take together. */
export interface StripShare {
  /** The batches: one, as a rule; none where there are fewer samples than ranks. */
  readonly strips: readonly Strip[];
  /** The names of the samples in them. */
  readonly names: readonly string[];
  /** The position behind the strip of all ranks. */
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
  /**
   * Told of every sample whose file vanished or changed its size since it was found; its strip is packed without it.
   * Where this is not given, such a file is an error.
   */
  readonly onUnreadable?: (error: UnreadableFileError) => void;
}

/** Random streams of this file: the order of each epoch, and the cut of each sample. */
const orderStream = 0x2000_0000;
const cutStream = 0x3000_0000;

/**
 * Patches of a strip with room for `batch` of the longest samples.
 * @param options sizes, and `batch`, samples of full length
 */
export function stripCapacity(
  source: SampleSource,
  options: { readonly batch: number; readonly patchSize: number; readonly patchLength: number },
): number {
  return options.batch * lengthsOf(source, options).longest;
}

/**
 * Every sample once, in the given order: for evaluation.
 * @param mayBeEmpty whether there are no strips where all files have gone: of several ranks, another may have some left
 * @throws {UnreadableFileError} when a file vanished or changed its size, and nobody is to be told; or when all have,
 * unless there may be no strips
 */
export async function* stripsOnce(
  source: SampleSource,
  options: StripOptions,
  mayBeEmpty: boolean = false,
): AsyncGenerator<StripAt> {
  const order = Array.from({ length: source.count }, (_, i) => i);
  let index = 0;
  while (index < order.length) {
    const { patchCapacity } = options;
    const from = { epoch: 0, index };
    const all = { rank: 0, size: 1, patchCapacity };
    const at = await nextStrip(source, { ...options, cut: "head" }, all, from, () => order, 0);
    // Behind the last strip there may be files that have gone.
    if (at instanceof UnreadableFileError && (index > 0 || mayBeEmpty)) return;
    if (at instanceof UnreadableFileError) throw at;
    yield { ...at, strip: at.strips[0]! };
    index = at.next.epoch > 0 ? order.length : at.next.index;
  }
}

/**
 * Strips of shuffled samples without end, from a position on: for training.
 * @throws {UnreadableFileError} when a file vanished or changed its size, and nobody is to be told; or when all have
 */
export async function* shuffledStrips(
  source: SampleSource,
  options: StripOptions,
  position?: DataPosition,
): AsyncGenerator<StripAt> {
  const { patchCapacity } = options;
  for await (const at of shuffledShares(source, options, { rank: 0, size: 1, patchCapacity }, position)) {
    yield { ...at, strip: at.strips[0]! };
  }
}

/**
 * A rank's shares of strips of shuffled samples without end, from a position on: for training. What each strip holds does
 * not depend on how many ranks there are.
 * @throws {UnreadableFileError} when a file vanished or changed its size, and nobody is to be told; or, of a single rank,
 * when all have
 */
export async function* shuffledShares(
  source: SampleSource,
  options: StripOptions,
  share: Share,
  position: DataPosition = { epoch: 0, index: 0 },
): AsyncGenerator<StripShare> {
  const order = latestOrder(source, options.seed);
  // The next strip is read while the device works on this one.
  let pending = nextStrip(source, options, share, position, order);
  while (true) {
    const at = await pending;
    if (at instanceof UnreadableFileError) throw at;
    pending = nextStrip(source, options, share, at.next, order);
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

/**
 * The share of the next strip; for a single rank, of the next that has a sample in it.
 * @param lastEpoch where there is an end, the last epoch to read from
 * @returns what is wrong with the last sample, where none could be read: to the end, or in a whole epoch
 */
async function nextStrip(
  source: SampleSource,
  options: StripOptions,
  share: Share,
  position: DataPosition,
  orderOf: (epoch: number) => readonly number[],
  lastEpoch = Infinity,
): Promise<StripShare | UnreadableFileError> {
  let from = position;
  let unreadable: UnreadableFileError | undefined;
  const told = {
    ...options,
    onUnreadable: (error: UnreadableFileError) => {
      if (options.onUnreadable === undefined) throw error;
      options.onUnreadable(unreadable = error);
    },
  };
  // The rest of this epoch, and all of the next one.
  while (from.epoch <= Math.min(lastEpoch, position.epoch + 1)) {
    const { chosen, next } = chooseSamples(source, options, from, orderOf, lastEpoch);
    const bounds = shareBounds(chosen.map(({ patchCount }) => patchCount), share.size);
    const own = chosen.slice(bounds[share.rank], bounds[share.rank + 1]);
    const read = await Promise.all(own.map((choice) => readChosen(source, told, choice)));
    const names = own.filter((_, i) => read[i] !== undefined).map(({ sample }) => source.name(sample));
    const samples = read.filter((sample) => sample !== undefined);
    // Of several ranks, another one may have samples where this one has none.
    if (samples.length > 0 || share.size > 1) {
      const before = chosen.slice(0, bounds[share.rank]).reduce((sum, { patchCount }) => sum + patchCount, 0);
      return { strips: packShare(samples, options, share, before), names, next };
    }
    from = next;
  }
  return new UnreadableFileError(
    unreadable!.path,
    `Cannot go on without files: none of the ${source.count} can be read any more. ${unreadable!.message}`,
  );
}

/**
 * As few strips as hold the samples.
 * @param before patches of the samples of the ranks before
 */
function packShare(
  samples: readonly Sample[],
  { patchSize }: StripOptions,
  share: Share,
  before: number,
): Strip[] {
  const { patchCapacity, sampleCapacity } = share;
  const starts = cut(samples.map(({ tokens }) => tokens.length / patchSize), patchCapacity, sampleCapacity);
  let firstPatch = before;
  return starts.map((start, i) => {
    const strip = packStrip(samples.slice(start, starts[i + 1]), patchCapacity, patchSize);
    const placed = { ...strip, firstPatch };
    firstPatch += strip.patchCount;
    return placed;
  });
}

/** A sample of a strip, what it takes of it, and where its cut is drawn from. */
interface Choice {
  readonly sample: number;
  readonly patchCount: number;
  readonly random: RandomStream;
}

/** As many of the next samples as a strip holds, and the position behind them. */
function chooseSamples(
  source: SampleSource,
  options: StripOptions,
  position: DataPosition,
  orderOf: (epoch: number) => readonly number[],
  lastEpoch: number,
): { readonly chosen: readonly Choice[]; readonly next: DataPosition } {
  const { patchCapacity, sampleCapacity = Infinity, seed } = options;
  const chosen: Choice[] = [];
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
          "Use the files that the run was started with, or a plan with room for this one",
      );
    }
    patchCount += samplePatches;
    if (patchCount > patchCapacity) break;
    // A cut is a function of epoch and place, so that a resumed run cuts alike.
    chosen.push({
      sample,
      patchCount: samplePatches,
      random: new RandomStream(seed, cutStream + epoch, index * 2),
    });
    index++;
    if (index === order.length) {
      epoch++;
      index = 0;
      if (epoch > lastEpoch) break;
    }
  }
  return { chosen, next: { epoch, index } };
}

/** The sample; undefined where its file cannot be read, after that was told. */
async function readChosen(
  source: SampleSource,
  options: Required<Pick<StripOptions, "onUnreadable">> & StripOptions,
  { sample, random }: Choice,
): Promise<Sample | undefined> {
  try {
    return await source.read(sample, options, random);
  } catch (error) {
    if (!(error instanceof UnreadableFileError)) throw error;
    options.onUnreadable(error);
    return undefined;
  }
}
