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
import { divideUp, foldWidth, foldWorkgroups, type Kernel, read, wgsl, write } from "../kernel.ts";
import { stepLength, stepValue } from "../step.ts";
import {
  accumulate,
  component,
  largest,
  lowest,
  masked,
  maskWgsl,
  scale,
  unroll,
  unrollFactor,
  vec4,
} from "./attention_tile.ts";
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
  reference(shape, { qkv, out, step }) {
    const { N, S, H, D, dropout, stream } = shape;
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
            const index = (((n * H + h) * S + q) * S + k) >>> 0;
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
  reference(shape, { qkv, dOut, dQkv, step }) {
    const { N, S, H, D, dropout, stream } = shape;
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
            const index = (((n * H + h) * S + q) * S + k) >>> 0;
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

/** How lanes are laid over (patch, head) pairs; sizes in vec4. */
interface Layout {
  /** Lanes of a pair side by side, and as many rows of them. */
  readonly width: number;
  /** Lanes of a workgroup. */
  readonly lanes: number;
  readonly groups: number;
  /** D / 4. */
  readonly depth: number;
  /** H · D / 4: from q to k and from k to v. */
  readonly part: number;
  readonly stride: number;
}

/** Rows of channels in an operand; offset and stride in vec4. */
interface Matrix {
  readonly name: string;
  readonly stride: number;
  readonly offset: number;
}

function layoutOf({ N, S, H, D }: ByteAttentionShape): Layout {
  const width = divideUp(S, 4);
  const pairs = Math.floor(64 / (width * width));
  const part = H * D / 4;
  return {
    width,
    lanes: pairs * width * width,
    groups: divideUp(N * H, pairs),
    depth: D / 4,
    part,
    stride: 3 * part,
  };
}

/** WGSL of a byte's place in its patch; those beyond S take the last one's values and are never written. */
function position(S: number, index: string): string {
  return S % 4 === 0 ? index : `min(${index}, ${S - 1}u)`;
}

/** Declares what a lane works on. The folded grid has lanes too many: they repeat the last pair and write nothing. */
function placeLane({ N, S, H }: ByteAttentionShape, { width, lanes, groups, depth }: Layout): string {
  const square = width * width;
  return wgsl`
  let wanted = (group.y * ${foldWidth(groups)}u + group.x) * ${lanes / square}u + lane / ${square}u;
  let pair = min(wanted, ${N * H - 1}u);
  let first = pair / ${H}u * ${S}u; // the patch's first row
  let channels = pair % ${H}u * ${depth}u;
  let row = lane % ${square}u / ${width}u; // four queries
  let column = lane % ${width}u; // four keys
  let tile = lane / ${square}u * ${4 * square}u; // the pair's part of an array of weights
${unroll(4, (i) => `  let query${i} = first + ${position(S, `4u * row + ${i}u`)};`)}
${unroll(4, (j) => `  let key${j} = first + ${position(S, `4u * column + ${j}u`)};`)}`;
}

/** Products of a lane's four query rows of a matrix with its four key rows of qkv; several in one loop over channels. */
function scoreLoop(
  { depth, stride }: Layout,
  products: readonly { sum: string; rows: Matrix; keyOffset: number }[],
): string {
  const factor = Math.min(unrollFactor(depth), 4 / products.length);
  return wgsl`
${products.map(({ sum }) => unroll(4, (i) => `  var ${sum}${i} = vec4f();`)).join("\n")}
  for (var d = 0u; d < ${depth}u; d += ${factor}u) {
    let at = channels + d;
${
    unroll(factor, (n) =>
      products.map(({ sum, rows, keyOffset }) =>
        wgsl`{
${unroll(4, (i) => `let left${i} = ${rows.name}[query${i} * ${rows.stride}u + at + ${rows.offset + n}u];`)}
${unroll(4, (j) => `let right${j} = qkv[key${j} * ${stride}u + at + ${keyOffset + n}u];`)}
${unroll(4, (i) => `${sum}${i} += ${vec4((j) => `dot(left${i}, right${j})`)};`)}
}`
      ).join("\n"))
  }
  }`;
}

/** e = exp(s − highest of the row), 0 where the query must not see the key, and kept = m · e. One barrier. */
function exponentials(shape: ByteAttentionShape, { width }: Layout): string {
  const { S, D } = shape;
  return wgsl`
  let keys = vec4u(4u * column) + vec4u(0u, 1u, 2u, 3u);
${
    unroll(4, (i) =>
      wgsl`
  let valid${i} = (keys <= vec4u(4u * row + ${i}u))${
        S % 4 === 0 ? "" : ` & vec4<bool>(4u * row + ${i}u < ${S}u)`
      };
  s${i} = select(vec4f(${lowest}), s${i} * ${scale(D)}, valid${i});`)
  }
  maxima[lane] = ${vec4((i) => largest(`s${i}`))};
  workgroupBarrier();
  var highest = maxima[lane - column];
${unroll(width - 1, (n) => `  highest = max(highest, maxima[lane - column + ${n + 1}u]);`)}
${
    unroll(4, (i) =>
      wgsl`
  let e${i} = select(vec4f(), exp(s${i} - ${component("highest", i)}), valid${i});
  let kept${i} = ${masked(shape, `e${i}`, `(pair * ${S}u + 4u * row + ${i}u) * ${S}u + 4u * column`, 1)};`)
  }`;
}

/** Where the lane's vec4 of row i stands in an array of weights. */
function weightAt({ width }: Layout, i: number): string {
  return `tile + (4u * row + ${i}u) * ${width}u + column`;
}

/**
 * Stores finish(Σⱼ weights[rowᵢ, j] · matrix[j]) for the lane's four rows; its lanes of a row share the channels.
 */
function product(
  { N, S, H }: ByteAttentionShape,
  { width, depth }: Layout,
  weights: string,
  matrix: Matrix,
  target: Matrix,
  finish: (sum: string, i: number) => string,
): string {
  // 4 rows × 4 vec4 are 64 registers, what a lane can spare.
  const count = Math.min(4, divideUp(depth, width));
  const partial = depth % (count * width) !== 0;
  const channel = (c: number) => {
    const index = `c + ${c * width}u`;
    return partial && c > 0 ? `min(${index}, ${depth - 1}u)` : index;
  };
  const guard = (i: number, c: number) =>
    [
      S % 4 === 0 ? "" : `4u * row + ${i}u < ${S}u`,
      partial && c > 0 ? `c + ${c * width}u < ${depth}u` : "",
    ].filter(Boolean).join(" && ");
  return wgsl`
  for (var c = column; c < ${depth}u; c += ${count * width}u) {
${unroll(count, (c) => unroll(4, (i) => `    var sum${i}_${c} = vec4f();`))}
    for (var j = 0u; j < ${width}u; j++) {
${
    unroll(4, (j) =>
      `      let at${j} = (first + ${
        position(S, `4u * j + ${j}u`)
      }) * ${matrix.stride}u + channels + ${matrix.offset}u;`)
  }
      ${
    accumulate(
      count,
      (i, c) => `sum${i}_${c}`,
      (i) => `${weights}[tile + (4u * row + ${i}u) * ${width}u + j]`,
      (j, c) => `${matrix.name}[at${j} + ${channel(c)}]`,
    )
  }
    }
    if (wanted < ${N * H}u) {
${
    unroll(4, (i) =>
      unroll(count, (c) => {
        const when = guard(i, c);
        return `      ${
          when && `if (${when}) `
        }{ ${target.name}[query${i} * ${target.stride}u + channels + ` +
          `${target.offset}u + ${channel(c)}] = ${finish(`sum${i}_${c}`, i)}; }`;
      }))
  }
    }
  }`;
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
