/**
 * The convolution of the byte level, where a model has one: what the latest bytes add to each row, by their distance.
 * Added are the vectors of the byte table behind a norm, so that weights alone decide how much.
 * @module
 */
import {
  byteConvolution,
  byteConvolutionBackward,
  layerNorm,
  nextByteConvolution,
  type PlanBuilder,
  type Tensor,
} from "@bgpt/kernels";
import type { BatchInputs, Model, Normalised } from "./model.ts";
import { byteTableName, convolutionName, convolutionNorm } from "./parameters.ts";

/** The vectors of all bytes, normed. */
export function byteVectors(plan: PlanBuilder, model: Model): Normalised {
  const { V, byteC: C } = model;
  const x = model.parameter(byteTableName);
  const y = plan.tensor("byte.convolution.vectors", [V, C], "output");
  const mean = plan.tensor("byte.convolution.mean", [V]);
  const rstd = plan.tensor("byte.convolution.rstd", [V]);
  plan.call(layerNorm, { R: V, C }, {
    x,
    weight: model.parameter(`${convolutionNorm}.weight`),
    bias: model.parameter(`${convolutionNorm}.bias`),
    y,
    mean,
    rstd,
  }, "byte.convolution.norm");
  return { x, y, mean, rstd };
}

/** The sizes of the convolution of N patches, and what both of its directions read. */
function convolutionCall(
  model: Model,
  vectors: Tensor, // [V, C]
  { patches, nextPatches, byteFileStart }: Pick<BatchInputs, "patches" | "nextPatches" | "byteFileStart">,
) {
  const { S, V, byteC: C, config } = model;
  return {
    shape: { N: nextPatches.shape[0]!, S, V, C, W: config.byteConvolution! },
    operands: {
      tokens: nextPatches,
      patches,
      fileStart: byteFileStart!,
      vectors,
      weight: model.parameter(convolutionName),
    },
  };
}

/** Adds the convolution to embedded bytes. */
export function convolutionForward(
  plan: PlanBuilder,
  model: Model,
  vectors: Tensor, // [V, C]
  x: Tensor, // [N·S, C], in and out
  inputs: Pick<BatchInputs, "patches" | "nextPatches" | "byteFileStart">,
): void {
  const { shape, operands } = convolutionCall(model, vectors, inputs);
  plan.call(byteConvolution, shape, { ...operands, x }, "byte.convolution");
}

/**
 * The gradients of its weights, added to what is there.
 * @returns the gradient of the vectors
 */
export function convolutionBackward(
  plan: PlanBuilder,
  model: Model,
  vectors: Tensor, // [V, C]
  dWeight: Tensor, // [W, C]
  dx: Tensor, // [N·S, C]
  inputs: Pick<BatchInputs, "patches" | "nextPatches" | "byteFileStart">,
): Tensor {
  const { shape, operands } = convolutionCall(model, vectors, inputs);
  const dVectors = plan.tensor("byte.convolution.dVectors", vectors.shape);
  const dRows = plan.tensor("byte.convolution.dRows", dx.shape);
  const call = { ...operands, dx, dWeight, dVectors, dRows };
  plan.call(byteConvolutionBackward, shape, call, "byte.convolution backward");
  return dVectors;
}

/** The same for the new byte row of each sequence. */
export function nextConvolutionForward(
  plan: PlanBuilder,
  model: Model,
  vectors: Tensor, // [V, C]
  x: Tensor, // [B, C], in and out
  inputs: { readonly sequences: Tensor; readonly tokens: Tensor; readonly patches: Tensor },
): void {
  const { P, S, V, byteC: C, config } = model;
  const B = x.shape[0]!;
  const shape = { B, L: P / B, S, V, C, W: config.byteConvolution! };
  const operands = { ...inputs, vectors, weight: model.parameter(convolutionName), x };
  plan.call(nextByteConvolution, shape, operands, "nextByte.convolution");
}
