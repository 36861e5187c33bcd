/**
 * Training: strips in, optimizer steps, metrics and a state that can be saved.
 * @module
 */
import {
  encodeStep,
  type Engine,
  type Execution,
  firstLossScale,
  historyColumns,
  lossScaleColumn,
  randomUint32,
  type Tensor,
  windowAlignment,
} from "@bgpt/kernels";
import { type LossTask, type LossTotals, lossTotals } from "./bits.ts";
import type { Config } from "./config.ts";
import { type Communicator, singleRank } from "./distributed/communicator.ts";
import { bucketGradients, type GradientBucket } from "./distributed/gradient_buckets.ts";
import { GradientSum } from "./distributed/gradient_sum.ts";
import { gatherMoment, updateParts } from "./distributed/sharded_update.ts";
import { type BadTensor, firstBadTensor } from "./diagnose.ts";
import { evaluateStrips, type Evaluation } from "./evaluation.ts";
import { checkStorage, decayBlocks, initialParameters } from "./parameters.ts";
import { learningRate } from "./schedule.ts";
import type { Strip } from "./strip.ts";
import { historyRows, type TrainedPlan } from "./training_plan.ts";

/** What one optimizer step reports. */
export interface StepMetrics {
  /** Counted from 1. */
  readonly step: number;
  /** Losses of the step's strips. */
  readonly totals: LossTotals;
  /** Global L2 norm before clipping. */
  readonly gradientNorm: number;
  /** The rate that it was taken with. */
  readonly learningRate: number;
  /** Whether its gradient was not finite: then it changed neither weights nor moments. */
  readonly dropped: boolean;
  /** What its loss was multiplied by; absent where losses are not scaled. */
  readonly lossScale?: number;
  /** Whether it was dropped because the scale was too large: the next ones have a smaller one, and nothing is wrong. */
  readonly overflowed: boolean;
}

/** Where the search for the scale of losses stands. */
export interface LossScaling {
  /** What the next step's loss is multiplied by. */
  readonly scale: number;
  /** Good steps since it changed. */
  readonly goodSteps: number;
}

/** Everything that the optimizer needs to go on; flat, in the order of the parameter table. */
export interface OptimizerState {
  /** Steps taken. */
  readonly step: number;
  /** The weights. */
  readonly parameters: Float32Array;
  /** Running mean of the gradient; of what Muon updates, its momentum. */
  readonly moment1: Float32Array;
  /** Running mean of its square; of what Muon updates, zeros. */
  readonly moment2: Float32Array;
  /** Absent where losses are not scaled. */
  readonly lossScaling?: LossScaling;
}

/** What a rank takes of a strip that all ranks take together. */
export interface TrainedShare {
  /** Its own strips: one, as a rule. */
  readonly strips: readonly Strip[];
  /** What the loss of the strip is the mean over, in all ranks together. */
  readonly lossWeight: number;
}

/** What the loss of a strip is the mean over: predicted bytes, or files with a class. */
export function lossWeightOf(strips: readonly Strip[], task: LossTask): number {
  const weightOf = ({ lossWeight, samples }: Strip) =>
    task === "bytes" ? lossWeight : samples.filter(({ label }) => label !== undefined).length;
  return strips.reduce((sum, strip) => sum + weightOf(strip), 0);
}

/** Parts that gradients are summed over the ranks in: the last one, an eighth, waits for nothing that is computed. */
const bucketCount = 8;

/** Random stream of the dropout seeds. */
const dropoutStream = 0x4000_0000;

/** A model in training on an engine. */
export class Trainer {
  /** How it trains. */
  readonly config: Config;
  /** What it replays. */
  readonly plan: TrainedPlan;
  /** The ranks that train the model together. */
  readonly communicator: Communicator;
  readonly #engine: Engine;
  readonly #execution: Execution;
  /** Forward and backward. */
  readonly #passPrograms: readonly string[];
  readonly #buckets: readonly GradientBucket[];
  /** Only where there are several ranks. */
  readonly #sum: GradientSum | undefined;
  #step = 0;
  /** Last step whose metrics were read. */
  #reported = 0;

  private constructor(
    engine: Engine,
    config: Config,
    plan: TrainedPlan,
    execution: Execution,
    communicator: Communicator,
    buckets: readonly GradientBucket[],
  ) {
    this.config = config;
    this.plan = plan;
    this.communicator = communicator;
    this.#passPrograms = ["forward", ...buckets.map(({ program }) => program)];
    if (communicator.size > 1) this.#sum = new GradientSum(execution, communicator, buckets, plan);
    this.#buckets = buckets;
    this.#engine = engine;
    this.#execution = execution;
  }

  /**
   * Allocates a plan and starts from fresh parameters.
   * @param plan built for this configuration
   * @param communicator the ranks that train the model together, this one alone by default
   * @throws {RangeError} when the plan does not fit the engine
   */
  static async create(
    engine: Engine,
    config: Config,
    plan: TrainedPlan,
    communicator: Communicator = singleRank,
  ): Promise<Trainer> {
    const { plan: bucketed, buckets } = bucketGradients(plan, communicator.size > 1 ? bucketCount : 1);
    const execution = await engine.prepare(bucketed);
    const trainer = new Trainer(engine, config, plan, execution, communicator, buckets);
    const { table, parameters } = plan.model;
    const decay = decayBlocks(table, config.weightDecay, config.decay, config.optimizer);
    execution.write(plan.decay, trainer.#ownPart(decay, windowAlignment));
    execution.write(parameters, initialParameters(table, config.seed, config.byteTables));
    trainer.#writeLossScaling({ scale: firstLossScale, goodSteps: 0 });
    return trainer;
  }

  /** Steps taken. */
  get step(): number {
    return this.#step;
  }

  /**
   * Queues one optimizer step over the given strips: the mean of their mean losses. It does not wait.
   */
  train(strips: readonly Strip[]): void {
    const { task } = this.plan;
    this.#pass(strips.map((strip) => ({ strips: [strip], lossWeight: lossWeightOf([strip], task) })), [
      "update",
    ]);
  }

  /**
   * Takes one optimizer step over strips that the ranks share: the mean of their mean losses. With a single rank it does not
   * wait; several wait for the gradients of all.
   */
  async trainShares(shares: readonly TrainedShare[]): Promise<void> {
    const sum = this.#sum;
    if (sum === undefined) return void this.#pass(shares, ["update"]);
    const ran = this.#pass(shares, [], ["forward"]);
    await (ran ? sum.backward() : sum.withoutBackward());
    const { plan } = this;
    if (plan.part === undefined) return this.#execution.run("update");
    await updateParts(this.#execution, this.communicator, plan, plan.part, this.#buckets);
  }

  /**
   * Runs forward and backward over all strips.
   * @param after the programs to run at the end
   * @param last what to run of the two for the last strip
   * @returns whether there was a strip
   */
  #pass(shares: readonly TrainedShare[], after: readonly string[], last = this.#passPrograms): boolean {
    const { plan } = this;
    const execution = this.#execution;
    this.#step++;
    let before = ["clear"];
    const passes = shares.flatMap(({ strips, lossWeight }, index) =>
      strips.map((strip) => ({
        strip,
        words: this.#stepWords(this.#step, index, shares.length, lossWeight, strip.firstPatch),
      }))
    );
    for (const [i, { strip, words }] of passes.entries()) {
      plan.write(execution, strip);
      execution.write(plan.model.step, words);
      const isLast = i === passes.length - 1;
      execution.run(...before, ...(isLast ? [...last, ...after] : this.#passPrograms));
      before = [];
    }
    if (passes.length > 0) return true;
    // The update needs its numbers also where this rank has nothing to do.
    execution.write(plan.model.step, this.#stepWords(this.#step, 0, shares.length, 0));
    execution.run(...before, ...after);
    return false;
  }

  #stepWords(
    step: number,
    index: number,
    stripCount: number,
    lossWeight: number,
    firstPatch = 0,
  ): Uint32Array {
    const { config } = this;
    const counter = (step - 1) * stripCount + index;
    return encodeStep({
      dropoutSeed: randomUint32(counter, dropoutStream, config.seed),
      dropoutRate: config.dropout,
      // A strip of which nothing is scored has no gradient.
      lossScale: lossWeight === 0 ? 0 : 1 / (lossWeight * stripCount),
      learningRate: learningRate(config, step),
      biasCorrection1: 1 - config.beta1 ** step,
      biasCorrection2: 1 - config.beta2 ** step,
      maxGradientNorm: config.maxGradientNorm,
      historyRow: step % historyRows,
      firstPatch,
    });
  }

  /** Steps queued since metrics were last read; they must be read before the device's history is full. */
  get unreportedSteps(): number {
    return this.#step - this.#reported;
  }

  /** Whether the history has no room for another step. */
  get mustReport(): boolean {
    return this.unreportedSteps >= historyRows;
  }

  /**
   * Waits for the queued steps and returns the metrics of those not reported yet, dropped ones among them.
   * @throws {RangeError} when a loss is not finite though its gradient is: that step was taken
   */
  async metrics(): Promise<StepMetrics[]> {
    const last = this.#step;
    const history = await this.#execution.readFloats(this.plan.history);
    const metrics: StepMetrics[] = [];
    for (let step = this.#reported + 1; step <= last; step++) {
      const row = history.subarray((step % historyRows) * historyColumns);
      const totals = lossTotals(row, this.plan.task);
      const [gradientNorm, scale] = [row[4]!, row[5]!];
      const dropped = scale < 0;
      const lossScale = this.plan.lossScaling && row[lossScaleColumn]!;
      const overflowed = dropped && lossScale !== undefined && lossScale > 1;
      if (!dropped && !Number.isFinite(totals.lossNats)) {
        throw new RangeError(
          `Stopped at step ${step}: the loss is ${totals.lossNats} and the gradient norm ${gradientNorm}; ` +
            "go on from the last checkpoint with a lower learning rate",
        );
      }
      metrics.push({
        ...{ step, totals, gradientNorm, learningRate: learningRate(this.config, step), dropped, overflowed },
        ...(lossScale !== undefined && { lossScale }),
      });
    }
    this.#reported = last;
    return metrics;
  }

  /**
   * Which tensor of this rank's part of a step is not finite first, found by taking it again with the weights of now.
   * @throws {RangeError} when the plan does not fit the engine a second time
   */
  async diagnose(step: number, shares: readonly TrainedShare[]): Promise<BadTensor | undefined> {
    const parameters = await this.#execution.readFloats(this.plan.model.parameters);
    const inputs = shares.flatMap(({ strips, lossWeight }, index) => {
      const words = ({ firstPatch }: Strip) =>
        this.#stepWords(step, index, shares.length, lossWeight, firstPatch);
      return strips.map((strip) => ({ strip, words: words(strip) }));
    });
    return await firstBadTensor(this.#engine, this.plan, parameters, inputs);
  }

  /** The loss of strips, without dropout. */
  evaluate(strips: AsyncIterable<{ readonly strip: Strip }>): Promise<Evaluation> {
    return evaluateStrips(this.#execution, this.plan, strips);
  }

  /**
   * Waits for the queued steps and reads everything that a resumed run needs. Where the plan updates a part, for rank 0
   * alone: the others call {@linkcode giveMoments}.
   */
  async state(): Promise<OptimizerState> {
    const { model, moment1, moment2, lossScaling } = this.plan;
    const step = this.#step;
    const tensors = [model.parameters, ...(lossScaling ? [lossScaling] : [])];
    const [parameters, scaling] = await Promise.all(
      tensors.map((tensor) => this.#execution.readFloats(tensor)),
    );
    return {
      ...{ step, parameters: parameters! },
      ...{ moment1: await this.#wholeMoment(moment1), moment2: await this.#wholeMoment(moment2) },
      ...(scaling && { lossScaling: { scale: scaling[0]!, goodSteps: scaling[1]! } }),
    };
  }

  /** What other ranks do while rank 0 reads the {@linkcode state}: they send it the moments that they alone have. */
  async giveMoments(): Promise<void> {
    const { part, moment1, moment2 } = this.plan;
    if (part === undefined) return;
    for (const moment of [moment1, moment2]) await this.#wholeMoment(moment);
  }

  async #wholeMoment(moment: Tensor): Promise<Float32Array> {
    const { part } = this.plan;
    const own = await this.#execution.readFloats(moment);
    return part === undefined ? own : await gatherMoment(this.communicator, part.bounds, own) ?? own;
  }

  /** Of numbers for all parameters, or for blocks of them, those that this rank updates. */
  #ownPart(values: Float32Array, blockLength = 1): Float32Array {
    const { part } = this.plan;
    if (part === undefined) return values;
    const { rank } = this.communicator;
    return values.subarray(part.bounds[rank]! / blockLength, part.bounds[rank + 1]! / blockLength);
  }

  /**
   * Goes on from a state, or from parameters alone.
   * @throws {RangeError} when it is another model's: nothing is taken of it then
   */
  restore(state: Pick<OptimizerState, "parameters"> & Partial<OptimizerState>): void {
    const { model, moment1, moment2 } = this.plan;
    checkStorage(model.table, state.parameters);
    if (state.moment1 !== undefined) checkStorage(model.table, state.moment1, "first moments");
    if (state.moment2 !== undefined) checkStorage(model.table, state.moment2, "second moments");
    this.#execution.write(model.parameters, state.parameters);
    if (state.moment1 !== undefined) this.#execution.write(moment1, this.#ownPart(state.moment1));
    if (state.moment2 !== undefined) this.#execution.write(moment2, this.#ownPart(state.moment2));
    if (state.lossScaling !== undefined) this.#writeLossScaling(state.lossScaling);
    this.#step = this.#reported = state.step ?? 0;
  }

  #writeLossScaling({ scale, goodSteps }: LossScaling): void {
    const { lossScaling } = this.plan;
    if (lossScaling !== undefined) this.#execution.write(lossScaling, Float32Array.of(scale, goodSteps));
  }

  /** Frees the plan's memory. */
  destroy(): void {
    this.#execution.destroy();
  }
}
