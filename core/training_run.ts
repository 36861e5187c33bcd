/**
 * The training loop: steps, evaluations and checkpoints in their order, told as events.
 * @module
 */
import { accuracy, meanLossNats } from "./bits.ts";
import { type BadStep, badStepOf, describeBadStep } from "./bad_step.ts";
import type { Checkpoint, RunState } from "./checkpoint.ts";
import type { EvaluationPart, PartedEvaluation } from "./evaluation.ts";
import { ReportMeter } from "./report_meter.ts";
import { checkpointOf } from "./run_checkpoint.ts";
import { classifiedFiles } from "./classification_plan.ts";
import { agreeOnBadStep } from "./distributed/agreed_bad_step.ts";
import { type AgreedBatch, agreeOnBatch } from "./distributed/agreed_batch.ts";
import { AgreedError } from "./distributed/agreed_error.ts";
import { evaluateShared } from "./distributed/evaluate_shared.ts";
import type { SampleSource, UnreadableFileError } from "./sample.ts";
import type { DataPosition, StripOptions } from "./strip_reader.ts";
import { shuffledShares } from "./strip_reader.ts";
import type { StepMetrics, Trainer } from "./trainer.ts";

/** What a run tells while it goes on. */
export interface RunEvents {
  /** After the metrics of some steps were read, in their order. */
  onSteps(steps: readonly RunStep[], progress: RunProgress): void;
  /** After an evaluation; one whose loss is no number is never the best. */
  onEvaluation(step: number, evaluation: PartedEvaluation): void;
  /** A file vanished, or changed its size: its sample is left out. Every time that its turn comes. */
  onUnreadable(error: UnreadableFileError): void;
  /** Keep a checkpoint; `best` when its evaluation was the best so far. */
  save(checkpoint: Checkpoint, best: boolean): Promise<void>;
  /** Ends the run after the current step, with a checkpoint. */
  readonly stop?: AbortSignal;
}

/** What a step reports, and what was wrong with it where it was dropped. */
export interface RunStep extends StepMetrics {
  /** Only of a step that was dropped. */
  readonly bad?: BadStep;
}

/** How a run gets on. */
export interface RunProgress {
  /** Passes over the training data so far. */
  readonly epoch: number;
  /** Bytes of files trained on since the last report. */
  readonly bytes: number;
  /** The same in a second. */
  readonly bytesPerSecond: number;
}

/** What a run works on. */
export interface RunData {
  /** What is trained on. */
  readonly training: SampleSource;
  /** Empty where nothing is held out. */
  readonly evaluation: readonly EvaluationPart[];
  /** P: patches of a strip. */
  readonly patchCapacity: number;
  /** Most samples of a strip, where the plan has room for so many only. */
  readonly sampleCapacity?: number;
  /** Tells the training data from others by {@linkcode sampleDigest}: a part of the state of the run. */
  readonly sampleDigest?: number;
  /** What a sample is, where it is no file: a part of the state of the run. */
  readonly sampleKind?: RunState["sampleKind"];
  /** Names of the classes by their numbers, where classes are learnt: a part of the checkpoint. */
  readonly labels?: readonly string[];
  /** Whether a step whose gradient is not finite is dropped; otherwise it ends the run. */
  readonly dropsBadSteps?: boolean;
}

/** Why and where a run ended. */
export interface RunSummary {
  /** Steps taken. */
  readonly step: number;
  /** Whether it ended before its last step. */
  readonly stopped: boolean;
  /** The best evaluation of the whole run; absent where none had a loss that is a number. */
  readonly best?: NonNullable<RunState["best"]>;
  /** Absent where nothing was evaluated. */
  readonly lastEvaluation?: PartedEvaluation;
}

type Best = NonNullable<RunState["best"]>;

/** After so many bad steps in a row no good one will come. */
const mostBadInARow = 10;

/**
 * Trains to the configured number of steps, from wherever the trainer stands.
 * @param from the state of a run that goes on
 * @throws {RangeError} when a loss or a gradient is not finite, naming the files and the tensor; with `dropsBadSteps` after
 * ten such steps in a row
 * @throws {Error} when no file can be read any more, after a checkpoint
 */
export async function trainingRun(
  trainer: Trainer,
  data: RunData,
  events: RunEvents,
  from?: RunState,
): Promise<RunSummary> {
  const { config } = trainer;
  const { patchCapacity, sampleCapacity } = data;
  const options: StripOptions = {
    ...config,
    patchCapacity,
    ...(sampleCapacity !== undefined && { sampleCapacity }),
    onUnreadable: (error) => events.onUnreadable(error),
  };
  const { communicator, plan: { model, task } } = trainer;
  const { rank, size } = communicator;
  const shareOptions = {
    patchCapacity: model.P,
    ...(sampleCapacity !== undefined && { sampleCapacity: classifiedFiles(model.P) }),
  };
  const strips = shuffledShares(data.training, options, { rank, size, ...shareOptions }, from?.position);
  const meter = new ReportMeter();
  let unreportedBytes = 0;
  let position: DataPosition = from?.position ?? { epoch: 0, index: 0 };
  let best = from?.best;
  let lastEvaluation: PartedEvaluation | undefined;
  let savedStep = trainer.step;
  let badInARow = 0;
  const batches = new Map<number, AgreedBatch["shares"]>(); // of the steps that were not reported yet

  const report = async () => {
    const metrics = await trainer.metrics();
    const bytes = unreportedBytes;
    unreportedBytes = 0;
    const bytesPerSecond = meter.reported(metrics.length, bytes);
    const steps: RunStep[] = [];
    let fatal: BadStep | undefined;
    for (const step of metrics) {
      const bad = step.dropped && !step.overflowed
        ? await agreeOnBadStep(communicator, await badStepOf(trainer, step, batches.get(step.step)!))
        : undefined;
      badInARow = bad === undefined ? 0 : badInARow + 1;
      if (bad !== undefined && (!data.dropsBadSteps || badInARow === mostBadInARow)) fatal = bad;
      if (fatal !== undefined) break;
      steps.push({ ...step, ...(bad && { bad }) });
    }
    batches.clear();
    events.onSteps(steps, { epoch: position.epoch, bytes, bytesPerSecond });
    if (fatal === undefined) return;
    throw new RangeError(
      `Stopped at step ${fatal.step}: ${
        describeBadStep(fatal)
      }; go on from the last checkpoint with a lower learning rate` +
        (data.dropsBadSteps ? "" : ", or drop such steps"),
    );
  };
  const save = async (isBest: boolean) => {
    if (rank === 0) await events.save(await checkpointOf(trainer, data, position, best), isBest);
    else await trainer.giveMoments();
    savedStep = trainer.step;
    meter.restart();
  };
  const saveRest = async () => {
    if (trainer.step === savedStep) return;
    await report();
    await save(false);
  };
  /**
   * Data that cannot be read end the run; what was trained until then is kept. Not where one of several ranks fails by
   * itself: a checkpoint may need parts of the moments and of dropped steps from the others, which wait for something else.
   */
  const reading = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      if (size === 1 || error instanceof AgreedError) await saveRest();
      throw error;
    }
  };

  try {
    while (trainer.step < config.steps) {
      const batch = await reading(agreeOnBatch(communicator, strips, config.accumulate, task, {
        stop: events.stop?.aborted ?? false,
        report: trainer.unreportedSteps + 1 >= meter.stepsPerReport,
      }));
      if (batch.stop) break;
      await trainer.trainShares(batch.shares);
      unreportedBytes += batch.byteCount;
      position = batch.next;
      const { step } = trainer;
      batches.set(step, batch.shares);
      const last = step === config.steps;
      const evaluates = data.evaluation.length > 0 && (last || step % config.evalEvery === 0);
      const saves = last || step % config.saveEvery === 0;
      if (evaluates || saves || trainer.mustReport || batch.report) await report();
      let isBest = false;
      if (evaluates) {
        lastEvaluation = await reading(
          evaluateShared(trainer, data.evaluation, { ...options, ...shareOptions }),
        );
        events.onEvaluation(step, lastEvaluation);
        const measured = bestOf(trainer, step, lastEvaluation);
        isBest = Number.isFinite(measured.lossNats) && (best === undefined || isBetter(measured, best));
        if (isBest) best = measured;
        meter.restart();
      }
      if (saves || isBest) await save(isBest);
    }
    await saveRest();
  } finally {
    await strips.return(undefined);
  }
  return {
    step: trainer.step,
    stopped: trainer.step < config.steps,
    ...(best && { best }),
    ...(lastEvaluation && { lastEvaluation }),
  };
}

function bestOf(trainer: Trainer, step: number, { totals }: PartedEvaluation): Best {
  const lossNats = meanLossNats(totals);
  return trainer.plan.task === "bytes" ? { step, lossNats } : { step, lossNats, accuracy: accuracy(totals) };
}

/** Classification goes by accuracy as published, and by the loss where that is the same. */
function isBetter(a: Best, b: Best): boolean {
  const gain = (a.accuracy ?? 0) - (b.accuracy ?? 0);
  return gain > 0 || gain === 0 && a.lossNats < b.lossNats;
}
