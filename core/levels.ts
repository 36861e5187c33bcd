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
  rotary,
  type Tensor,
} from "@bgpt/kernels";
import { headSize as D, type ModelConfig } from "./config.ts";
import { type Attention, type Level, maskStride, type Model, type Multiply } from "./model.ts";
import { byteStack, patchStack } from "./parameters.ts";

/** First dropout stream of each level; far enough apart for any number of blocks. */
const patchStream = 0x1_0000;
const byteStream = 0x2_0000;

/**
 * θ of rotary positions: the slowest pair of channels turns once in about 2πθ rows. Bytes see few rows, so that theirs
 * has to tell small distances apart.
 */
export const rotaryBase = { patch: 10_000, byte: 100 } as const;

/** Whether queries and keys are turned by where their rows stand. */
export function rotates({ positions = "learned" }: ModelConfig): boolean {
  return positions !== "learned";
}

/** The patch level: a patch attends to the patches of its own file up to itself. */
export function patchLevel(plan: PlanBuilder, model: Model, fileStart: Tensor): Level {
  const { P, C, config } = model;
  return {
    name: "patch",
    stack: patchStack,
    R: P,
    C,
    layers: config.patchLayers,
    stream: patchStream,
    multiply: multiplyIn(plan),
    attention: rotated(plan, model, "patch", fileStart, rowAttention(plan, model, C, fileStart)),
  };
}

/**
 * The byte level: N patches of S bytes, each attending within itself, or to the latest bytes of its file.
 * @param fileStart first byte row of each row's file; read where bytes see those of patches before
 */
export function byteLevel(plan: PlanBuilder, model: Model, N: number, fileStart?: Tensor): Level {
  const { S, byteC: C, config } = model;
  const attends = fileStart === undefined
    ? patchwiseAttention(plan, model, N)
    : rowAttention(plan, model, C, fileStart, {
      window: config.byteWindow!,
      globalHeads: config.byteGlobalHeads ?? 0,
    });
  return {
    name: "byte",
    stack: byteStack,
    R: N * S,
    C,
    layers: config.byteLayers,
    stream: byteStream,
    multiply: multiplyIn(plan),
    attention: fileStart === undefined ? attends : rotated(plan, model, "byte", fileStart, attends),
  };
}

/** Each row attends to its file up to itself, or to the last `window` rows of that in all but some heads. */
function rowAttention(
  plan: PlanBuilder,
  model: Model,
  C: number,
  fileStart: Tensor, // u32 [R]
  windowed: { readonly window?: number; readonly globalHeads?: number } = {},
): Attention {
  const { dropout, step, maskPatches } = model;
  const P = fileStart.length;
  const H = C / D;
  const seed = dropout ? { step } : {};
  const patchRows = P / model.P;
  const maskRows = maskPatches && patchRows * maskPatches;
  const mask = maskRows && { maskRows, ...maskStride(model, patchRows * (maskRows + 1)) };
  const shapeOf = (stream: number) => ({ P, H, D, dropout, stream, ...windowed, ...mask });
  const logSumExps = new Map<string, Tensor>();
  return {
    forward(qkv, out, label, stream) {
      const logSumExp = plan.tensor(`${label}.logSumExp`, [H, P]);
      logSumExps.set(label, logSumExp);
      plan.call(attention, shapeOf(stream), { qkv, fileStart, out, logSumExp, ...seed }, label);
    },
    backward(qkv, out, dOut, dQkv, label, stream) {
      const delta = plan.tensor(`${label}.delta`, [H, P]);
      const logSumExp = logSumExps.get(label)!;
      const operands = { qkv, fileStart, out, dOut, logSumExp, delta, dQkv, ...seed };
      plan.call(attentionBackward, shapeOf(stream), operands, `${label}.backward`);
    },
  };
}

/** Each byte attends to those of its patch up to itself. */
function patchwiseAttention(plan: PlanBuilder, model: Model, N: number): Attention {
  const { S, byteC, dropout, step } = model;
  const H = byteC / D;
  const seed = dropout ? { step } : {};
  const mask = maskStride(model, H * S * S);
  const shapeOf = (stream: number) => ({ N, S, H, D, dropout, stream, ...mask });
  return {
    forward(qkv, out, label, stream) {
      plan.call(byteAttention, shapeOf(stream), { qkv, out, ...seed }, label);
    },
    backward(qkv, _out, dOut, dQkv, label, stream) {
      plan.call(byteAttentionBackward, shapeOf(stream), { qkv, dOut, dQkv, ...seed }, `${label}.backward`);
    },
  };
}

/** Queries and keys turned by where their rows stand in their file, where positions are not learned. */
function rotated(
  plan: PlanBuilder,
  { config }: Model,
  level: "patch" | "byte",
  fileStart: Tensor, // u32 [R]
  attends: Attention,
): Attention {
  if (!rotates(config)) return attends;
  const turn = (qkv: Tensor, inverse: boolean, label: string) => {
    const R = fileStart.length;
    const shape = { R, H: qkv.length / R / (3 * D), D, theta: rotaryBase[level], inverse };
    plan.call(rotary, shape, { qkv, fileStart }, `${label}.rotation${inverse ? " backward" : ""}`);
  };
  return {
    forward(qkv, out, label, stream) {
      turn(qkv, false, label);
      attends.forward(qkv, out, label, stream);
    },
    backward(qkv, out, dOut, dQkv, label, stream) {
      attends.backward(qkv, out, dOut, dQkv, label, stream);
      turn(dQkv, true, label);
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
