/**
 * From summed nats to the two figures of bits per byte.
 * @module
 */

/** What is predicted: the bytes of the next patch, or the class of a file. */
export type LossTask = "bytes" | "classes";

/** What a loss adds up to, over any number of strips. */
export interface LossTotals {
  /** Σ loss over all predicted positions, nats. */
  readonly lossNats: number;
  /** Predicted positions, padding and end patches included; files, where classes are predicted. */
  readonly positions: number;
  /** Σ loss over real bytes alone, nats. */
  readonly byteNats: number;
  /** Real bytes among the predicted positions. */
  readonly bytes: number;
  /** Files whose class was found most probable, where classes are predicted. */
  readonly correct: number;
}

/** No loss yet. */
export const noLoss: LossTotals = { lossNats: 0, positions: 0, byteNats: 0, bytes: 0, correct: 0 };

/** The totals of the four numbers that a plan's loss adds up: Σ loss, positions, then byte loss and bytes, or hits. */
export function lossTotals(sums: ArrayLike<number>, task: LossTask): LossTotals {
  const [lossNats, positions] = [sums[0]!, sums[1]!];
  return task === "bytes"
    ? { lossNats, positions, byteNats: sums[2]!, bytes: sums[3]!, correct: 0 }
    : { lossNats, positions, byteNats: 0, bytes: 0, correct: sums[2]! };
}

/** Sum of two totals. */
export function addTotals(a: LossTotals, b: LossTotals): LossTotals {
  return {
    lossNats: a.lossNats + b.lossNats,
    positions: a.positions + b.positions,
    byteNats: a.byteNats + b.byteNats,
    bytes: a.bytes + b.bytes,
    correct: a.correct + b.correct,
  };
}

/** Mean loss of a position, nats: the published loss. */
export function meanLossNats(totals: LossTotals): number {
  return totals.lossNats / totals.positions;
}

/** Bits per byte as published: the mean loss over ln 2, which counts padding and end patches. */
export function bitsPerByteAsPublished(totals: LossTotals): number {
  return meanLossNats(totals) / Math.LN2;
}

/** Bits of the real bytes over the number of real bytes. */
export function bitsPerRealByte(totals: LossTotals): number {
  return totals.byteNats / totals.bytes / Math.LN2;
}

/** Share of the files whose class was found. */
export function accuracy(totals: LossTotals): number {
  return totals.correct / totals.positions;
}
