import {
  describeBadStep,
  type LossTask,
  type PartedEvaluation,
  type RunProgress,
  type RunStep,
  type UnreadableFileError,
} from "@bgpt/core";
import { join } from "@std/path";
import { taskRecord } from "./loss_record.ts";
import { MetricsLog } from "./report/metrics_log.ts";
import { TensorBoardWriter } from "./report/tensorboard.ts";

/** What a run measures, as `metrics.jsonl` for programs and as event files for TensorBoard. */
export class RunLog implements Disposable {
  readonly path: string;
  readonly #task: LossTask;
  readonly #metrics: MetricsLog;
  readonly #board: TensorBoardWriter;

  /** @param resumedStep the step of the checkpoint that the run goes on from, 0 for a new one */
  constructor(run: string, task: LossTask, resumedStep: number) {
    this.#task = task;
    this.path = join(run, "metrics.jsonl");
    this.#metrics = new MetricsLog(this.path, resumedStep);
    this.#board = new TensorBoardWriter(join(run, "tensorboard"), resumedStep);
  }

  /** One training step, or one that was dropped or overflowed. */
  step(metrics: RunStep, { epoch, bytesPerSecond }: RunProgress): void {
    const { step, totals, gradientNorm, learningRate, bad, lossScale, overflowed } = metrics;
    if (bad !== undefined) {
      this.#metrics.write({ step, kind: "dropped", reason: describeBadStep(bad), files: bad.names });
      return;
    }
    if (overflowed) {
      this.#metrics.write({ step, kind: "overflow", lossScale: lossScale! });
      return;
    }
    const record = {
      ...taskRecord(totals, this.#task),
      gradientNorm,
      ...(lossScale !== undefined && { lossScale }),
      learningRate,
      epoch,
      bytesPerSecond: Math.round(bytesPerSecond),
      memoryBytes: Deno.memoryUsage().rss,
    };
    this.#metrics.write({ step, kind: "train", ...record });
    this.#board.write(step, prefixed("train", record));
  }

  /** A file that is left out, as was noticed after a step. */
  unreadable(step: number, { path, message }: UnreadableFileError): void {
    this.#metrics.write({ step, kind: "unreadable", file: path, reason: message });
  }

  /** One evaluation; of several sources, each of them too. */
  evaluation(step: number, { totals, samples, parts }: PartedEvaluation): void {
    const record = taskRecord(totals, this.#task);
    this.#metrics.write({ step, kind: "eval", ...record, samples });
    this.#board.write(step, prefixed("eval", record));
    if (parts.length < 2) return;
    for (const { name, totals, samples } of parts) {
      const record = taskRecord(totals, this.#task);
      this.#metrics.write({ step, kind: "source", source: name, ...record, samples });
      this.#board.write(step, prefixed(`eval/${name}`, record));
    }
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
