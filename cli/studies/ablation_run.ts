import {
  bitsPerRealByte,
  checkConfig,
  type Checkpoint,
  type Config,
  parameterTable,
  sharedCapacity,
  stripCapacity,
  trainingOptions,
  trainingPlan,
  trainingRun,
} from "@bgpt/core";
import { saveCheckpoint } from "@bgpt/core/files";
import type { Engine } from "@bgpt/kernels";
import { predictTeacherForced, StateScore } from "@bgpt/tasks";
import { UsageError } from "../errors.ts";
import { prepareRun } from "../prepare_run.ts";
import { ProgressLine } from "../progress.ts";
import type { AblationData } from "./ablation_data.ts";
import { stepFlops } from "./step_flops.ts";
import { variants } from "./variants.ts";

/** One measurement on what is never trained on. */
export interface AblationPoint {
  readonly step: number;
  /** Arithmetic so far. */
  readonly flops: number;
  /** Samples trained on so far, repeated ones included. */
  readonly samples: number;
  /** Over the real bytes that are scored. */
  readonly bitsPerByte: number;
  /** Of CPU states alone: bytes right of those predicted, teacher-forced. */
  readonly bytesPercent?: number;
  /** Of CPU states alone: states of which every byte is right. */
  readonly statesPercent?: number;
}

/** What one run is. */
export interface AblationPlan {
  readonly variant: string;
  readonly seed: number;
  readonly config: Config;
  readonly parameterCount: number;
  /** Arithmetic of a step. */
  readonly stepFlops: number;
}

/** What came out of one run. */
export interface AblationResult extends AblationPlan {
  readonly data: string;
  readonly seconds: number;
  /** The last one is the result. */
  readonly curve: readonly AblationPoint[];
}

/** Measurements of a run. */
const pointCount = 20;

/**
 * How a variant is trained within the budget: as many steps as it buys, a twentieth of them to warm up.
 * @param budgetFlops arithmetic of the whole training
 * @throws {UsageError} when the budget does not buy a step, or the variant cannot be
 */
export function planAblation(
  engine: Engine,
  base: Config,
  { variant, data, seed, budgetFlops }: {
    readonly variant: string;
    readonly data: AblationData;
    readonly seed: number;
    readonly budgetFlops: number;
  },
): AblationPlan {
  const fields = { ...base, patchLength: data.patchLength, seed };
  const changed = { ...fields, ...variants[variant]!.changes(fields) };
  const model = refusingAsUsage(() => checkConfig(changed, `variant "${variant}"`));
  const { training, evaluation } = data;
  const capacity = sharedCapacity(training, model, stripCapacity(training, model), 1, evaluation);
  const flops = stepFlops(
    trainingPlan(model, capacity, trainingOptions(engine)).plan,
    model.batch,
    model.accumulate,
  );
  const steps = Math.floor(budgetFlops / flops);
  if (steps === 0) {
    throw new UsageError(
      `Cannot train variant "${variant}" on ${data.name} with a budget of ${
        budgetFlops / 1e12
      } TFLOP: a step takes ` +
        `${(flops / 1e12).toPrecision(3)} TFLOP. Raise --budget`,
    );
  }
  const every = Math.ceil(steps / pointCount);
  const warmup = Math.ceil(steps / 20);
  return {
    variant,
    seed,
    config: { ...model, steps, warmup, evalEvery: every, saveEvery: every },
    parameterCount: parameterTable(model).parameterCount,
    stepFlops: flops,
  };
}

/**
 * Trains one variant once, measures it along the way, and keeps its weights.
 * @param folder where the weights go
 * @returns undefined when it was stopped
 * @throws {RangeError} when a loss or gradient is no number
 */
export async function runAblation(
  engine: Engine,
  plan: AblationPlan,
  data: AblationData,
  folder: string,
  stop: AbortSignal,
): Promise<AblationResult | undefined> {
  const { config } = plan;
  const started = performance.now();
  const { trainer, data: runData } = await prepareRun({ engine, config, ...data, out: folder });
  using progress = new ProgressLine("Training", config.steps, "steps");
  const curve: AblationPoint[] = [];
  let bitsPerByte = NaN;
  let last: Checkpoint | undefined;
  const { stopped } = await trainingRun(trainer, runData, {
    stop,
    onSteps(steps) {
      const heldOut = curve.length === 0 ? "" : `held out ${bitsPerByte.toFixed(4)} bits/byte`;
      progress.update(steps.at(-1)?.step ?? 0, heldOut);
    },
    onEvaluation: (_, { totals }) => bitsPerByte = bitsPerRealByte(totals),
    onUnreadable: (error) => {
      throw error;
    },
    async save(checkpoint) {
      const { step, position } = checkpoint.run!;
      last = checkpoint;
      curve.push({
        step,
        flops: step * plan.stepFlops,
        samples: position.epoch * data.training.count + position.index,
        bitsPerByte,
        ...await scoreStates(engine, checkpoint, data, config.batch),
      });
    },
  }).finally(() => trainer.destroy());
  if (stopped) return undefined;
  const { model, parameters } = last!;
  await saveCheckpoint(folder, { model, config, parameters });
  return { ...plan, data: data.name, seconds: (performance.now() - started) / 1000, curve };
}

/** Bytes and whole states right of programs never trained on, each state from the true ones before it. */
async function scoreStates(
  engine: Engine,
  checkpoint: Checkpoint,
  { unseen }: AblationData,
  batch: number,
): Promise<Pick<AblationPoint, "bytesPercent" | "statesPercent">> {
  if (unseen === undefined) return {};
  const predictions = await predictTeacherForced(engine, checkpoint, unseen, batch);
  const score = new StateScore();
  for (const [i, file] of unseen.entries()) score.add(file, { teacherForced: predictions[i]! });
  const { total, predicted } = score.report().teacherForced!;
  return {
    bytesPercent: 100 * predicted.bytes / total.bytes,
    statesPercent: 100 * predicted.states / total.states,
  };
}

function refusingAsUsage<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    throw new UsageError((error as Error).message, { cause: error });
  }
}
