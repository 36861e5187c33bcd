/**
 * Causal attention over a strip of files that stand back to back, each patch attending its own file up to itself:
 *
 *   s(q, k) = Q_q · K_k / √D,  p(q, ·) = softmax over k = fileStart[q] … q,  out_q = Σₖ m(q, k) · p(q, k) · V_k,
 *
 * with the dropout factors m of `dropout.ts` (1 without dropout) at the index (h·P + q)·P + k, taken modulo 2³².
 * The scores are never stored. A tile of 32 queries visits the keys 32 at a time and keeps for each query the largest
 * score so far, the sum of exp(s − largest) and the weighted values, both rescaled whenever the largest score grows
 * (Milakov and Gimelshein 2018; Dao et al., FlashAttention, 2022). `logSumExp` is what the backward pass needs to
 * make the probabilities again: p = exp(s − logSumExp).
 *
 * With a window a query sees only the latest keys, as attention_window.ts says (Beltagy et al., Longformer, 2020), and
 * the time grows with the window instead of with the file.
 *
 * A tile of queries visits keys from the first one on that its first query sees, so that short files and windows cost
 * little. 0 · x is taken for 0: a patch that holds an infinity spoils other patches of its tiles.
 *
 * qkv [P, 3·H·D] (all heads' q, then k, then v), fileStart [P], out [P, H·D], logSumExp [H, P]
 * @module
 */
import { divideUp, type Kernel, read, wgsl, write } from "../kernel.ts";
import { stepLength, stepValue } from "../step.ts";
import {
  checkChannels,
  component,
  laneDepth,
  largest,
  lowest,
  masked,
  maskWgsl,
  scale,
  stageFunction,
  storeRows,
  tileLanes,
  tileMemory,
  tileProducts,
  tileSize,
  tileWeighted,
  tileWidth,
  unroll,
  vec4,
} from "./attention_tile.ts";
import { checkWindow, firstKey, firstKeyWgsl, pairsOf, windowRows } from "./attention_window.ts";
import { dropoutFactor } from "./dropout.ts";

/** Sizes and variant of {@linkcode attention}. */
export type AttentionShape = {
  /** Patches in the strip. */
  readonly P: number;
  /** Heads. */
  readonly H: number;
  /** Channels of a head: a multiple of 4, at most 64. */
  readonly D: number;
  /** Whether probabilities are dropped out; only then is `step` an operand. */
  readonly dropout: boolean;
  /** The random stream of the mask. */
  readonly stream: number;
  /** Rows of the longer strip whose mask this is a part of; absent: P. */
  readonly maskRows?: number;
  /** Counters between the masks of a patch and the next: that of the step's `firstPatch` comes first; absent: 0. */
  readonly maskStride?: number;
  /** Rows that a row sees, itself the last of them; absent: all of its file. */
  readonly window?: number;
  /** Heads, the first ones, that see all of their file all the same; absent: 0. */
  readonly globalHeads?: number;
};

/** The forward pass. `fileStart[p]` is the first patch of p's file, non-decreasing; of a padding patch it is p. */
export const attention: Kernel<AttentionShape, "qkv" | "out" | "logSumExp", "fileStart" | "step"> = {
  name: "attention",
  operands(shape) {
    checkChannels(shape);
    checkWindow(shape);
    const { P, H, D, dropout } = shape;
    return {
      ...(dropout ? { step: read(stepLength, "u32") } : {}),
      fileStart: read(P, "u32"),
      qkv: read(P * 3 * H * D),
      out: write(P * H * D),
      logSumExp: write(H * P),
    };
  },
  dispatches(shape) {
    const { P, H, D, maskRows = P } = shape;
    const depth = D / 4;
    const tile = { P, depth };
    const stride = 3 * H * depth;
    const tiles = divideUp(P, tileSize);
    const sums = (line: (i: number, c: number) => string) =>
      unroll(4, (i) => unroll(laneDepth(tile), (c) => line(i, c)));
    const source = wgsl`
${maskWgsl(shape)}${tileMemory(tile)}
var<workgroup> exchange: array<vec4f, ${tileLanes}>; // a number of each lane's four rows
${stageFunction("stage", "qkv", stride, tile)}
@compute @workgroup_size(${tileLanes})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  // The last tiles of a file have the most keys: they begin first.
  let firstQuery = (${tiles - 1}u - group.x) * ${tileSize}u;
  let lastQuery = min(firstQuery + ${tileSize - 1}u, ${P - 1}u);
  let head = group.y;
  let row = lane / ${tileWidth}u;
  let column = lane % ${tileWidth}u;
  let query = firstQuery + 4u * row;
${
      unroll(4, (i) =>
        wgsl`
  let at${i} = min(query + ${i}u, ${P - 1}u) * ${stride}u + head * ${depth}u;
  let start${i} = ${firstKeyWgsl(shape, `min(query + ${i}u, ${P - 1}u)`)};`)
    }
  var highest = vec4f(${lowest});
  var sum = vec4f();
  ${sums((i, c) => `var out${i}_${c} = vec4f();`)}
  for (var firstKey = ${firstKeyWgsl(shape, "firstQuery")}; firstKey <= lastQuery; firstKey += ${tileSize}u) {
    stage(firstKey, ${H * depth}u + head * ${depth}u, lane);
    workgroupBarrier();
    ${tileProducts(tile, "s", (i, d) => `vec4f(qkv[at${i} + ${d}])`)}
    let key = vec4u(firstKey + 4u * column) + vec4u(0u, 1u, 2u, 3u);
${
      unroll(4, (i) =>
        wgsl`
    let valid${i} = (key >= vec4u(start${i})) & (key <= vec4u(query + ${i}u));
    s${i} = select(vec4f(${lowest}), s${i} * ${scale(D)}, valid${i});`)
    }
    exchange[lane] = ${vec4((i) => largest(`s${i}`))};
    workgroupBarrier();
    var higher = highest;
    ${unroll(tileWidth, (n) => `higher = max(higher, exchange[row * ${tileWidth}u + ${n}u]);`)}
    let rescale = exp(highest - higher);
    highest = higher;
${
      unroll(4, (i) =>
        wgsl`
    let p${i} = select(vec4f(), exp(s${i} - ${component("highest", i)}), valid${i});
    weights[(4u * row + ${i}u) * ${tileWidth}u + column] = ${
          masked(
            shape,
            `p${i}`,
            `(head * ${maskRows}u + query + ${i}u) * ${maskRows}u + firstKey + 4u * column`,
            1,
          )
        };`)
    }
    sum = sum * rescale + ${vec4((i) => `dot(p${i}, vec4f(1.0))`)};
    workgroupBarrier();
    ${sums((i, c) => `out${i}_${c} *= ${component("rescale", i)};`)}
    ${
      tileWeighted(tile, "out", {
        name: "qkv",
        stride,
        first: "firstKey",
        offset: `${2 * H * depth}u + head * ${depth}u`,
      })
    }
  }
  exchange[lane] = sum;
  workgroupBarrier();
  var total = vec4f();
  ${unroll(tileWidth, (n) => `total += exchange[row * ${tileWidth}u + ${n}u];`)}
  ${
      storeRows(
        tile,
        { name: "out", stride: H * depth, offset: `head * ${depth}u`, first: "query" },
        (i, c) => `out${i}_${c} / ${component("total", i)}`,
      )
    }
  if (column == 0u) {
    let result = highest + log(total);
${
      unroll(4, (i) =>
        wgsl`
    if (query + ${i}u < ${P}u) { logSumExp[head * ${P}u + query + ${i}u] = ${component("result", i)}; }`)
    }
  }
}`;
    return [{ source, workgroups: [tiles, H, 1], vectors: ["qkv", "out"] }];
  },
  assembly(shape) {
    const { P, H, D, dropout, stream } = shape;
    const operands = ["qkv", "fileStart", dropout ? "step" : null, "out", "logSumExp"];
    const mask = [shape.maskRows ?? P, shape.maskStride ?? 0];
    const seen = [windowRows(shape), shape.globalHeads ?? 0];
    return [{ function: "attention", arguments: [...operands, P, H, D, stream, ...seen, ...mask] }];
  },
  reference(shape, { qkv, out, logSumExp, fileStart, step }) {
    const { P, H, D, dropout, stream, maskRows = P, maskStride = 0 } = shape;
    const start = dropout ? stepValue(step, "firstPatch") * maskStride : 0;
    const rate = dropout ? stepValue(step, "dropoutRate") : 0;
    const seed = dropout ? stepValue(step, "dropoutSeed") : 0;
    const C = H * D;
    const p = new Float64Array(P);
    out.fill(0);
    for (let h = 0; h < H; h++) {
      for (let q = 0; q < P; q++) {
        const query = q * 3 * C + h * D;
        const first = firstKey(shape, fileStart, q, h);
        let highest = -Infinity;
        for (let k = first; k <= q; k++) {
          const key = k * 3 * C + C + h * D;
          let score = 0;
          for (let d = 0; d < D; d++) score += qkv[query + d]! * qkv[key + d]!;
          p[k] = score / Math.sqrt(D);
          highest = Math.max(highest, p[k]!);
        }
        let sum = 0;
        for (let k = first; k <= q; k++) sum += p[k] = Math.exp(p[k]! - highest);
        logSumExp[h * P + q] = highest + Math.log(sum);
        for (let k = first; k <= q; k++) {
          const index = (start + (h * maskRows + q) * maskRows + k) >>> 0;
          const weight = (dropout ? dropoutFactor(index, stream, seed, rate) : 1) * p[k]! / sum;
          const value = k * 3 * C + 2 * C + h * D;
          for (let d = 0; d < D; d++) out[q * C + h * D + d]! += weight * qkv[value + d]!;
        }
      }
    }
  },
  /** Of one file that fills the strip: shorter files cost less, by how much depends on the data. */
  cost: (shape) => ({
    flops: 4 * shape.D * pairsOf(shape),
    bytes: 4 * (4 * shape.P * shape.H * shape.D + shape.H * shape.P + shape.P),
  }),
  tolerance: {
    absolute: 1e-6,
    relative: 3e-6,
    reason: "WGSL's exp is good to 3 + 2|x| ulp, and scores of a few units to 1 ulp (lavapipe: 4e-7)",
  },
  halves: ["qkv", "out"],
};
