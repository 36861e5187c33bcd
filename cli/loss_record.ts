import {
  accuracy,
  bitsPerByteAsPublished,
  bitsPerRealByte,
  type LossTask,
  type LossTotals,
  meanLossNats,
} from "@bgpt/core";

/** The figures of a loss of bytes. */
export type LossRecord = {
  /** Mean loss of a position, nats. */
  readonly lossNats: number;
  /** Bits per byte as published. */
  readonly bpb: number;
  /** Bits per real byte; absent where there is none. */
  readonly bpbBytes?: number;
};

/** The figures of a loss of classes. */
export type ClassRecord = {
  /** Mean loss of a file, nats. */
  readonly lossNats: number;
  /** Share of the files whose class was found. */
  readonly accuracy: number;
};

/** The figures of a loss of bytes as `--json` and `metrics.jsonl` call them. */
export function lossRecord(totals: LossTotals): LossRecord {
  return {
    lossNats: meanLossNats(totals),
    bpb: bitsPerByteAsPublished(totals),
    // A source of empty files has no real byte.
    ...(totals.bytes > 0 && { bpbBytes: bitsPerRealByte(totals) }),
  };
}

/** The figures of a loss of either kind, as `--json` and `metrics.jsonl` call them. */
export function taskRecord(totals: LossTotals, task: LossTask): LossRecord | ClassRecord {
  return task === "bytes"
    ? lossRecord(totals)
    : { lossNats: meanLossNats(totals), accuracy: accuracy(totals) };
}

/** The figure that tells best how it goes, in words: `1.9312 bits/byte`, `93.75 % right`. */
export function taskFigure(totals: LossTotals, task: LossTask): string {
  return task === "bytes"
    ? `${bitsPerByteAsPublished(totals).toFixed(4)} bits/byte`
    : `${(100 * accuracy(totals)).toFixed(2)} % right`;
}
