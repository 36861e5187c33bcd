import {
  accuracy,
  bitsPerByteAsPublished,
  type Checkpoint,
  describeBadStep,
  type LossTask,
  type LossTotals,
  meanLossNats,
  noLoss,
  type RunEvents,
  type RunSummary,
  trainingRun,
} from "@bgpt/core";
import { saveRunCheckpoint } from "@bgpt/core/files";
import { join } from "@std/path";
import { taskFigure, taskRecord } from "./loss_record.ts";
import { prepareRun, type TrainRun } from "./prepare_run.ts";
import { ProgressLine } from "./progress.ts";
import { takeRunFolder } from "./run_folder.ts";
import { RunLog } from "./run_log.ts";
import { StopSignal } from "./stop_signal.ts";
import { readMetrics } from "./report/metrics_log.ts";
import { trainingReport } from "./report/training_report.ts";
import type { ReportSection } from "./report/html_report.ts";
import { complain } from "./terminal.ts";
import { formatRate } from "./units.ts";

/** How it ended. */
export interface TrainOutcome {
  readonly summary: RunSummary;
  /** The last checkpoint's folder. */
  readonly checkpointPath: string;
  readonly checkpoint: Checkpoint;
  readonly seconds: number;
  /** Mean over the run, evaluations and checkpoints included. */
  readonly bytesPerSecond: number;
  /** What it learnt. */
  readonly task: LossTask;
  /** Loss of the last step. */
  readonly lastTraining: LossTotals;
  /** Steps that changed nothing, because their loss or gradient was no number. */
  readonly droppedSteps: number;
  /** Steps that changed nothing, because their loss was multiplied by too much for f16. */
  readonly overflowedSteps: number;
  /** Paths of the files that vanished, or changed their size. */
  readonly filesLeftOut: ReadonlySet<string>;
  /** Writes `report.html` into the run's folder, with more sections behind the curves, and returns its path. */
  writeReport(options?: { title?: string; summary?: string; sections?: readonly ReportSection[] }): string;
}

/**
 * Trains in a folder: checkpoints, `metrics.jsonl`, TensorBoard events and a status line. SIGINT and SIGTERM end it
 * after the current step, with a checkpoint.
 * @throws {RangeError} when the plan does not fit the device
 * @throws {Error} what ended the run, with the step that it is kept up to
 */
export async function trainInFolder(run: TrainRun): Promise<TrainOutcome> {
  const { engine, config, training, evaluation, out, resume, secondsLimit } = run;
  const { trainer, data } = await prepareRun(run);
  const { task } = trainer.plan;

  using lock = run.lock ?? await takeRunFolder(out, resume !== undefined);
  using log = new RunLog(out, task, resume?.run?.step ?? 0);
  using progress = new ProgressLine("Training", config.steps, "steps", { done: trainer.step });
  using stop = new StopSignal();
  const started = performance.now();
  let bytes = 0;
  let lastTraining = noLoss;
  let droppedSteps = 0;
  let overflowedSteps = 0;
  const filesLeftOut = new Set<string>();
  let loggedStep = trainer.step;
  let heldOut = "";
  let saved: { path: string; checkpoint: Checkpoint } | undefined;

  const events: RunEvents = {
    stop: secondsLimit === undefined
      ? stop.signal
      : AbortSignal.any([stop.signal, AbortSignal.timeout(secondsLimit * 1000)]),
    onSteps(steps, runProgress) {
      lock.check();
      for (const step of steps) {
        log.step(step, runProgress);
        loggedStep = step.step;
        if (step.overflowed) overflowedSteps++;
        if (step.bad === undefined) continue;
        droppedSteps++;
        progress.note(`Dropped step ${step.step}: ${describeBadStep(step.bad)}`);
      }
      bytes += runProgress.bytes;
      const last = steps.findLast(({ dropped }) => !dropped);
      if (last === undefined) return;
      lastTraining = last.totals;
      const rate = formatRate(runProgress.bytesPerSecond, "B");
      const norm = last.gradientNorm.toPrecision(3);
      progress.update(
        last.step,
        `${taskFigure(last.totals, task)}${heldOut}, gradient ${norm}, ${rate}`,
      );
    },
    onEvaluation(step, measured) {
      log.evaluation(step, measured);
      heldOut = ` (held out ${taskFigure(measured.totals, task)})`;
      const lossNats = meanLossNats(measured.totals);
      if (Number.isFinite(lossNats)) return;
      progress.note(
        `Evaluation after step ${step}: the loss is ${lossNats}, which is never the best. ` +
          "Check the held-out files, or take a lower learning rate",
      );
    },
    onUnreadable(error) {
      if (filesLeftOut.has(error.path)) return;
      filesLeftOut.add(error.path);
      log.unreadable(loggedStep, error);
      progress.note(`Left out: ${error.message}`);
    },
    async save(checkpoint, best) {
      lock.check();
      log.sync();
      const path = await saveRunCheckpoint(out, checkpoint, best).catch((error) => {
        lock.check(); // The folder that has gone explains every other failure.
        throw error;
      });
      saved = { path, checkpoint };
    },
  };
  const summary = await trainingRun(trainer, data, events, resume?.run)
    .catch((error) => {
      throw tellingWhatIsKept(error, (saved?.checkpoint ?? resume)?.run?.step);
    })
    .finally(() => trainer.destroy());

  const seconds = (performance.now() - started) / 1000;
  return {
    summary,
    checkpointPath: saved?.path ?? out,
    checkpoint: saved?.checkpoint ?? resume!,
    seconds,
    bytesPerSecond: bytes / seconds,
    task,
    lastTraining,
    droppedSteps,
    overflowedSteps,
    filesLeftOut,
    writeReport(options = {}) {
      const path = join(out, "report.html");
      const report = trainingReport({
        title: options.title ?? `Training run ${out}`,
        metricsPath: log.path,
        config,
        task,
        parameterCount: trainer.plan.model.table.parameterCount,
        device: `${engine.name}: ${engine.description}`,
        trainingSamples: training.count,
        ...(run.sampleKind && { sampleKind: run.sampleKind }),
        evaluation,
        ...(options.summary !== undefined && { summary: options.summary }),
        ...(options.sections && { sections: options.sections }),
      });
      Deno.writeTextFileSync(path, report);
      return path;
    },
  };
}

/** The error that ended a run, and how much of the run can be gone on with. */
function tellingWhatIsKept(error: Error, step: number | undefined): Error {
  const kept = step === undefined ? "nothing of the run is kept yet" : `the run is kept up to step ${step}`;
  return new Error(`${error.message}; ${kept}`, { cause: error });
}

/** Trains along with rank 0, which writes all that is written. */
export async function trainAlong(run: TrainRun): Promise<void> {
  const { trainer, data } = await prepareRun(run);
  using stop = new StopSignal();
  const told = new Set<string>();
  const events: RunEvents = {
    stop: stop.signal,
    onSteps() {},
    onEvaluation() {},
    onUnreadable({ path, message }) {
      if (told.has(path)) return;
      told.add(path);
      complain(`rank ${trainer.communicator.rank} leaves out: ${message}`);
    },
    save: () => Promise.resolve(),
  };
  await trainingRun(trainer, data, events, run.resume?.run).finally(() => trainer.destroy());
}

/** What `--json` prints of a run. */
export function outcomeRecord(out: string, outcome: TrainOutcome): Record<string, unknown> {
  const { summary, checkpointPath, seconds, bytesPerSecond, task, lastTraining } = outcome;
  const { droppedSteps, overflowedSteps, filesLeftOut } = outcome;
  const { totals, parts = [] } = summary.lastEvaluation ?? {};
  const told = lastTraining.positions > 0 ? {} : toldFigures(out, summary.step);
  return {
    out,
    checkpoint: checkpointPath,
    step: summary.step,
    stopped: summary.stopped,
    seconds,
    bytesPerSecond,
    ...(droppedSteps > 0 && { droppedSteps }),
    ...(overflowedSteps > 0 && { overflowedSteps }),
    ...(filesLeftOut.size > 0 && { filesLeftOut: filesLeftOut.size }),
    ...(task === "bytes"
      ? { trainingBpb: bitsPerByteAsPublished(lastTraining) }
      : { trainingAccuracy: accuracy(lastTraining) }),
    ...told,
    ...(totals && taskRecord(totals, task)),
    ...(parts.length > 1 && {
      sources: Object.fromEntries(parts.map(({ name, totals }) => [name, taskRecord(totals, task)])),
    }),
    ...(summary.best && { best: summary.best }),
  };
}

/** What `metrics.jsonl` tells of a run that took no step now: its last one, and the evaluation after it. */
function toldFigures(out: string, step: number): Record<string, unknown> {
  const records = readMetrics(join(out, "metrics.jsonl"));
  const last = (kind: string) => records.findLast((record) => record.kind === kind);
  const [trained, evaluation] = [last("train"), last("eval")];
  const { step: _, kind: __, samples: ___, ...figures } = evaluation?.step === step ? evaluation : { step };
  return {
    ...(trained?.bpb !== undefined && { trainingBpb: trained.bpb }),
    ...(trained?.accuracy !== undefined && { trainingAccuracy: trained.accuracy }),
    ...figures,
  };
}
