/**
 * The plans of classification: the patch level, the mean of each file's features, a linear layer. The byte level takes no
 * part, as in the published program (the paper's text says otherwise).
 * @module
 */
import {
  argmax,
  classSums,
  clear,
  columnSum,
  columnSumScratchLength,
  crossEntropy,
  type Execution,
  fileMean,
  fileMeanBackward,
  matmul,
  PlanBuilder,
  type Tensor,
} from "@bgpt/kernels";
import { type Gradients, patchBackward } from "./backward.ts";
import type { Config, ModelConfig } from "./config.ts";
import { patchForward } from "./forward.ts";
import { declareModel, type Model } from "./model.ts";
import type { Strip } from "./strip.ts";
import {
  builtFor,
  declareOptimizer,
  type LossPlan,
  masksOf,
  scaleLossOf,
  type TrainedPlan,
  type TrainingOptions,
  updatePrograms,
} from "./training_plan.ts";

/** A strip of files as tensors of the plan; slots without a file have no patches and weight 0. */
export interface FileInputs {
  /** Tokens of the patches. */
  readonly patches: Tensor; // u32 [P, S]
  /** First patch of each patch's file. */
  readonly fileStart: Tensor; // u32 [P]
  /** Which file each patch belongs to; 0xffffffff for padding. */
  readonly fileOf: Tensor; // u32 [P]
  /** First patch of each file. */
  readonly firstPatch: Tensor; // u32 [B]
  /** Patches of each file. */
  readonly patchCount: Tensor; // u32 [B]
  /** Class of each file. */
  readonly classes: Tensor; // u32 [B]
  /** Weight of each file in the loss: 1, or 0 where it has no label. */
  readonly weights: Tensor; // [B]
}

/** A plan that computes the classes of the files of a strip. */
export interface ClassificationPlan extends LossPlan {
  /** Where strips go. */
  readonly inputs: FileInputs;
  /** Logits of each file; in training they have become their own gradient. */
  readonly logits: Tensor; // [B, K]
}

/** A plan that learns classes. */
export type ClassificationTrainingPlan = ClassificationPlan & TrainedPlan;

/** B: files that a strip of P patches has room for; no file has fewer than two patches. */
export function classifiedFiles(patchCapacity: number): number {
  return Math.max(1, patchCapacity >> 1);
}

/**
 * The plan of classifying files. Programs: `clear` (the sums) and `forward`.
 * @param patchCapacity P: patches of a strip
 * @param classCount K
 */
export function classificationPlan(
  config: ModelConfig,
  patchCapacity: number,
  classCount: number,
): ClassificationPlan {
  const builder = new PlanBuilder();
  const model = declareModel(builder, config, { patchCapacity, dropout: false, classCount });
  const inputs = declareFileInputs(builder, model);
  const { logits, sums } = classForward(builder, model, inputs, classCount, false);
  builder.program("clear");
  builder.call(clear, { length: 4 }, { x: sums }, "clear sums");
  return { plan: builder.build(), ...classesPredicted(model, inputs), logits, lossSums: sums };
}

/**
 * The plan of learning classes; the whole network is trained. Programs as those of `trainingPlan`.
 * @param patchCapacity P: patches of a strip
 * @param classCount K
 */
export function classificationTrainingPlan(
  config: Config,
  patchCapacity: number,
  classCount: number,
  options: TrainingOptions = {},
): ClassificationTrainingPlan {
  const builder = new PlanBuilder();
  const model = declareModel(builder, config, {
    patchCapacity,
    dropout: config.dropout > 0,
    classCount,
    ...masksOf(options),
  });
  const inputs = declareFileInputs(builder, model);
  const optimizer = declareOptimizer(builder, model, options);
  scaleLossOf(builder, model, optimizer);
  const forward = classForward(builder, model, inputs, classCount, true);

  builder.program("backward");
  const dFeature = classBackward(builder, model, optimizer.gradient, inputs, forward);
  patchBackward(builder, model, optimizer.gradient, forward.patch, dFeature, inputs);

  updatePrograms(builder, model, config, optimizer, forward.sums);
  return {
    plan: builtFor(options, builder),
    ...classesPredicted(model, inputs),
    logits: forward.logits,
    lossSums: forward.sums,
    ...optimizer,
  };
}

function declareFileInputs(builder: PlanBuilder, { P, S }: Model): FileInputs {
  const B = classifiedFiles(P);
  const integers = (name: string, ...shape: number[]) => builder.tensor(name, shape, "input", "u32");
  return {
    patches: integers("patches", P, S),
    fileStart: integers("fileStart", P),
    fileOf: integers("fileOf", P),
    firstPatch: integers("firstPatch", B),
    patchCount: integers("patchCount", B),
    classes: integers("classes", B),
    weights: builder.tensor("weights", [B], "input"),
  };
}

/** Patches to the loss of their files' classes; with `gradient`, the logits become their own gradient. */
function classForward(
  builder: PlanBuilder,
  model: Model,
  inputs: FileInputs,
  K: number,
  gradient: boolean,
) {
  const { P, C } = model;
  const { firstPatch, patchCount, classes: targets, weights } = inputs;
  const B = classifiedFiles(P);
  builder.program("forward");
  const patch = patchForward(builder, model, inputs);
  const mean = builder.tensor("file.mean", [B, C]);
  builder.call(fileMean, { P, C, B }, { x: patch.finalNorm.y, firstPatch, patchCount, mean }, "file.mean");
  const logits = builder.tensor("logits", [B, K], "output");
  builder.call(matmul, { layout: "NT", M: B, N: K, K: C, epilogue: "bias" }, {
    a: mean,
    b: model.parameter("classifier.weight"),
    bias: model.parameter("classifier.bias"),
    out: logits,
  }, "classifier");

  const best = builder.tensor("best", [B], "activation", "u32");
  const lossNats = builder.tensor("lossNats", [B]);
  const sums = builder.tensor("lossSums", [4], "output");
  builder.call(argmax, { R: B, V: K }, { logits, best }, "best class");
  builder.call(crossEntropy, { R: B, V: K, gradient }, {
    logits,
    targets,
    weights,
    lossNats,
    ...(gradient ? { step: model.step } : {}),
  }, "loss");
  builder.call(classSums, { B }, { lossNats, targets, best, weights, sums }, "loss.sums");
  return { patch, mean, logits, sums };
}

/** From the gradient of the logits to that of the features. */
function classBackward(
  builder: PlanBuilder,
  model: Model,
  gradient: Gradients,
  { fileOf, patchCount }: FileInputs,
  { mean, logits: dLogits }: { readonly mean: Tensor; readonly logits: Tensor },
): Tensor {
  const { P, C } = model;
  const [B, K] = dLogits.shape as [number, number];
  builder.call(matmul, { layout: "TN", M: K, N: C, K: B, epilogue: "accumulate" }, {
    a: dLogits,
    b: mean,
    out: gradient("classifier.weight"),
  }, "classifier dW");
  builder.call(columnSum, { R: B, C: K }, {
    x: dLogits,
    sum: gradient("classifier.bias"),
    scratch: builder.tensor("classifier.scratch", [columnSumScratchLength({ R: B, C: K })]),
  }, "classifier dBias");
  const dMean = builder.tensor("file.dMean", [B, C]);
  builder.call(matmul, { layout: "NN", M: B, N: C, K, epilogue: "none" }, {
    a: dLogits,
    b: model.parameter("classifier.weight"),
    out: dMean,
  }, "classifier dX");
  const dFeature = builder.tensor("file.dFeature", [P, C]);
  const operands = { dMean, fileOf, patchCount, dx: dFeature };
  builder.call(fileMeanBackward, { P, C, B }, operands, "file.mean backward");
  return dFeature;
}

/** What plans that predict classes have in common. */
function classesPredicted(model: Model, inputs: FileInputs) {
  const B = classifiedFiles(model.P);
  return {
    task: "classes" as const,
    model,
    inputs,
    write(execution: Execution, { patches, fileStart, samples }: Strip): number {
      const fileOf = new Uint32Array(model.P).fill(0xffffffff);
      const firstPatches = new Uint32Array(B);
      const patchCounts = new Uint32Array(B);
      const classes = new Uint32Array(B);
      const weights = new Float32Array(B);
      for (const [b, { firstPatch, patchCount, label }] of samples.entries()) {
        firstPatches[b] = firstPatch;
        patchCounts[b] = patchCount;
        fileOf.fill(b, firstPatch, firstPatch + patchCount);
        if (label === undefined) continue;
        classes[b] = label;
        weights[b] = 1;
      }
      execution.write(inputs.patches, patches);
      execution.write(inputs.fileStart, fileStart);
      execution.write(inputs.fileOf, fileOf);
      execution.write(inputs.firstPatch, firstPatches);
      execution.write(inputs.patchCount, patchCounts);
      execution.write(inputs.classes, classes);
      execution.write(inputs.weights, weights);
      return weights.reduce((sum, weight) => sum + weight, 0);
    },
  };
}
