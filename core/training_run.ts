/**
 * The training loop: steps, evaluations and checkpoints in their order, told as events.
 * @module
 */
import { meanLossNats } from "./bits.ts";
import type { Checkpoint, RunState } from "./checkpoint.ts";
import { type Config, modelConfig } from "./config.ts";
import type { Evaluation } from "./evaluation.ts";
import type { DataPosition, FileSource, StripAt } from "./strip_reader.ts";
import { shuffledStrips, stripsOnce } from "./strip_reader.ts";
import type { StepMetrics, Trainer } from "./trainer.ts";

/** What a run tells while it goes on. */
export interface RunEvents {
  /** After the metrics of some steps were read, in their order. */
  onSteps(metrics: readonly StepMetrics[], progress: RunProgress): void;
  /** After an evaluation. */
  onEvaluation(step: number, evaluation: Evaluation): void;
  /** Keep a checkpoint; `best` when its evaluation was the best so far. */
  save(checkpoint: Checkpoint, best: boolean): Promise<void>;
  /** Ends the run after the current step, with a checkpoint. */
  readonly stop?: AbortSignal;
}

/** How a run gets on. */
export interface RunProgress {
  /** Passes over the training files so far. */
  readonly epoch: number;
  /** Real bytes trained on in a second, since the last report. */
  readonly bytesPerSecond: number;
}

/** What a run works on. */
export interface RunData {
  /** What is trained on. */
  readonly training: FileSource;
  /** Absent where nothing is held out. */
  readonly evaluation?: FileSource;
  /** P: patches of a strip. */
  readonly patchCapacity: number;
}

/** Why and where a run ended. */
export interface RunSummary {
  /** Steps taken. */
  readonly step: number;
  /** Whether it ended before its last step. */
  readonly stopped: boolean;
  /** The best evaluation of the whole run. */
  readonly best?: NonNullable<RunState["best"]>;
  /** Absent where nothing was evaluated. */
  readonly lastEvaluation?: Evaluation;
}

/** Reports are aimed at one in this many milliseconds: rare enough to keep the device busy. */
const reportMs = 500;

/**
 * Trains to the configured number of steps, from wherever the trainer stands.
 * @param from the state of a run that goes on
 * @throws {RangeError} when the loss stops being a number
 * @throws {Error} when a file cannot be read, after a checkpoint
 */
export async function trainingRun(
  trainer: Trainer,
  data: RunData,
  events: RunEvents,
  from?: RunState,
): Promise<RunSummary> {
  const { config } = trainer;
  const options = { ...config, patchCapacity: data.patchCapacity };
  const strips = shuffledStrips(data.training, options, from?.position);
  const meter = new ReportMeter();
  let position: DataPosition = from?.position ?? { epoch: 0, index: 0 };
  let best = from?.best;
  let lastEvaluation: Evaluation | undefined;
  let savedStep = trainer.step;
  const stopped = () => events.stop?.aborted ?? false;

  const report = async () => {
    const metrics = await trainer.metrics();
    const bytes = metrics.reduce((sum, { totals }) => sum + totals.bytes, 0);
    events.onSteps(metrics, { epoch: position.epoch, bytesPerSecond: meter.reported(metrics.length, bytes) });
  };
  const save = async (isBest: boolean) => {
    await events.save(await checkpointOf(trainer, config, data, position, best), isBest);
    savedStep = trainer.step;
    meter.restart();
  };
  const saveRest = async () => {
    if (trainer.step === savedStep) return;
    await report();
    await save(false);
  };
  /** Data that cannot be read end the run; what was trained until then is kept. */
  const reading = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      await saveRest();
      throw error;
    }
  };

  try {
    while (trainer.step < config.steps && !stopped()) {
      const batch = await reading(take(strips, config.accumulate));
      trainer.train(batch.map(({ strip }) => strip));
      position = batch.at(-1)!.next;
      const { step } = trainer;
      const last = step === config.steps;
      const evaluates = data.evaluation !== undefined && (last || step % config.evalEvery === 0);
      const saves = last || step % config.saveEvery === 0;
      if (evaluates || saves || trainer.mustReport || trainer.unreportedSteps >= meter.stepsPerReport) {
        await report();
      }
      let isBest = false;
      if (evaluates) {
        lastEvaluation = await reading(trainer.evaluate(stripsOnce(data.evaluation!, options)));
        events.onEvaluation(step, lastEvaluation);
        const lossNats = meanLossNats(lastEvaluation.totals);
        isBest = best === undefined || lossNats < best.lossNats;
        if (isBest) best = { step, lossNats };
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

/** Everything that the run needs to go on from here. */
async function checkpointOf(
  trainer: Trainer,
  config: Config,
  data: RunData,
  position: DataPosition,
  best: RunState["best"],
): Promise<Checkpoint> {
  const optimizer = await trainer.state();
  return {
    model: modelConfig(config),
    config,
    parameters: optimizer.parameters,
    optimizer,
    run: {
      step: optimizer.step,
      position,
      patchCapacity: data.patchCapacity,
      fileCount: data.training.files.length,
      ...(best && { best }),
    },
  };
}

async function take(strips: AsyncGenerator<StripAt>, count: number): Promise<StripAt[]> {
  const taken: StripAt[] = [];
  while (taken.length < count) {
    const { value, done } = await strips.next();
    if (done) break;
    taken.push(value);
  }
  return taken;
}

/** Finds how many steps make a report interval on this device, and measures the rate. */
class ReportMeter {
  stepsPerReport = 1;
  #since = performance.now();

  /** Bytes a second since the last report. */
  reported(steps: number, bytes: number): number {
    const now = performance.now();
    const elapsedMs = now - this.#since;
    this.#since = now;
    if (steps >= this.stepsPerReport) {
      if (elapsedMs < reportMs / 2) this.stepsPerReport *= 2;
      else if (elapsedMs > reportMs * 2) this.stepsPerReport = Math.max(1, this.stepsPerReport >> 1);
    }
    return bytes / (elapsedMs / 1000);
  }

  /** Leaves out time that was not spent training. */
  restart(): void {
    this.#since = performance.now();
  }
}
