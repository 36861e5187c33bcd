/**
 * The plans of training and evaluation: forward, backward and update as programs over one set of tensors.
 * @module
 */
import {
  adamw,
  argmax,
  clear,
  gradientNorm,
  gradientNormScratchLength,
  type Plan,
  PlanBuilder,
  recordHistory,
  type Tensor,
  windowAlignment,
} from "@bgpt/kernels";
import { byteBackward, patchBackward } from "./backward.ts";
import type { Config, ModelConfig } from "./config.ts";
import { byteForward, lossForward, patchForward } from "./forward.ts";
import { type BatchInputs, declareInputs, declareModel, declareWindows, type Model } from "./model.ts";

/** ε of AdamW, as published. */
const adamwEpsilon = 1e-8;

/** Steps whose metrics the device keeps until they are read. */
export const historyRows = 64;
/** Numbers of a row of the history: the four loss sums, gradient norm, update scale, two unused. */
export const historyColumns = 8;

/** A plan that computes the loss of a strip. */
export interface EvaluationPlan {
  /** The calls. */
  readonly plan: Plan;
  /** Its sizes and parameters. */
  readonly model: Model;
  /** Where strips go. */
  readonly inputs: BatchInputs;
  /** Patch-level features after the final norm. */
  readonly feature: Tensor; // [P, C]
  /** Logits; with a backward pass they have become their own gradient. */
  readonly logits: Tensor; // [P · S, V]
  /** Loss of each predicted byte times its weight. */
  readonly lossNats: Tensor; // [P · S]
  /** Σ loss, Σ weight, and both over real bytes alone. */
  readonly lossSums: Tensor; // [4]
}

/** A plan that trains. */
export interface TrainingPlan extends EvaluationPlan {
  /** Gradients of all parameters. */
  readonly gradients: Tensor; // flat, as the parameters
  /** Running mean of the gradients. */
  readonly moment1: Tensor;
  /** Running mean of their squares. */
  readonly moment2: Tensor;
  /** Weight decay of each block of 64 parameters. */
  readonly decay: Tensor;
  /** Global gradient norm, and the scale of the update. */
  readonly norm: Tensor; // [2]
  /** Metrics of the latest steps, a row each. */
  readonly history: Tensor; // [historyRows, historyColumns]
  /** The gradient of one parameter by its published name. */
  gradient(name: string): Tensor;
}

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
    model,
    inputs,
    feature: patch.finalNorm.y,
    logits: byte.logits,
    lossNats: loss.lossNats,
    lossSums: loss.sums,
  };
}

/**
 * The plan of training. Programs: `clear` (gradients and sums), `forward` and `backward` once for every accumulated
 * strip, `update` (norm, clipping, AdamW, history).
 * @param patchCapacity P: patches of a strip
 */
export function trainingPlan(config: Config, patchCapacity: number): TrainingPlan {
  const builder = new PlanBuilder();
  const model = declareModel(builder, config, { patchCapacity, dropout: config.dropout > 0 });
  const inputs = declareInputs(builder, model);
  const length = model.table.storageLength;
  const flat = (name: string, role: "gradient" | "moment") => builder.tensor(name, [length], role);
  const gradients = flat("gradients", "gradient");
  const windows = declareWindows(builder, model.table, gradients, "d");
  const gradient = (name: string) => windows.get(name)!;
  const moment1 = flat("moment1", "moment");
  const moment2 = flat("moment2", "moment");
  const decay = builder.tensor("decay", [length / windowAlignment], "parameter");
  const norm = builder.tensor("norm", [2], "output");
  const history = builder.tensor("history", [historyRows, historyColumns], "output");

  const { byte, patch, loss } = forwardProgram(builder, model, inputs, true);

  builder.program("backward");
  const dFeature = byteBackward(builder, model, gradient, byte, inputs.nextPatches);
  patchBackward(builder, model, gradient, patch, dFeature, inputs);

  builder.program("update");
  const scratch = builder.tensor("norm.scratch", [gradientNormScratchLength({ length })]);
  builder.call(gradientNorm, { length }, { gradients, norm, scratch, step: model.step }, "gradient norm");
  const { beta1, beta2 } = config;
  builder.call(adamw, { length, beta1, beta2, epsilon: adamwEpsilon }, {
    parameters: model.parameters,
    gradients,
    moment1,
    moment2,
    decay,
    norm,
    step: model.step,
  }, "adamw");
  const row = { sums: loss.sums, norm, history, step: model.step };
  builder.call(recordHistory, { rows: historyRows }, row, "history");

  builder.program("clear");
  builder.call(clear, { length }, { x: gradients }, "clear gradients");
  builder.call(clear, { length: 4 }, { x: loss.sums }, "clear sums");

  return {
    plan: builder.build(),
    model,
    inputs,
    feature: patch.finalNorm.y,
    logits: byte.logits,
    lossNats: loss.lossNats,
    lossSums: loss.sums,
    gradients,
    moment1,
    moment2,
    decay,
    norm,
    history,
    gradient,
  };
}

function forwardProgram(builder: PlanBuilder, model: Model, inputs: BatchInputs, gradient: boolean) {
  builder.program("forward");
  const patch = patchForward(builder, model, inputs);
  const byte = byteForward(builder, model, patch.finalNorm.y, inputs.nextPatches);
  const loss = lossForward(builder, model, byte.logits, inputs, gradient);
  return { patch, byte, loss };
}
