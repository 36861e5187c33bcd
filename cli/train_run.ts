import {
  accuracy,
  bitsPerByteAsPublished,
  type Checkpoint,
  classificationTrainingPlan,
  classifiedFiles,
  type Config,
  describeBadStep,
  type LossTask,
  type LossTotals,
  noLoss,
  type RunData,
  type RunEvents,
  type RunSummary,
  stripCapacity,
  type TrainedPlan,
  Trainer,
  trainingOptions,
  trainingPlan,
  trainingRun,
} from "@bgpt/core";
import { type RunLock, saveRunCheckpoint } from "@bgpt/core/files";
import { CpuEngine, type Engine, GpuEngine, type Plan } from "@bgpt/kernels";
import { join } from "@std/path";
import { taskFigure, taskRecord } from "./loss_record.ts";
import { ProgressLine } from "./progress.ts";
import { takeRunFolder } from "./run_folder.ts";
import { RunLog } from "./run_log.ts";
import { StopSignal } from "./stop_signal.ts";
import { trainingReport } from "./report/training_report.ts";
import type { ReportSection } from "./report/html_report.ts";
import type { TaskData } from "./training_tasks.ts";
import { formatRate } from "./units.ts";

/** A run that is about to start or to go on. */
export interface TrainRun extends TaskData {
  readonly engine: Engine;
  readonly config: Config;
  /** The run's folder. */
  readonly out: string;
  /** The folder, taken before; the run gives it back. */
  readonly lock?: RunLock | undefined;
  /** Weights to start from; fresh ones by default. */
  readonly parameters?: Float32Array;
  /** The checkpoint that it goes on from. */
  readonly resume?: Checkpoint;
  /** What becomes of a step whose loss or gradient is no number; it ends the run by default. */
  readonly onBadStep?: "stop" | "skip";
  /** Ends the run after this time, with a checkpoint, however many steps are left. */
  readonly secondsLimit?: number;
}

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
  const { engine, config, training, evaluation, labels, sampleKind, out, parameters, resume, secondsLimit } =
    run;
  const patchCapacity = resume?.run?.patchCapacity ?? stripCapacity(training, config);
  const trainer = await createTrainer(run, patchCapacity);
  const { task } = trainer.plan;
  if (parameters !== undefined) trainer.restore({ parameters });
  if (resume?.optimizer !== undefined) trainer.restore(resume.optimizer);

  using lock = run.lock ?? await takeRunFolder(out, resume !== undefined);
  const data: RunData = {
    training,
    evaluation,
    patchCapacity,
    ...(sampleKind && { sampleKind }),
    ...(labels && { labels, sampleCapacity: classifiedFiles(patchCapacity) }),
    dropsBadSteps: run.onBadStep === "skip",
  };
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

/** Creates the trainer; where its plan is too large for the device, the refusal also says what would fit. */
async function createTrainer(run: TrainRun, patchCapacity: number): Promise<Trainer> {
  const { engine, config } = run;
  try {
    return await Trainer.create(engine, config, planOf(run, patchCapacity));
  } catch (error) {
    const fits = fitsOn(engine);
    if (!(error instanceof RangeError && fits !== undefined)) throw error;
    const batch = largestBatch(run, fits);
    const advice = batch > 0 ? `--batch ${batch} fits` : "not even --batch 1 fits, take a smaller --preset";
    throw new RangeError(`${error.message}; here ${advice}`, { cause: error });
  }
}

function planOf({ engine, config, labels }: TrainRun, patchCapacity: number): TrainedPlan {
  const options = trainingOptions(engine);
  return labels === undefined
    ? trainingPlan(config, patchCapacity, options)
    : classificationTrainingPlan(config, patchCapacity, labels.length, options);
}

/** What a plan has to satisfy to fit a device; undefined where nothing is known. */
function fitsOn(engine: Engine): ((plan: Plan) => boolean) | undefined {
  if (engine instanceof CpuEngine) return (plan) => engine.planBytes(plan) <= engine.memoryBytes;
  if (!(engine instanceof GpuEngine)) return undefined;
  const { maxBufferSize, maxStorageBufferBindingSize } = engine.gpu.device.limits;
  const tensorBytes = Math.min(maxBufferSize, maxStorageBufferBindingSize);
  return (plan) => engine.memoryOf(plan).slots.every(({ length }) => length * 4 <= tensorBytes);
}

/** The largest half, quarter, … of the batch whose plan fits; 0 for none. */
function largestBatch(run: TrainRun, fits: (plan: Plan) => boolean): number {
  const { config, training } = run;
  for (let batch = config.batch >> 1; batch > 0; batch >>= 1) {
    const { plan } = planOf(run, stripCapacity(training, { ...config, batch }));
    if (fits(plan)) return batch;
  }
  return 0;
}

/** What `--json` prints of a run. */
export function outcomeRecord(out: string, outcome: TrainOutcome): Record<string, unknown> {
  const { summary, checkpointPath, seconds, bytesPerSecond, task, lastTraining } = outcome;
  const { droppedSteps, overflowedSteps, filesLeftOut } = outcome;
  const { totals, parts = [] } = summary.lastEvaluation ?? {};
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
    ...(totals && taskRecord(totals, task)),
    ...(parts.length > 1 && {
      sources: Object.fromEntries(parts.map(({ name, totals }) => [name, taskRecord(totals, task)])),
    }),
    ...(summary.best && { best: summary.best }),
  };
}
