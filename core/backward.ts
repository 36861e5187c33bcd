/**
 * The gradient of `forward.ts`, the same list upside down. A stack has one gradient stream, which every block reads,
 * and adds to in place, on the way from the last block to the embedding.
 *
 * Gradients of parameters accumulate; a step begins by clearing them.
 * @module
 */
import {
  byteEmbeddingBackward,
  byteEmbeddingScratchLength,
  dropout,
  layerNormBackward,
  layerNormParameterGradient,
  layerNormScratchLength,
  matmul,
  ngramEmbeddingBackward,
  ngramHashesLength,
  patchEmbeddingBackward,
  type PlanBuilder,
  type Tensor,
} from "@bgpt/kernels";
import { convolutionBackward } from "./byte_convolution.ts";
import { blockStream, featurePlace, learnedPositions } from "./forward.ts";
import {
  type BatchInputs,
  type BlockActivations,
  type ByteActivations,
  type Level,
  maskStride,
  type Model,
  type Normalised,
  type StackActivations,
} from "./model.ts";
import {
  byteStack,
  byteTableName,
  convolutionName,
  convolutionNorm,
  featureProjectionName,
  ngramTableName,
  positionTableName,
  projectsFeature,
} from "./parameters.ts";

/** The gradient of a parameter by its published name. */
export type Gradients = (name: string) => Tensor;

/** From the gradient of the logits to that of the features. */
export function byteBackward(
  plan: PlanBuilder,
  model: Model,
  gradients: Gradients,
  activations: ByteActivations,
  feature: Tensor, // [N, C]
  inputs: Pick<BatchInputs, "patches" | "nextPatches" | "byteFileStart">,
): Tensor {
  const { S, V } = model;
  const { patches, nextPatches } = inputs;
  const { level, finalNorm, logits: dLogits, vectors } = activations;
  const { C } = level;
  const N = nextPatches.shape[0]!;
  const dHidden = plan.tensor("byte.dHidden", [N * S, C]);
  plan.call(matmul, { layout: "NN", M: N * S, N: C, K: V, epilogue: "none" }, {
    a: dLogits,
    b: model.parameter(byteTableName),
    out: dHidden,
  }, "byte.head dX");
  plan.call(matmul, { layout: "TN", M: V, N: C, K: N * S, epilogue: "accumulate" }, {
    a: dLogits,
    b: finalNorm.y,
    out: gradients(byteTableName),
  }, "byte.head dW");
  const dEmbedded = stackBackward(plan, model, gradients, activations, dHidden);
  const dFeature = plan.tensor("byte.dFeature", [N, C]);
  const dx = dropBackward(plan, model, dEmbedded, "byte.embedding", level.stream);
  const { shape, operands } = featurePlace(model, patches);
  plan.call(byteEmbeddingBackward, { N, S, V, C, ...shape }, {
    ...operands,
    dx,
    tokens: nextPatches,
    dFeature,
    dTable: gradients(byteTableName),
    dPositions: gradients(`${byteStack}wpe.weight`),
    scratch: plan.tensor("byte.embedding.scratch", [byteEmbeddingScratchLength({ S, V, C, ...shape })]),
  }, "byte.embedding backward");
  const { ngramRows: rows } = model.config;
  if (rows) {
    const hashes = plan.tensor("byte.ngrams.hashes", [ngramHashesLength({ N, S })], "activation", "u32");
    const ngrams = { tokens: nextPatches, patches, dx, dTable: gradients(ngramTableName), hashes };
    plan.call(ngramEmbeddingBackward, { N, S, C, rows }, ngrams, "byte.ngrams backward");
  }
  if (vectors) {
    const dVectors = convolutionBackward(plan, model, vectors.y, gradients(convolutionName), dx, inputs);
    normBackward(plan, model, gradients, convolutionNorm, "byte.convolution.norm", vectors, dVectors, {
      dx: gradients(byteTableName),
      accumulate: true,
    });
  }
  return projectionBackward(plan, model, gradients, feature, dFeature);
}

/** From the gradient of projected features to that of the features. */
function projectionBackward(
  plan: PlanBuilder,
  model: Model,
  gradients: Gradients,
  feature: Tensor, // [N, C]
  dProjected: Tensor, // [N, C of the byte level]
): Tensor {
  if (!projectsFeature(model.config)) return dProjected;
  const [N, C] = feature.shape as [number, number];
  const { byteC } = model;
  const label = "byte.feature projection";
  plan.call(matmul, { layout: "TN", M: C, N: byteC, K: N, epilogue: "accumulate" }, {
    a: feature,
    b: dProjected,
    out: gradients(featureProjectionName),
  }, `${label} dW`);
  const out = plan.tensor("feature.dX", [N, C]);
  const operands = { a: dProjected, b: model.parameter(featureProjectionName), out };
  plan.call(matmul, { layout: "NT", M: N, N: C, K: byteC, epilogue: "none" }, operands, `${label} dX`);
  return out;
}

/** From the gradient of the features to that of the patch embedding. */
export function patchBackward(
  plan: PlanBuilder,
  model: Model,
  gradients: Gradients,
  activations: StackActivations,
  dFeature: Tensor,
  inputs: Pick<BatchInputs, "patches" | "fileStart">,
): void {
  const { P, S, V, C } = model;
  const L = learnedPositions(model);
  const dEmbedded = stackBackward(plan, model, gradients, activations, dFeature);
  plan.call(patchEmbeddingBackward, { P, S, V, C, L }, {
    tokens: inputs.patches,
    fileStart: inputs.fileStart,
    dx: dropBackward(plan, model, dEmbedded, "patch.embedding", activations.level.stream),
    dTable: gradients("patch_level_decoder.patch_embedding.weight"),
    dBias: gradients("patch_level_decoder.patch_embedding.bias"),
    ...(L > 0 && { dPositions: gradients(positionTableName) }),
  }, "patch.embedding backward");
}

/** Returns the gradient stream as it leaves the first block. */
function stackBackward(
  plan: PlanBuilder,
  model: Model,
  gradients: Gradients,
  { level, blocks, finalNorm }: StackActivations,
  dOut: Tensor,
): Tensor {
  const dStream = plan.tensor(`${level.name}.dStream`, [level.R, level.C]);
  const starts = { dx: dStream, accumulate: false };
  normBackward(plan, model, gradients, `${level.stack}ln_f`, `${level.name}.ln_f`, finalNorm, dOut, starts);
  for (let i = level.layers - 1; i >= 0; i--) {
    blockBackward(plan, model, gradients, level, i, blocks[i]!, dStream);
  }
  return dStream;
}

function blockBackward(
  plan: PlanBuilder,
  model: Model,
  gradients: Gradients,
  level: Level,
  index: number,
  saved: BlockActivations,
  dStream: Tensor, // [R, C], in and out
): void {
  const { R, C } = level;
  const label = `${level.name}.${index}`;
  const stream = blockStream(level, index);
  const weight = (name: string) => model.parameter(`${level.stack}h.${index}.${name}`);
  const dWeight = (name: string) => gradients(`${level.stack}h.${index}.${name}`);

  /** dW += xᵀ · dY, and the bias gradient with it. */
  const weightGradient = (name: string, x: Tensor, dY: Tensor) => {
    const [M, N] = [x.shape[1]!, dY.shape[1]!];
    plan.call(matmul, { layout: "TN", M, N, K: R, epilogue: "accumulateBias" }, {
      a: x,
      b: dY,
      out: dWeight(`${name}.weight`),
      dBias: dWeight(`${name}.bias`),
    }, `${label}.${name} dW`);
  };
  /** dX = dY · Wᵀ. */
  const inputGradient = (name: string, dY: Tensor) => {
    const [N, K] = weight(`${name}.weight`).shape as [number, number];
    const dX = plan.tensor(`${label}.${name}.dX`, [R, N]);
    const operands = { a: dY, b: weight(`${name}.weight`), out: dX };
    plan.call(matmul, { layout: "NT", M: R, N, K, epilogue: "none" }, operands, `${label}.${name} dX`);
    return dX;
  };

  const dContracted = dropBackward(plan, model, dStream, `${label}.contract`, stream + 2);
  weightGradient("mlp.c_proj", saved.inner, dContracted);
  const dPreGelu = plan.tensor(`${label}.dPreGelu`, [R, 4 * C]);
  plan.call(matmul, { layout: "NT", M: R, N: 4 * C, K: C, epilogue: "geluGradient" }, {
    a: dContracted,
    b: weight("mlp.c_proj.weight"),
    pre: saved.preGelu,
    out: dPreGelu,
  }, `${label}.mlp.c_proj dX`);
  weightGradient("mlp.c_fc", saved.norm2.y, dPreGelu);
  const dNorm2 = inputGradient("mlp.c_fc", dPreGelu);
  const added = { dx: dStream, accumulate: true };
  const norm = `${level.stack}h.${index}.ln`;
  normBackward(plan, model, gradients, `${norm}_2`, `${label}.ln_2`, saved.norm2, dNorm2, added);

  const dProjected = dropBackward(plan, model, dStream, `${label}.projection`, stream + 1);
  weightGradient("attn.c_proj", saved.attended, dProjected);
  const dAttended = inputGradient("attn.c_proj", dProjected);
  const dQkv = plan.tensor(`${label}.dQkv`, [R, 3 * C]);
  level.attention.backward(saved.qkv, saved.attended, dAttended, dQkv, `${label}.attention`, stream);
  weightGradient("attn.c_attn", saved.norm1.y, dQkv);
  const dNorm1 = inputGradient("attn.c_attn", dQkv);
  normBackward(plan, model, gradients, `${norm}_1`, `${label}.ln_1`, saved.norm1, dNorm1, added);
}

/** The gradients of a norm and of what it normed, which is added to what is there or starts it. */
function normBackward(
  plan: PlanBuilder,
  model: Model,
  gradients: Gradients,
  prefix: string,
  label: string,
  { x, mean, rstd }: Normalised,
  dy: Tensor,
  { dx, accumulate }: { readonly dx: Tensor; readonly accumulate: boolean },
): void {
  const [R, C] = x.shape as [number, number];
  const weight = model.parameter(`${prefix}.weight`);
  plan.call(layerNormBackward, { R, C, accumulate }, { dy, x, weight, mean, rstd, dx }, `${label} dX`);
  plan.call(layerNormParameterGradient, { R, C }, {
    dy,
    x,
    mean,
    rstd,
    dWeight: gradients(`${prefix}.weight`),
    dBias: gradients(`${prefix}.bias`),
    scratch: plan.tensor(`${label}.scratch`, [layerNormScratchLength({ R, C })]),
  }, `${label} dW`);
}

/** The same mask as forward, without the residual. */
function dropBackward(plan: PlanBuilder, model: Model, dy: Tensor, label: string, stream: number): Tensor {
  if (!model.dropout) return dy;
  const dx = plan.tensor(`${label}.dDropped`, dy.shape);
  plan.call(
    dropout,
    { length: dy.length, stream, residual: false, ...maskStride(model, dy.length / model.P) },
    { step: model.step, x: dy, y: dx },
    `${label}.dropout backward`,
  );
  return dx;
}
