/**
 * Layer normalisation (Ba, Kiros and Hinton 2016) over the channels of each row:
 *
 *   mean = Σ x / C,  rstd = 1 / √(Σ (x − mean)² / C + ε),  x̂ = (x − mean) · rstd,  y = x̂ ⊙ weight + bias
 *
 * With g = dy ⊙ weight the chain rule gives
 *
 *   dx = rstd · (g − Σ g / C − x̂ · Σ (g ⊙ x̂) / C),  dWeight += Σ over rows of dy ⊙ x̂,  dBias += Σ over rows of dy
 *
 * x, y, dy, dx [R, C]; weight, bias, dWeight, dBias [C]; mean, rstd [R]
 *
 * A row stays in the registers of its threads, so the variance can take a second pass over it without reading it
 * again: Σ x² − C · mean² would lose every digit where the mean is large.
 * @module
 */
import { divideUp, foldWidth, foldWorkgroups, type Kernel, read, update, wgsl, write } from "../kernel.ts";
import { horizontalSumWgsl, reductionWgsl, rowLayout, valueType, workgroupThreads } from "../reduction.ts";

/** Added to the variance, as in GPT-2. */
const layerNormEpsilon = 1e-5;

/** Sizes of {@linkcode layerNorm}: rows and channels. */
export type LayerNormShape = { readonly R: number; readonly C: number };

/** Sizes and variant of {@linkcode layerNormBackward}. */
export type LayerNormBackwardShape = LayerNormShape & {
  /** Whether dx is added to what stands there (the residual's gradient) instead of replacing it. */
  readonly accumulate: boolean;
};

/** Values a thread may hold of each row: 8 `vec4` are 32 registers, and up to three rows are held at once. */
const maxChunks = 8;

/** y = x̂ ⊙ weight + bias; mean and rstd are kept for the backward pass. */
export const layerNorm: Kernel<LayerNormShape, "x" | "weight" | "bias" | "y" | "mean" | "rstd"> = {
  name: "layerNorm",
  operands: ({ R, C }) => ({
    x: read(R * C),
    weight: read(C),
    bias: read(C),
    y: write(R * C),
    mean: write(R),
    rstd: write(R),
  }),
  dispatches({ R, C }, device) {
    const { type, count, lanes, rows, each, index, inside } = rowLayout(C, maxChunks);
    const groups = divideUp(R, rows);
    const source = wgsl`
${reductionWgsl("rowSum", "f32", lanes, "+", device)}${horizontalSumWgsl(type)}
@compute @workgroup_size(${workgroupThreads})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let lane = thread % ${lanes}u;
  let row = (group.y * ${foldWidth(groups)}u + group.x) * ${rows}u + thread / ${lanes}u;
  let start = min(row, ${R - 1}u) * ${count}u;
  var sum = ${type}();
  ${each((k) => `var x${k} = ${type}(); if (${inside(k)}) { x${k} = x[start + ${index(k)}]; sum += x${k}; }`)}
  let rowMean = rowSum(horizontalSum(sum), thread) / ${C}.0;
  sum = ${type}();
  ${each((k) => `x${k} -= rowMean; if (${inside(k)}) { sum += x${k} * x${k}; }`)}
  let rowRstd = inverseSqrt(rowSum(horizontalSum(sum), thread) / ${C}.0 + ${layerNormEpsilon});
  if (row < ${R}u) {
    ${
      each((k) =>
        `if (${inside(k)}) { y[start + ${index(k)}] = ` +
        `yElement(x${k} * rowRstd * weight[${index(k)}] + bias[${index(k)}]); }`
      )
    }
    if (lane == 0u) { mean[row] = rowMean; rstd[row] = rowRstd; }
  }
}`;
    const vectors = type === "f32" ? [] : ["x", "weight", "bias", "y"];
    return [{ source, workgroups: foldWorkgroups(groups), vectors }];
  },
  assembly: ({ R, C }) => [{
    function: "layerNorm",
    arguments: ["x", "weight", "bias", "y", "mean", "rstd", R, C, layerNormEpsilon],
  }],
  reference({ R, C }, { x, weight, bias, y, mean, rstd }) {
    for (let r = 0; r < R; r++) {
      let sum = 0;
      for (let c = 0; c < C; c++) sum += x[r * C + c]!;
      const rowMean = sum / C;
      let squares = 0;
      for (let c = 0; c < C; c++) squares += (x[r * C + c]! - rowMean) ** 2;
      const rowRstd = 1 / Math.sqrt(squares / C + layerNormEpsilon);
      for (let c = 0; c < C; c++) {
        y[r * C + c] = (x[r * C + c]! - rowMean) * rowRstd * weight[c]! + bias[c]!;
      }
      mean[r] = rowMean;
      rstd[r] = rowRstd;
    }
  },
  cost: ({ R, C }) => ({ flops: 8 * R * C, bytes: 4 * (2 * R * C + 2 * C + 2 * R) }),
  tolerance: {
    absolute: 1e-6,
    relative: 1e-6,
    reason: "two sums of C terms in f32, and a reciprocal square root of 2 ulp",
  },
  halves: ["y"],
};

/** dx, written or added to what stands there. */
export const layerNormBackward: Kernel<
  LayerNormBackwardShape,
  "dy" | "x" | "weight" | "mean" | "rstd" | "dx"
> = {
  name: "layerNorm.backward",
  operands: ({ R, C, accumulate }) => ({
    dy: read(R * C),
    x: read(R * C),
    weight: read(C),
    mean: read(R),
    rstd: read(R),
    dx: accumulate ? update(R * C) : write(R * C),
  }),
  dispatches({ R, C, accumulate }, device) {
    const { type, count, lanes, rows, each, index, inside } = rowLayout(C, maxChunks);
    const groups = divideUp(R, rows);
    const source = wgsl`
${reductionWgsl("rowSums", "vec2<f32>", lanes, "+", device)}${horizontalSumWgsl(type)}
@compute @workgroup_size(${workgroupThreads})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let lane = thread % ${lanes}u;
  let row = (group.y * ${foldWidth(groups)}u + group.x) * ${rows}u + thread / ${lanes}u;
  let start = min(row, ${R - 1}u) * ${count}u;
  let rowMean = mean[min(row, ${R - 1}u)];
  let rowRstd = rstd[min(row, ${R - 1}u)];
  var sum = ${type}();
  var product = ${type}();
  ${
      each((k) =>
        `var g${k} = ${type}(); var x${k} = ${type}(); if (${inside(k)}) { ` +
        `g${k} = ${type}(dy[start + ${index(k)}]) * weight[${index(k)}]; ` +
        `x${k} = (x[start + ${index(k)}] - rowMean) * rowRstd; ` +
        `sum += g${k}; product += g${k} * x${k}; }`
      )
    }
  let means = rowSums(vec2<f32>(horizontalSum(sum), horizontalSum(product)), thread) / ${C}.0;
  if (row < ${R}u) {
    ${
      each((k) =>
        `if (${inside(k)}) { dx[start + ${index(k)}] ${accumulate ? "+=" : "="} ` +
        `rowRstd * (g${k} - means.x - x${k} * means.y); }`
      )
    }
  }
}`;
    const vectors = type === "f32" ? [] : ["dy", "x", "weight", "dx"];
    return [{ source, workgroups: foldWorkgroups(groups), vectors }];
  },
  assembly: ({ R, C, accumulate }) => [{
    function: "layerNormBackward",
    arguments: ["dy", "x", "weight", "mean", "rstd", "dx", R, C, accumulate ? 1 : 0],
  }],
  reference({ R, C, accumulate }, { dy, x, weight, mean, rstd, dx }) {
    for (let r = 0; r < R; r++) {
      let sum = 0;
      let product = 0;
      for (let c = 0; c < C; c++) {
        const g = dy[r * C + c]! * weight[c]!;
        sum += g;
        product += g * (x[r * C + c]! - mean[r]!) * rstd[r]!;
      }
      for (let c = 0; c < C; c++) {
        const g = dy[r * C + c]! * weight[c]!;
        const normalised = (x[r * C + c]! - mean[r]!) * rstd[r]!;
        const gradient = rstd[r]! * (g - sum / C - normalised * product / C);
        dx[r * C + c] = (accumulate ? dx[r * C + c]! : 0) + gradient;
      }
    }
  },
  cost: ({ R, C, accumulate }) => ({
    flops: 13 * R * C,
    bytes: 4 * ((accumulate ? 4 : 3) * R * C + C + 2 * R),
  }),
  tolerance: {
    absolute: 1e-6,
    relative: 1e-6,
    reason: "two sums of C terms in f32, and differences of terms of the result's size",
  },
  halves: ["dy"],
};

/** Rows that a workgroup of the first stage should at least have, and slabs of rows that there are at most. */
const minSlabRows = 64;
const maxSlabs = 256;

/** The rows are divided into this many slabs, each summed by workgroups of its own. */
function slabCount(R: number): number {
  return Math.min(maxSlabs, divideUp(R, minSlabRows));
}

/** Length of the operand `scratch` of {@linkcode layerNormParameterGradient}. */
export function layerNormScratchLength({ R, C }: LayerNormShape): number {
  return slabCount(R) * 2 * C;
}

/**
 * dWeight += Σ dy ⊙ x̂ and dBias += Σ dy over the rows, in two stages with a fixed order: sums of slabs of rows into
 * scratch [slabs, 2, C], then the sum of the slabs.
 */
export const layerNormParameterGradient: Kernel<
  LayerNormShape,
  "dy" | "x" | "mean" | "rstd" | "dWeight" | "dBias" | "scratch"
> = {
  name: "layerNorm.parameterGradient",
  operands: ({ R, C }) => ({
    dy: read(R * C),
    x: read(R * C),
    mean: read(R),
    rstd: read(R),
    dWeight: update(C),
    dBias: update(C),
    scratch: write(layerNormScratchLength({ R, C })),
  }),
  dispatches({ R, C }) {
    // 32 threads stand side by side along the columns, so that they read neighbouring memory, and 8 along the rows.
    const columns = 32;
    const lanes = workgroupThreads / columns;
    const type = valueType(C);
    const count = type === "f32" ? C : C / 4;
    const slabs = slabCount(R);
    const slabRows = divideUp(R, slabs);
    const laneSum = (values: string) =>
      Array.from({ length: lanes }, (_, k) => `${values}[column + ${k * columns}u]`).join(" + ");

    const slabSums = wgsl`
var<workgroup> partials: array<array<${type}, ${workgroupThreads}>, 2>;
@compute @workgroup_size(${workgroupThreads})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let column = thread % ${columns}u;
  let lane = thread / ${columns}u;
  let c = group.x * ${columns}u + column;
  var weightSum = ${type}();
  var biasSum = ${type}();
  if (c < ${count}u) {
    let end = min((group.y + 1u) * ${slabRows}u, ${R}u);
    for (var r = group.y * ${slabRows}u + lane; r < end; r += ${lanes}u) {
      let gradient = ${type}(dy[r * ${count}u + c]);
      weightSum += gradient * ((x[r * ${count}u + c] - mean[r]) * rstd[r]);
      biasSum += gradient;
    }
  }
  partials[0][thread] = weightSum;
  partials[1][thread] = biasSum;
  workgroupBarrier();
  if (lane < 2u && c < ${count}u) {
    scratch[(group.y * 2u + lane) * ${count}u + c] = ${laneSum("partials[lane]")};
  }
}`;

    const total = wgsl`
var<workgroup> partials: array<${type}, ${workgroupThreads}>;
@compute @workgroup_size(${workgroupThreads})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let column = thread % ${columns}u;
  let lane = thread / ${columns}u;
  let c = group.x * ${columns}u + column;
  var sum = ${type}();
  if (c < ${2 * count}u) {
    for (var slab = lane; slab < ${slabs}u; slab += ${lanes}u) { sum += scratch[slab * ${2 * count}u + c]; }
  }
  partials[thread] = sum;
  workgroupBarrier();
  if (lane == 0u && c < ${2 * count}u) {
    sum = ${laneSum("partials")};
    if (c < ${count}u) { dWeight[c] += sum; } else { dBias[c - ${count}u] += sum; }
  }
}`;
    const vectors = type === "f32" ? [] : ["dy", "x", "dWeight", "dBias", "scratch"];
    return [
      { source: slabSums, workgroups: [divideUp(count, columns), slabs, 1], vectors },
      { source: total, workgroups: [divideUp(2 * count, columns), 1, 1], vectors },
    ];
  },
  assembly({ R, C }) {
    const slabs = slabCount(R);
    const operands = ["dy", "x", "mean", "rstd", "scratch"];
    return [
      { function: "layerNormParameterSlabs", arguments: [...operands, R, C, slabs, divideUp(R, slabs)] },
      { function: "addChunks", arguments: ["scratch", slabs, 2 * C, 0, "dWeight", C] },
      { function: "addChunks", arguments: ["scratch", slabs, 2 * C, C, "dBias", C] },
    ];
  },
  reference({ R, C }, { dy, x, mean, rstd, dWeight, dBias }) {
    for (let r = 0; r < R; r++) {
      for (let c = 0; c < C; c++) {
        const gradient = dy[r * C + c]!;
        dWeight[c]! += gradient * (x[r * C + c]! - mean[r]!) * rstd[r]!;
        dBias[c]! += gradient;
      }
    }
  },
  cost: ({ R, C }) => ({ flops: 5 * R * C, bytes: 4 * (2 * R * C + 2 * R + 4 * C) }),
  tolerance: {
    absolute: 1e-6,
    relative: 1e-6,
    reason: "sums over all rows in f32, at most 100 terms in a row and then a tree",
  },
  halves: ["dy"],
};
