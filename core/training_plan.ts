/**
 * The plans of training and evaluation: forward, backward and update as programs over one set of tensors.
 * @module
 */
import {
  adamw,
  adaptScale,
  argmax,
  clear,
  type Engine,
  type Execution,
  gradientNorm,
  gradientNormScratchLength,
  historyColumns,
  type Plan,
  PlanBuilder,
  recordHistory,
  scaleLoss,
  type Tensor,
  unscaleNorm,
  windowAlignment,
} from "@bgpt/kernels";
import { byteBackward, patchBackward } from "./backward.ts";
import type { LossTask } from "./bits.ts";
import type { Config, ModelConfig } from "./config.ts";
import type { Communicator } from "./distributed/communicator.ts";
import { type OptimizerPart, partBounds } from "./distributed/optimizer_part.ts";
import { byteForward, lossForward, patchForward } from "./forward.ts";
import { type BatchInputs, declareInputs, declareModel, declareWindows, type Model } from "./model.ts";
import { updateMatrices } from "./muon.ts";
import { recomputed } from "./recompute.ts";
import type { Strip } from "./strip.ts";

/** ε of AdamW, as published. */
const adamwEpsilon = 1e-8;

/** Steps whose metrics the device keeps until they are read. */
export const historyRows = 64;

/** A plan that computes a loss of strips, whatever it predicts. Programs: `clear` (the sums) and `forward`. */
export interface LossPlan {
  /** What it predicts. */
  readonly task: LossTask;
  /** The calls. */
  readonly plan: Plan;
  /** Its sizes and parameters. */
  readonly model: Model;
  /** Four sums over strips; `lossTotals` reads them. */
  readonly lossSums: Tensor; // [4]
  /** Copies a strip into the plan's inputs and returns what its loss is the mean over: Σ weights. */
  write(execution: Execution, strip: Strip): number;
}

/** What training adds to a plan with a loss. */
export interface TrainedPlan extends LossPlan {
  /** Gradients of all parameters. */
  readonly gradients: Tensor; // flat, as the parameters
  /** Running mean of the gradients, of the part where there is one; of what Muon updates, its momentum. */
  readonly moment1: Tensor;
  /** Running mean of their squares. */
  readonly moment2: Tensor;
  /** The parameters that this rank updates, where it does not update all. */
  readonly part?: OptimizerPart;
  /** Weight decay of each block of 64 parameters, of the part; negative where Muon updates them. */
  readonly decay: Tensor;
  /** Global gradient norm, and the scale of the update. */
  readonly norm: Tensor; // [2]
  /** Metrics of the latest steps, a row each. */
  readonly history: Tensor; // [historyRows, historyColumns]
  /** What losses are multiplied by before gradients are taken, and the good steps since it changed. */
  readonly lossScaling?: Tensor; // [2]
  /** The gradient of one parameter by its published name. */
  gradient(name: string): Tensor;
}

/** How a plan is trained that is not in its configuration. */
export interface TrainingOptions {
  /** Whether losses are scaled, as gradients in f16 need. */
  readonly lossScaling?: boolean;
  /** Whether blocks are computed again in the backward pass, which takes less memory and more time. */
  readonly recompute?: boolean;
  /** Patches of the strip that several ranks share, whose dropout masks each has its part of. */
  readonly maskPatches?: number;
  /** Which part of the parameters to update, and to keep the moments of; all by default. */
  readonly shard?: Pick<Communicator, "rank" | "size">;
}

/** What training on an engine needs: scaled losses where it stores gradients in f16. */
export function trainingOptions({ precision }: Pick<Engine, "precision">): TrainingOptions {
  return { lossScaling: precision === "mixed" };
}

/** A plan that computes the loss of the bytes of a strip. */
export interface EvaluationPlan extends LossPlan {
  /** Where strips go. */
  readonly inputs: BatchInputs;
  /** Patch-level features after the final norm. */
  readonly feature: Tensor; // [P, C]
  /** Logits; with a backward pass they have become their own gradient. */
  readonly logits: Tensor; // [P · S, V]
  /** Loss of each predicted byte times its weight. */
  readonly lossNats: Tensor; // [P · S]
}

/** A plan that learns to predict bytes. */
export type TrainingPlan = EvaluationPlan & TrainedPlan;

/** A plan that also tells which byte the model finds most probable at every position. */
export interface PredictionPlan extends EvaluationPlan {
  /** The most probable byte at every position. */
  readonly best: Tensor; // u32 [P · S]
}

/**
 * The plan of evaluation. Programs: `clear` (the sums), `forward`, and `predict` (the most probable bytes).
 * @param patchCapacity P: patches of a strip
 */
export function evaluationPlan(config: ModelConfig, patchCapacity: number): PredictionPlan {
  const builder = new PlanBuilder();
  const model = declareModel(builder, config, { patchCapacity, dropout: false });
  const inputs = declareInputs(builder, model);
  const { byte, patch, loss } = forwardProgram(builder, model, inputs, false);
  const R = model.P * model.S;
  const best = builder.tensor("best", [R], "output", "u32");
  builder.program("predict");
  builder.call(argmax, { R, V: model.V }, { logits: byte.logits, best }, "predict");
  builder.program("clear");
  builder.call(clear, { length: 4 }, { x: loss.sums }, "clear sums");
  return {
    best,
    plan: builder.build(),
    ...bytesPredicted(model, inputs),
    feature: patch.finalNorm.y,
    logits: byte.logits,
    lossNats: loss.lossNats,
    lossSums: loss.sums,
  };
}

/**
 * The plan of training. Programs: `clear` (gradients and sums), `forward` and `backward` once for every accumulated
 * strip, `update` (norm, clipping, AdamW, Muon, history).
 * @param patchCapacity P: patches of a strip
 */
export function trainingPlan(
  config: Config,
  patchCapacity: number,
  options: TrainingOptions = {},
): TrainingPlan {
  const builder = new PlanBuilder();
  const model = declareModel(builder, config, {
    patchCapacity,
    dropout: config.dropout > 0,
    ...masksOf(options),
  });
  const inputs = declareInputs(builder, model);
  const optimizer = declareOptimizer(builder, model, options);
  const { gradient } = optimizer;

  scaleLossOf(builder, model, optimizer);
  const { byte, patch, loss } = forwardProgram(builder, model, inputs, true);

  builder.program("backward");
  const dFeature = byteBackward(builder, model, gradient, byte, patch.finalNorm.y, inputs);
  patchBackward(builder, model, gradient, patch, dFeature, inputs);

  updatePrograms(builder, model, config, optimizer, loss.sums);
  return {
    plan: builtFor(options, builder),
    ...bytesPredicted(model, inputs),
    feature: patch.finalNorm.y,
    logits: byte.logits,
    lossNats: loss.lossNats,
    lossSums: loss.sums,
    ...optimizer,
  };
}

/** The plan, with its blocks computed again where they are to be. */
export function builtFor({ recompute = false }: TrainingOptions, builder: PlanBuilder): Plan {
  return recompute ? recomputed(builder.build()) : builder.build();
}

/** What an optimizer step works on. */
export type OptimizerTensors = Omit<TrainedPlan, keyof LossPlan>;

/** Declares gradients, moments and metrics of a model that is trained. */
export function declareOptimizer(
  builder: PlanBuilder,
  model: Model,
  { lossScaling = false, shard }: TrainingOptions,
): OptimizerTensors {
  const gradients = builder.tensor("gradients", [model.table.storageLength], "gradient");
  const part = shard && declarePart(builder, model, gradients, shard);
  const { length } = part?.gradients ?? gradients;
  const windows = declareWindows(builder, model.table, gradients, "d");
  return {
    gradients,
    gradient: (name) => windows.get(name)!,
    moment1: builder.tensor("moment1", [length], "moment"),
    moment2: builder.tensor("moment2", [length], "moment"),
    ...(part && { part }),
    decay: builder.tensor("decay", [length / windowAlignment], "parameter"),
    norm: builder.tensor("norm", [2], "output"),
    history: builder.tensor("history", [historyRows, historyColumns], "output"),
    ...(lossScaling && { lossScaling: builder.tensor("lossScaling", [2], "moment") }),
  };
}

function declarePart(
  builder: PlanBuilder,
  { table, parameters }: Model,
  gradients: Tensor,
  { rank, size }: Pick<Communicator, "rank" | "size">,
): OptimizerPart {
  const bounds = partBounds(table.storageLength, size);
  const [start, end] = [bounds[rank]!, bounds[rank + 1]!];
  const own = (flat: Tensor) => builder.window(`${flat.name}.own`, flat, start, [end - start]);
  return {
    bounds,
    parameters: own(parameters),
    gradients: own(gradients),
    ownNorm: builder.tensor("norm.own", [2], "output"),
    norms: builder.tensor("norm.parts", [size], "input"),
  };
}

/** The options of the model that say whose dropout masks it has. */
export function masksOf({ maskPatches }: TrainingOptions): { readonly maskPatches?: number } {
  return maskPatches === undefined ? {} : { maskPatches };
}

/** Begins the program `forward` of a plan that scales its losses. */
export function scaleLossOf(
  builder: PlanBuilder,
  { step }: Model,
  { lossScaling: scaling }: OptimizerTensors,
): void {
  builder.program("forward");
  if (scaling !== undefined) builder.call(scaleLoss, {}, { step, scaling }, "scale loss");
}

/**
 * The programs `update` (norm, clipping, AdamW, Muon where the configuration has it, history) and `clear` (gradients and
 * sums); before them `own norm` where the rank updates a part of the parameters.
 * @throws {RangeError} when Muon is to update a part
 */
export function updatePrograms(
  builder: PlanBuilder,
  model: Model,
  { beta1, beta2, optimizer, weightDecay }: Config,
  tensors: OptimizerTensors,
  sums: Tensor, // [4]
): void {
  const { step } = model;
  const { moment1, moment2, part, decay, norm, history, lossScaling: scaling } = tensors;
  if (part !== undefined && optimizer === "muon") {
    throw new RangeError(
      "Cannot share Muon's moments among ranks: a part may end within a matrix. Take AdamW",
    );
  }
  const callNorm = (gradients: Tensor, norm: Tensor, label: string) => {
    const shape = { length: gradients.length };
    const scratch = builder.tensor(`${norm.name}.scratch`, [gradientNormScratchLength(shape)]);
    builder.call(gradientNorm, shape, { gradients, norm, scratch, step }, label);
  };
  if (part !== undefined) {
    builder.program("own norm");
    callNorm(part.gradients, part.ownNorm, "norm of the own part");
  }
  builder.program("update");
  // The norm of all gradients is also that of the parts' norms.
  callNorm(part?.norms ?? tensors.gradients, norm, "gradient norm");
  if (scaling !== undefined) builder.call(unscaleNorm, {}, { step, scaling, norm }, "unscale norm");
  const { parameters, gradients } = part ?? { ...tensors, parameters: model.parameters };
  const shape = { length: parameters.length, beta1, beta2, epsilon: adamwEpsilon };
  builder.call(adamw, shape, { parameters, gradients, moment1, moment2, decay, norm, step }, "adamw");
  if (optimizer === "muon") updateMatrices(builder, model, weightDecay, tensors);
  builder.call(recordHistory, { rows: historyRows }, { sums, norm, history, step }, "history");
  if (scaling !== undefined) {
    builder.call(adaptScale, { rows: historyRows }, { step, norm, scaling, history }, "adapt loss scale");
  }

  builder.program("clear");
  builder.call(clear, { length: tensors.gradients.length }, { x: tensors.gradients }, "clear gradients");
  builder.call(clear, { length: 4 }, { x: sums }, "clear sums");
}

/** What plans that predict bytes have in common. */
function bytesPredicted(model: Model, inputs: BatchInputs) {
  return {
    task: "bytes" as const,
    model,
    inputs,
    write(execution: Execution, strip: Strip): number {
      execution.write(inputs.patches, strip.patches);
      execution.write(inputs.fileStart, strip.fileStart);
      execution.write(inputs.nextPatches, strip.nextPatches);
      if (inputs.byteFileStart !== undefined) {
        execution.write(inputs.byteFileStart, byteFileStarts(strip.fileStart, model.S));
      }
      execution.write(inputs.lossWeights, strip.lossWeights);
      return strip.lossWeight;
    },
  };
}

/** First byte row of each byte row's file. */
function byteFileStarts(fileStart: Uint32Array, S: number): Uint32Array {
  return Uint32Array.from({ length: fileStart.length * S }, (_, row) => fileStart[Math.floor(row / S)]! * S);
}

function forwardProgram(builder: PlanBuilder, model: Model, inputs: BatchInputs, gradient: boolean) {
  builder.program("forward");
  const patch = patchForward(builder, model, inputs);
  const byte = byteForward(builder, model, patch.finalNorm.y, inputs);
  const loss = lossForward(builder, model, byte.logits, inputs, gradient);
  return { patch, byte, loss };
}
