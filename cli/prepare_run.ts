import {
  type Checkpoint,
  classificationTrainingPlan,
  classifiedFiles,
  type Communicator,
  type Config,
  type RunData,
  sampleDigest,
  sharedCapacity,
  singleRank,
  stripCapacity,
  type TrainedPlan,
  Trainer,
  trainingOptions,
  trainingPlan,
} from "@bgpt/core";
import type { RunLock } from "@bgpt/core/files";
import { CpuEngine, type Engine, GpuEngine, type Plan } from "@bgpt/kernels";
import { note } from "./terminal.ts";
import type { TaskData } from "./training_tasks.ts";
import { tuneFor } from "./tuning.ts";

/** A run that is about to start or to go on. */
export interface TrainRun extends TaskData {
  readonly engine: Engine;
  /** The ranks that train together; rank 0 writes. This process alone by default. */
  readonly communicator?: Communicator;
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
  /** Whether blocks are computed again in the backward pass, which takes less memory. */
  readonly recompute?: boolean;
  /** Whether each rank keeps the moments of a part of the parameters only. */
  readonly shardOptimizer?: boolean;
  /** Whether kernels are tuned to the GPU; a real one's are when not given. */
  readonly tune?: boolean | undefined;
  /** Ends the run after this time, with a checkpoint, however many steps are left. */
  readonly secondsLimit?: number;
}

/**
 * Places the run on its engine, at the step that it goes on from.
 * Says where a run goes on with other data than so far.
 * @throws {RangeError} when the plan does not fit the device, or a training file not into the strips of a run that goes
 * on
 */
export async function prepareRun(run: TrainRun): Promise<{ trainer: Trainer; data: RunData }> {
  const { config, training, evaluation, labels, sampleKind, parameters, resume } = run;
  const patchCapacity = resume?.run?.patchCapacity ?? stripCapacity(training, config);
  if (resume !== undefined) checkRoom(run, patchCapacity);
  const digest = sampleDigest(training, config.seed);
  if (resume?.run?.sampleDigest !== undefined && resume.run.sampleDigest !== digest) {
    note("Going on with other data than so far: as many samples, but of other sizes, kinds or weights");
  }
  const trainer = await createTrainer(run, patchCapacity);
  if (parameters !== undefined) trainer.restore({ parameters });
  if (resume?.optimizer !== undefined) trainer.restore(resume.optimizer);
  const data = {
    training,
    evaluation,
    patchCapacity,
    sampleDigest: digest,
    ...(sampleKind && { sampleKind }),
    ...(labels && { labels, sampleCapacity: classifiedFiles(patchCapacity) }),
    dropsBadSteps: run.onBadStep === "skip",
  };
  return { trainer, data };
}

/** Strips of a run that goes on stay as they are, whatever files it is given now. */
function checkRoom({ config, training, out }: TrainRun, patchCapacity: number): void {
  for (let i = 0; i < training.count; i++) {
    const count = training.patchCount(i, config);
    if (count <= patchCapacity) continue;
    throw new RangeError(
      `Cannot resume "${out}": "${
        training.name(i)
      }" takes ${count} patches, a strip of the run holds ${patchCapacity}. ` +
        "Name the files that the run was started with, or start a new run from its weights with --init",
    );
  }
}

/** Creates the trainer; where its plan is too large for the device, the refusal also says what would fit. */
async function createTrainer(run: TrainRun, patchCapacity: number): Promise<Trainer> {
  const { engine, config, communicator } = run;
  try {
    const plan = planOf(run, patchCapacity);
    await tuneFor(engine, plan.plan, run.tune);
    return await Trainer.create(engine, config, plan, communicator);
  } catch (error) {
    const fits = fitsOn(engine);
    if (!(error instanceof RangeError && fits !== undefined)) throw error;
    const batch = largestBatch(run, fits);
    const advice = batch === 0
      ? "not even --batch 1 fits, take a smaller --preset"
      : fits(planOf({ ...run, recompute: true }, patchCapacity).plan)
      ? `--recompute fits, and --batch ${batch}`
      : `--batch ${batch} fits`;
    throw new RangeError(`${error.message}; here ${advice}`, { cause: error });
  }
}

/**
 * The plan of this rank.
 * @param patchCapacity P of a strip that holds the whole batch
 */
function planOf(run: TrainRun, patchCapacity: number): TrainedPlan {
  const { engine, config, labels, training, evaluation, communicator = singleRank } = run;
  const capacity = sharedCapacity(training, config, patchCapacity, communicator.size, evaluation);
  const options = {
    ...trainingOptions(engine),
    recompute: run.recompute ?? false,
    // Dropout is that of the batch's own strip, whatever the plan has room for.
    ...((communicator.size > 1 || capacity !== patchCapacity) && { maskPatches: patchCapacity }),
    ...(communicator.size > 1 && run.shardOptimizer && { shard: communicator }),
  };
  return labels === undefined
    ? trainingPlan(config, capacity, options)
    : classificationTrainingPlan(config, capacity, labels.length, options);
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
