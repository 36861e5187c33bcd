/**
 * The two levels of the model: a decoder over the patches of a file, and one over the bytes of a patch. They differ in
 * what attends to what, and in nothing else.
 * @module
 */
import {
  attention,
  attentionBackward,
  byteAttention,
  byteAttentionBackward,
  matmul,
  type PlanBuilder,
  type Tensor,
} from "@bgpt/kernels";
import type { Level, Model, Multiply } from "./model.ts";
import { byteStack, patchStack } from "./parameters.ts";

/** First dropout stream of each level; far enough apart for any number of blocks. */
const patchStream = 0x1_0000;
const byteStream = 0x2_0000;

/** The patch level: a patch attends to the patches of its own file up to itself. */
export function patchLevel(plan: PlanBuilder, model: Model, fileStart: Tensor): Level {
  const { P, H, D, dropout } = model;
  const step = dropout ? { step: model.step } : {};
  const logSumExps = new Map<string, Tensor>();
  return {
    name: "patch",
    stack: patchStack,
    R: P,
    layers: model.config.patchLayers,
    stream: patchStream,
    multiply: multiplyIn(plan),
    attention: {
      forward(qkv, out, label, stream) {
        const logSumExp = plan.tensor(`${label}.logSumExp`, [H, P]);
        logSumExps.set(label, logSumExp);
        const shape = { P, H, D, dropout, stream };
        plan.call(attention, shape, { qkv, fileStart, out, logSumExp, ...step }, label);
      },
      backward(qkv, out, dOut, dQkv, label, stream) {
        const delta = plan.tensor(`${label}.delta`, [H, P]);
        const logSumExp = logSumExps.get(label)!;
        const operands = { qkv, fileStart, out, dOut, logSumExp, delta, dQkv, ...step };
        plan.call(attentionBackward, { P, H, D, dropout, stream }, operands, `${label}.backward`);
      },
    },
  };
}

/** The byte level: N patches of S bytes, each attending within itself. */
export function byteLevel(plan: PlanBuilder, model: Model, N: number): Level {
  const { S, H, D, dropout } = model;
  const step = dropout ? { step: model.step } : {};
  return {
    name: "byte",
    stack: byteStack,
    R: N * S,
    layers: model.config.byteLayers,
    stream: byteStream,
    multiply: multiplyIn(plan),
    attention: {
      forward(qkv, out, label, stream) {
        plan.call(byteAttention, { N, S, H, D, dropout, stream }, { qkv, out, ...step }, label);
      },
      backward(qkv, _out, dOut, dQkv, label, stream) {
        const shape = { N, S, H, D, dropout, stream };
        plan.call(byteAttentionBackward, shape, { qkv, dOut, dQkv, ...step }, `${label}.backward`);
      },
    },
  };
}

/** Products with weights as they lie. */
export function multiplyIn(plan: PlanBuilder): Multiply {
  return (layout, epilogue, operands, label) => {
    const { b, out } = operands;
    const [K, N] = (layout === "NN" ? b.shape : [...b.shape].reverse()) as [number, number];
    plan.call(matmul, { layout, M: out.length / N, N, K, epilogue }, operands, label);
  };
}
