import type { LossTask } from "../bits.ts";
import type { DataPosition, StripShare } from "../strip_reader.ts";
import { lossWeightOf, type TrainedShare } from "../trainer.ts";
import { AgreedError } from "./agreed_error.ts";
import type { Communicator } from "./communicator.ts";

/** What a rank wants; it becomes what all do. */
export interface Wishes {
  /** To end the run: one rank is enough. */
  readonly stop: boolean;
  /** To read the metrics after the step: rank 0 decides. */
  readonly report: boolean;
}

/** What all ranks do next. */
export interface AgreedBatch extends Wishes {
  /** This rank's shares of the step's strips. */
  readonly shares: readonly (StripShare & TrainedShare)[];
  /** Bytes of files in the strips, in all ranks together. */
  readonly byteCount: number;
  /** The position behind them. */
  readonly next: DataPosition;
}

/** What is told of each strip: samples, the weight of its loss, bytes. */
const numbersOfStrip = 3;

/**
 * Takes the next strips, and finds out what they hold in all ranks together. A strip of which nothing can be read in any
 * rank is passed over.
 * @param strips this rank's shares, without end
 * @param count strips of a step
 * @throws {AgreedError} when nothing can be read in a whole epoch
 */
export async function agreeOnBatch(
  communicator: Communicator,
  strips: AsyncGenerator<StripShare>,
  count: number,
  task: LossTask,
  wishes: Wishes,
): Promise<AgreedBatch> {
  const shares: (StripShare & TrainedShare)[] = [];
  let byteCount = 0;
  let firstEpoch: number | undefined;
  while (true) {
    const taken = await take(strips, count - shares.length);
    const own = taken.flatMap(({ strips, names }) => [
      names.length,
      lossWeightOf(strips, task),
      strips.reduce((sum, { byteCount }) => sum + byteCount, 0),
    ]);
    const leads = communicator.rank === 0;
    const all = Float64Array.of(Number(wishes.stop), Number(wishes.report && leads), ...own);
    await communicator.allReduceSum(all);
    const [stops, reports] = all;
    for (const [i, share] of taken.entries()) {
      const [samples, lossWeight, bytes] = all.subarray(2 + i * numbersOfStrip);
      if (samples! > 0) shares.push({ ...share, lossWeight: lossWeight! });
      byteCount += bytes!;
    }
    const { next } = taken.at(-1)!;
    if (shares.length === count) return { shares, byteCount, next, stop: stops! > 0, report: reports! > 0 };
    // The rest of this epoch, and all of the next one.
    firstEpoch ??= taken[0]!.next.epoch;
    if (next.epoch > firstEpoch + 1) {
      throw new AgreedError("Cannot go on without files: none can be read any more in any rank");
    }
  }
}

async function take(strips: AsyncGenerator<StripShare>, count: number): Promise<StripShare[]> {
  const taken: StripShare[] = [];
  while (taken.length < count) taken.push((await strips.next()).value);
  return taken;
}
