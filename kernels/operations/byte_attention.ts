/**
 * Causal attention over the S ≤ 16 bytes of each patch:
 *
 *   s(q, k) = Q_q · K_k / √D,  p(q, ·) = softmax over k ≤ q,  out_q = Σₖ m(q, k) · p(q, k) · V_k,
 *
 * with the dropout factors m of `dropout.ts` (1 without dropout) at the index ((n·H + h)·S + q)·S + k, modulo 2³².
 * Backward, everything made again from qkv: with δ_q = Σₖ m · p · dp, dp = dOut · Vᵀ and ds = p · (m · dp − δ) / √D,
 *
 *   dQ = ds · K,  dK = dsᵀ · Q,  dV = (m · p)ᵀ · dOut.
 *
 * This is a stream of memory: 12 KiB come in and 4 KiB go out for 64 kFLOP at S = 16, D = 64. So nothing is staged; a
 * lane takes 4 queries × 4 keys of a (patch, head), four lanes read the same 16 bytes at the same time, the rest is
 * the cache's, and only maxima, sums and probabilities pass through workgroup memory. Several heads share a workgroup.
 *
 * qkv, dQkv [N·S, 3·H·D] (all heads' q, then k, then v), out, dOut [N·S, H·D]
 * @module
 */
import { foldWorkgroups, type Kernel, read, wgsl, write } from "../kernel.ts";
import { stepLength, stepValue } from "../step.ts";
import { component, maskWgsl, scale, unroll, vec4 } from "./attention_tile.ts";
import {
  exponentials,
  layoutOf,
  type Matrix,
  placeLane,
  product,
  scoreLoop,
  weightAt,
} from "./byte_attention_tile.ts";
import { dropoutFactor } from "./dropout.ts";

/** Sizes and variant of {@linkcode byteAttention}. */
export type ByteAttentionShape = {
  /** Patches. */
  readonly N: number;
  /** Bytes of a patch, at most 16. */
  readonly S: number;
  /** Heads. */
  readonly H: number;
  /** Channels of a head, a multiple of 4. */
  readonly D: number;
  /** Whether probabilities are dropped out; only then is `step` an operand. */
  readonly dropout: boolean;
  /** The random stream of the mask. */
  readonly stream: number;
  /** Counters of a patch, H·S²: the mask begins behind those of the step's `firstPatch`; absent: at its beginning. */
  readonly maskStride?: number;
};

/** The forward pass. */
export const byteAttention: Kernel<ByteAttentionShape, "qkv" | "out", "step"> = {
  name: "byteAttention",
  operands(shape) {
    checkShape(shape);
    const { N, S, H, D, dropout } = shape;
    return {
      ...(dropout ? { step: read(stepLength, "u32") } : {}),
      qkv: read(N * S * 3 * H * D),
      out: write(N * S * H * D),
    };
  },
  dispatches(shape) {
    const layout = layoutOf(shape);
    const { lanes, width, groups, part, stride } = layout;
    const source = wgsl`
${maskWgsl(shape)}
var<workgroup> maxima: array<vec4f, ${lanes}>; // of each lane's four rows
var<workgroup> sums: array<vec4f, ${lanes}>;
var<workgroup> weights: array<vec4f, ${4 * lanes}>;
@compute @workgroup_size(${lanes})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
${placeLane(shape, layout)}
  ${scoreLoop(layout, [{ sum: "s", rows: { name: "qkv", stride, offset: 0 }, keyOffset: part }])}
${exponentials(shape, layout)}
  sums[lane] = ${vec4((i) => `dot(e${i}, vec4f(1.0))`)};
${unroll(4, (i) => `  weights[${weightAt(layout, i)}] = kept${i};`)}
  workgroupBarrier();
  var total = vec4f();
${unroll(width, (n) => `  total += sums[lane - column + ${n}u];`)}
  ${
      product(shape, layout, "weights", { name: "qkv", stride, offset: 2 * part }, {
        name: "out",
        stride: part,
        offset: 0,
      }, (sum, i) => `${sum} / ${component("total", i)}`)
    }
}`;
    return [{ source, workgroups: foldWorkgroups(groups), vectors: ["qkv", "out"] }];
  },
  assembly: ({ N, S, H, D, dropout, stream, maskStride = 0 }) => [{
    function: "byteAttention",
    arguments: ["qkv", dropout ? "step" : null, "out", N, S, H, D, stream, maskStride],
  }],
  reference(shape, { qkv, out, step }) {
    const { N, S, H, D, dropout, stream, maskStride = 0 } = shape;
    const start = dropout ? stepValue(step, "firstPatch") * maskStride : 0;
    const rate = dropout ? stepValue(step, "dropoutRate") : 0;
    const seed = dropout ? stepValue(step, "dropoutSeed") : 0;
    const C = H * D;
    const p = new Float64Array(S * S);
    out.fill(0);
    for (let n = 0; n < N; n++) {
      for (let h = 0; h < H; h++) {
        probabilities(shape, qkv, n, h, p);
        for (let q = 0; q < S; q++) {
          const row = (n * S + q) * C + h * D;
          for (let k = 0; k <= q; k++) {
            const index = (start + ((n * H + h) * S + q) * S + k) >>> 0;
            const factor = dropout ? dropoutFactor(index, stream, seed, rate) : 1;
            const value = (n * S + k) * 3 * C + 2 * C + h * D;
            for (let d = 0; d < D; d++) out[row + d]! += factor * p[q * S + k]! * qkv[value + d]!;
          }
        }
      }
    }
  },
  cost: ({ N, S, H, D }) => ({
    flops: 4 * D * N * H * S * (S + 1) / 2,
    bytes: 4 * 4 * N * S * H * D,
  }),
  tolerance: {
    absolute: 1e-6,
    relative: 3e-6,
    reason: "WGSL's exp is good to 3 + 2|x| ulp, and scores of a few units to 1 ulp (lavapipe: 4e-7)",
  },
  halves: ["qkv", "out"],
};

/** The backward pass. */
export const byteAttentionBackward: Kernel<ByteAttentionShape, "qkv" | "dOut" | "dQkv", "step"> = {
  name: "byteAttention.backward",
  operands(shape) {
    checkShape(shape);
    const { N, S, H, D, dropout } = shape;
    return {
      ...(dropout ? { step: read(stepLength, "u32") } : {}),
      qkv: read(N * S * 3 * H * D),
      dOut: read(N * S * H * D),
      dQkv: write(N * S * 3 * H * D),
    };
  },
  dispatches(shape) {
    const layout = layoutOf(shape);
    const { lanes, width, groups, part, stride } = layout;
    const transposed = (array: string, value: string) =>
      unroll(
        4,
        (j) =>
          `  ${array}[tile + (4u * column + ${j}u) * ${width}u + row] = ${
            vec4((i) => component(`${value}${i}`, j))
          };`,
      );
    const gradient = (array: string, matrix: Matrix, offset: number) =>
      product(shape, layout, array, matrix, { name: "dQkv", stride, offset }, (sum) => sum);
    const source = wgsl`
${maskWgsl(shape)}
var<workgroup> maxima: array<vec4f, ${lanes}>; // of each lane's four rows
var<workgroup> sums: array<vec4f, ${lanes}>;
var<workgroup> deltas: array<vec4f, ${lanes}>;
var<workgroup> dScores: array<vec4f, ${4 * lanes}>; // [queries, keys]
var<workgroup> dScoresT: array<vec4f, ${4 * lanes}>; // [keys, queries]
var<workgroup> weightsT: array<vec4f, ${4 * lanes}>; // [keys, queries]
@compute @workgroup_size(${lanes})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
${placeLane(shape, layout)}
  ${
      scoreLoop(layout, [
        { sum: "s", rows: { name: "qkv", stride, offset: 0 }, keyOffset: part },
        { sum: "dWeight", rows: { name: "dOut", stride: part, offset: 0 }, keyOffset: 2 * part },
      ])
    }
${exponentials(shape, layout)}
  sums[lane] = ${vec4((i) => `dot(e${i}, vec4f(1.0))`)};
  deltas[lane] = ${vec4((i) => `dot(kept${i}, dWeight${i})`)};
  workgroupBarrier();
  var total = vec4f();
  var delta = vec4f();
${unroll(width, (n) => `  total += sums[lane - column + ${n}u]; delta += deltas[lane - column + ${n}u];`)}
  // At least 1 (the largest score counts exp(0)) except in rows beyond S, which are all zeros.
  let inverse = 1.0 / max(total, vec4f(1.0));
  delta *= inverse;
${
      unroll(4, (i) =>
        wgsl`
  let weight${i} = kept${i} * ${component("inverse", i)};
  let ds${i} = (kept${i} * dWeight${i} - e${i} * ${component("delta", i)}) * ${component("inverse", i)} * ${
          scale(shape.D)
        };
  dScores[${weightAt(layout, i)}] = ds${i};`)
    }
${transposed("dScoresT", "ds")}
${transposed("weightsT", "weight")}
  workgroupBarrier();
  ${gradient("dScores", { name: "qkv", stride, offset: part }, 0)}
  ${gradient("dScoresT", { name: "qkv", stride, offset: 0 }, part)}
  ${gradient("weightsT", { name: "dOut", stride: part, offset: 0 }, 2 * part)}
}`;
    return [{ source, workgroups: foldWorkgroups(groups), vectors: ["qkv", "dOut", "dQkv"] }];
  },
  assembly: ({ N, S, H, D, dropout, stream, maskStride = 0 }) => [{
    function: "byteAttentionBackward",
    arguments: ["qkv", dropout ? "step" : null, "dOut", "dQkv", N, S, H, D, stream, maskStride],
  }],
  reference(shape, { qkv, dOut, dQkv, step }) {
    const { N, S, H, D, dropout, stream, maskStride = 0 } = shape;
    const start = dropout ? stepValue(step, "firstPatch") * maskStride : 0;
    const rate = dropout ? stepValue(step, "dropoutRate") : 0;
    const seed = dropout ? stepValue(step, "dropoutSeed") : 0;
    const C = H * D;
    const p = new Float64Array(S * S);
    const factor = new Float64Array(S);
    const dWeight = new Float64Array(S);
    dQkv.fill(0);
    for (let n = 0; n < N; n++) {
      for (let h = 0; h < H; h++) {
        probabilities(shape, qkv, n, h, p);
        for (let q = 0; q < S; q++) {
          const row = (n * S + q) * C + h * D;
          const query = (n * S + q) * 3 * C + h * D;
          let delta = 0;
          for (let k = 0; k <= q; k++) {
            const index = (start + ((n * H + h) * S + q) * S + k) >>> 0;
            factor[k] = dropout ? dropoutFactor(index, stream, seed, rate) : 1;
            const value = (n * S + k) * 3 * C + 2 * C + h * D;
            let sum = 0;
            for (let d = 0; d < D; d++) sum += dOut[row + d]! * qkv[value + d]!;
            dWeight[k] = sum;
            delta += p[q * S + k]! * factor[k]! * sum;
          }
          for (let k = 0; k <= q; k++) {
            const weight = factor[k]! * p[q * S + k]!;
            const dScore = (weight * dWeight[k]! - p[q * S + k]! * delta) / Math.sqrt(D);
            const key = (n * S + k) * 3 * C + C + h * D;
            for (let d = 0; d < D; d++) {
              dQkv[query + d]! += dScore * qkv[key + d]!;
              dQkv[key + d]! += dScore * qkv[query + d]!;
              dQkv[key + C + d]! += weight * dOut[row + d]!;
            }
          }
        }
      }
    }
  },
  cost: ({ N, S, H, D }) => ({
    flops: 10 * D * N * H * S * (S + 1) / 2,
    bytes: 4 * 7 * N * S * H * D,
  }),
  tolerance: {
    absolute: 1e-6,
    relative: 6e-6,
    reason: "as forward, and m · dp − δ is the difference of two sums of products (lavapipe: 3e-7)",
  },
  halves: ["qkv", "dOut", "dQkv"],
};

/** p(q, k) for k ≤ q of one patch and head, in f64. */
function probabilities(
  { S, H, D }: ByteAttentionShape,
  qkv: Float64Array,
  n: number,
  h: number,
  p: Float64Array,
): void {
  const C = H * D;
  for (let q = 0; q < S; q++) {
    const query = (n * S + q) * 3 * C + h * D;
    let highest = -Infinity;
    for (let k = 0; k <= q; k++) {
      const key = (n * S + k) * 3 * C + C + h * D;
      let score = 0;
      for (let d = 0; d < D; d++) score += qkv[query + d]! * qkv[key + d]!;
      p[q * S + k] = score / Math.sqrt(D);
      highest = Math.max(highest, p[q * S + k]!);
    }
    let sum = 0;
    for (let k = 0; k <= q; k++) sum += p[q * S + k] = Math.exp(p[q * S + k]! - highest);
    for (let k = 0; k <= q; k++) p[q * S + k]! /= sum;
  }
}

/** @throws {RangeError} when the kernels have no lanes for these sizes */
function checkShape({ S, D }: ByteAttentionShape): void {
  if (!Number.isInteger(S) || S < 1 || S > 16) {
    throw new RangeError(`Cannot plan byte attention over ${S} bytes a patch: it must be 1 to 16`);
  }
  if (D % 4 !== 0 || D < 4) {
    throw new RangeError(`Cannot plan byte attention with ${D} channels a head: it must be a multiple of 4`);
  }
}
