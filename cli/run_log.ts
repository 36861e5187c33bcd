import {
  bitsPerByteAsPublished,
  bitsPerRealByte,
  type Evaluation,
  meanLossNats,
  type RunProgress,
  type StepMetrics,
} from "@bgpt/core";
import { join } from "@std/path";
import { MetricsLog } from "./report/metrics_log.ts";
import { TensorBoardWriter } from "./report/tensorboard.ts";

/** What a run measures, as `metrics.jsonl` for programs and as event files for TensorBoard. */
export class RunLog implements Disposable {
  readonly path: string;
  readonly #metrics: MetricsLog;
  readonly #board: TensorBoardWriter;

  /** @param resumedStep the step of the checkpoint that the run goes on from */
  constructor(run: string, resumedStep?: number) {
    this.path = join(run, "metrics.jsonl");
    this.#metrics = new MetricsLog(this.path, resumedStep ?? 0);
    this.#board = new TensorBoardWriter(join(run, "tensorboard"), resumedStep);
  }

  /** One training step. */
  step(metrics: StepMetrics, { epoch, bytesPerSecond }: RunProgress): void {
    const { step, totals, gradientNorm, learningRate } = metrics;
    const record = {
      lossNats: meanLossNats(totals),
      bpb: bitsPerByteAsPublished(totals),
      // A strip of empty files has no real byte.
      ...(totals.bytes > 0 && { bpbBytes: bitsPerRealByte(totals) }),
      gradientNorm,
      learningRate,
      epoch,
      bytesPerSecond: Math.round(bytesPerSecond),
      memoryBytes: Deno.memoryUsage().rss,
    };
    this.#metrics.write({ step, kind: "train", ...record });
    this.#board.write(step, prefixed("train", record));
  }

  /** One evaluation. */
  evaluation(step: number, { totals, files }: Evaluation): void {
    const record = {
      lossNats: meanLossNats(totals),
      bpb: bitsPerByteAsPublished(totals),
      ...(totals.bytes > 0 && { bpbBytes: bitsPerRealByte(totals) }),
    };
    this.#metrics.write({ step, kind: "eval", ...record, files });
    this.#board.write(step, prefixed("eval", record));
  }

  /** Puts everything on the disk, so that no checkpoint is ahead of its metrics. */
  sync(): void {
    this.#metrics.sync();
    this.#board.sync();
  }

  [Symbol.dispose](): void {
    this.#metrics[Symbol.dispose]();
    this.#board[Symbol.dispose]();
  }
}

function prefixed(group: string, values: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [`${group}/${name}`, value]));
}
