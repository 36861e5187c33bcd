import { bitsPerByteAsPublished, bitsPerRealByte, type LossTotals, meanLossNats } from "@bgpt/core";

/** The figures of a loss. */
export type LossRecord = {
  /** Mean loss of a position, nats. */
  readonly lossNats: number;
  /** Bits per byte as published. */
  readonly bpb: number;
  /** Bits per real byte; absent where there is none. */
  readonly bpbBytes?: number;
};

/** The figures of a loss as `--json` and `metrics.jsonl` call them. */
export function lossRecord(totals: LossTotals): LossRecord {
  return {
    lossNats: meanLossNats(totals),
    bpb: bitsPerByteAsPublished(totals),
    // A source of empty files has no real byte.
    ...(totals.bytes > 0 && { bpbBytes: bitsPerRealByte(totals) }),
  };
}
