/**
 * The gradient of `attention.ts`. With p = exp(s − logSumExp) made again and the same dropout factors m,
 *
 *   δ_q = Σ_d dOut_q ⊙ out_q,  dp(q, k) = dOut_q · V_k,  ds(q, k) = p · (m · dp − δ_q) / √D,
 *   dQ_q = Σₖ ds · K_k,  dK_k = Σ_q ds · Q_q,  dV_k = Σ_q m · p · dOut_q
 *
 * (Dao et al. 2022, appendix B.4). Three dispatches: δ, then dQ for tiles of queries that visit keys, then dK and dV
 * for tiles of keys that visit queries. The last two make the scores twice, and so need no atomics: every sum has one
 * owner and a fixed order. δ_q = Σₖ p · m · dp holds with dropout too, because out_q = Σₖ m · p · V_k.
 *
 * qkv, dQkv [P, 3·H·D], out, dOut [P, H·D], logSumExp, delta (scratch) [H, P], fileStart [P]
 * @module
 */
import {
  type Dispatch,
  divideUp,
  foldWidth,
  foldWorkgroups,
  type Kernel,
  read,
  wgsl,
  write,
} from "../kernel.ts";
import { stepLength, stepValue } from "../step.ts";
import type { AttentionShape } from "./attention.ts";
import {
  checkChannels,
  laneDepth,
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

/** The backward pass; `delta` is scratch. */
export const attentionBackward: Kernel<
  AttentionShape,
  "qkv" | "out" | "dOut" | "logSumExp" | "delta" | "dQkv",
  "fileStart" | "step"
> = {
  name: "attention.backward",
  operands(shape) {
    checkChannels(shape);
    checkWindow(shape);
    const { P, H, D, dropout } = shape;
    return {
      ...(dropout ? { step: read(stepLength, "u32") } : {}),
      fileStart: read(P, "u32"),
      qkv: read(P * 3 * H * D),
      out: read(P * H * D),
      dOut: read(P * H * D),
      logSumExp: read(H * P),
      delta: write(H * P),
      dQkv: write(P * 3 * H * D),
    };
  },
  dispatches: (shape) => [deltaDispatch(shape), queryDispatch(shape), keyDispatch(shape)],
  assembly(shape) {
    const { P, H, D, dropout, stream } = shape;
    const mask = [shape.maskRows ?? P, shape.maskStride ?? 0];
    const seen = [windowRows(shape), shape.globalHeads ?? 0];
    const operands = ["qkv", "fileStart", dropout ? "step" : null, "dOut", "logSumExp", "delta", "dQkv"];
    return [
      { function: "attentionDelta", arguments: ["out", "dOut", "delta", P, H, D] },
      { function: "attentionQueryGradient", arguments: [...operands, P, H, D, stream, ...seen, ...mask] },
      { function: "attentionKeyGradient", arguments: [...operands, P, H, D, stream, ...seen, ...mask] },
    ];
  },
  reference(shape, { qkv, out, dOut, logSumExp, delta, dQkv, fileStart, step }) {
    const { P, H, D, dropout, stream, maskRows = P, maskStride = 0 } = shape;
    const start = dropout ? stepValue(step, "firstPatch") * maskStride : 0;
    const rate = dropout ? stepValue(step, "dropoutRate") : 0;
    const seed = dropout ? stepValue(step, "dropoutSeed") : 0;
    const C = H * D;
    dQkv.fill(0);
    for (let h = 0; h < H; h++) {
      for (let q = 0; q < P; q++) {
        const query = q * 3 * C + h * D;
        const row = q * C + h * D;
        let rowDelta = 0;
        for (let d = 0; d < D; d++) rowDelta += dOut[row + d]! * out[row + d]!;
        delta[h * P + q] = rowDelta;
        for (let k = firstKey(shape, fileStart, q, h); k <= q; k++) {
          const key = k * 3 * C + C + h * D;
          const value = key + C;
          let score = 0;
          let dWeight = 0;
          for (let d = 0; d < D; d++) {
            score += qkv[query + d]! * qkv[key + d]!;
            dWeight += dOut[row + d]! * qkv[value + d]!;
          }
          const p = Math.exp(score / Math.sqrt(D) - logSumExp[h * P + q]!);
          const index = (start + (h * maskRows + q) * maskRows + k) >>> 0;
          const factor = dropout ? dropoutFactor(index, stream, seed, rate) : 1;
          const dScore = p * (factor * dWeight - rowDelta) / Math.sqrt(D);
          for (let d = 0; d < D; d++) {
            dQkv[query + d]! += dScore * qkv[key + d]!;
            dQkv[key + d]! += dScore * qkv[query + d]!;
            dQkv[value + d]! += factor * p * dOut[row + d]!;
          }
        }
      }
    }
  },
  /** Of one file that fills the strip, as in the forward pass. */
  cost: (shape) => ({
    flops: 10 * shape.D * pairsOf(shape),
    bytes: 4 * (8 * shape.P * shape.H * shape.D + 2 * shape.H * shape.P + shape.P),
  }),
  tolerance: {
    absolute: 1e-6,
    relative: 6e-6,
    reason: "as forward, and m · dp − δ is the difference of two sums of D products (lavapipe: 9e-7)",
  },
  halves: ["qkv", "out", "dOut", "dQkv"],
};

/** δ: a lane for each query and head. */
function deltaDispatch({ P, H, D }: AttentionShape): Dispatch {
  const groups = divideUp(P * H, 64);
  const source = wgsl`
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * ${foldWidth(groups)}u + group.x) * 64u + lane;
  if (i >= ${P * H}u) { return; }
  var sum = 0.0;
${
    unroll(D / 4, (d) =>
      `  sum += dot(vec4f(dOut[i * ${D / 4}u + ${d}u]), vec4f(out[i * ${D / 4}u + ${d}u]));`)
  }
  delta[(i % ${H}u) * ${P}u + i / ${H}u] = sum;
}`;
  return { source, workgroups: foldWorkgroups(groups), vectors: ["out", "dOut"] };
}

/** dQ: rows are queries, columns are keys. */
function queryDispatch(shape: AttentionShape): Dispatch {
  const { P, H, D, maskRows = P } = shape;
  const depth = D / 4;
  const tile = { P, depth };
  const stride = 3 * H * depth;
  const tiles = divideUp(P, tileSize);
  const source = wgsl`
${maskWgsl(shape)}${tileMemory(tile)}
${stageFunction("stage", "qkv", stride, tile)}
@compute @workgroup_size(${tileLanes})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let firstQuery = (${tiles - 1}u - group.x) * ${tileSize}u;
  let lastQuery = min(firstQuery + ${tileSize - 1}u, ${P - 1}u);
  let head = group.y;
  let channels = head * ${depth}u;
  let row = lane / ${tileWidth}u;
  let column = lane % ${tileWidth}u;
  let query = firstQuery + 4u * row;
${
    unroll(4, (i) =>
      wgsl`
  let row${i} = min(query + ${i}u, ${P - 1}u);
  let start${i} = ${firstKeyWgsl(shape, `row${i}`)};
  let logSumExp${i} = logSumExp[head * ${P}u + row${i}];
  let delta${i} = delta[head * ${P}u + row${i}];
  ${unroll(laneDepth(tile), (c) => `var dQ${i}_${c} = vec4f();`)}`)
  }
  for (var firstKey = ${firstKeyWgsl(shape, "firstQuery")}; firstKey <= lastQuery; firstKey += ${tileSize}u) {
    stage(firstKey, ${H * depth}u + channels, lane);
    workgroupBarrier();
    ${tileProducts(tile, "s", (i, d) => `vec4f(qkv[row${i} * ${stride}u + channels + ${d}])`)}
    workgroupBarrier();
    stage(firstKey, ${2 * H * depth}u + channels, lane);
    workgroupBarrier();
    ${tileProducts(tile, "dWeight", (i, d) => `vec4f(dOut[row${i} * ${H * depth}u + channels + ${d}])`)}
    let key = vec4u(firstKey + 4u * column) + vec4u(0u, 1u, 2u, 3u);
${
    unroll(4, (i) => {
      const index = `(head * ${maskRows}u + query + ${i}u) * ${maskRows}u + firstKey + 4u * column`;
      return wgsl`
    let valid${i} = (key >= vec4u(start${i})) & (key <= vec4u(query + ${i}u));
    let p${i} = select(vec4f(), exp(s${i} * ${scale(D)} - logSumExp${i}), valid${i});
    weights[(4u * row + ${i}u) * ${tileWidth}u + column] =
      p${i} * (${masked(shape, `dWeight${i}`, index, 1)} - delta${i}) * ${scale(D)};`;
    })
  }
    workgroupBarrier();
    ${
    tileWeighted(tile, "dQ", { name: "qkv", stride, first: "firstKey", offset: `${H * depth}u + channels` })
  }
  }
  ${
    storeRows(
      tile,
      { name: "dQkv", stride, offset: "channels", first: "query" },
      (i, c) => `dQ${i}_${c}`,
    )
  }
}`;
  return { source, workgroups: [tiles, H, 1], vectors: ["qkv", "out", "dOut", "dQkv"] };
}

/** dK and dV: rows are keys, columns are queries, from the keys' own tile to the last one that sees any of them. */
function keyDispatch(shape: AttentionShape): Dispatch {
  const { P, H, D, maskRows = P } = shape;
  const depth = D / 4;
  const tile = { P, depth };
  const stride = 3 * H * depth;
  const tiles = divideUp(P, tileSize);
  const ofQueries = (line: (j: number) => string) => vec4((j) => line(j));
  const source = wgsl`
${maskWgsl(shape)}${tileMemory(tile)}
${stageFunction("stageQuery", "qkv", stride, tile)}
${stageFunction("stageGradient", "dOut", H * depth, tile)}
@compute @workgroup_size(${tileLanes})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let firstKey = group.x * ${tileSize}u;
  let lastKey = min(firstKey + ${tileSize - 1}u, ${P - 1}u);
  let head = group.y;
  let channels = head * ${depth}u;
  let row = lane / ${tileWidth}u;
  let column = lane % ${tileWidth}u;
  let key = firstKey + 4u * row;
${
    unroll(4, (i) =>
      wgsl`
  let at${i} = min(key + ${i}u, ${P - 1}u) * ${stride}u + ${H * depth}u + channels;
  ${unroll(laneDepth(tile), (c) => `var dK${i}_${c} = vec4f(); var dV${i}_${c} = vec4f();`)}`)
  }
  for (var firstQuery = firstKey; firstQuery < ${P}u; firstQuery += ${tileSize}u) {
    if (${firstKeyWgsl(shape, "firstQuery")} > lastKey) { break; }
    stageQuery(firstQuery, channels, lane);
    workgroupBarrier();
    ${tileProducts(tile, "s", (i, d) => `vec4f(qkv[at${i} + ${d}])`)}
    let first = firstQuery + 4u * column;
    let query = vec4u(first) + vec4u(0u, 1u, 2u, 3u);
${unroll(4, (j) => `    let row${j} = min(first + ${j}u, ${P - 1}u);`)}
    let start = vec4u(${[0, 1, 2, 3].map((j) => firstKeyWgsl(shape, `row${j}`)).join(", ")});
    let logSumExps = ${ofQueries((j) => `logSumExp[head * ${P}u + row${j}]`)};
    let deltas = ${ofQueries((j) => `delta[head * ${P}u + row${j}]`)};
${
    unroll(4, (i) =>
      wgsl`
    let valid${i} = (vec4u(key + ${i}u) >= start) & (vec4u(key + ${i}u) <= query) & (query < vec4u(${P}u));
    let p${i} = select(vec4f(), exp(s${i} * ${scale(D)} - logSumExps), valid${i});
    let kept${i} = ${
        masked(shape, `p${i}`, `(head * ${maskRows}u + first) * ${maskRows}u + key + ${i}u`, maskRows)
      };
    weights[(4u * row + ${i}u) * ${tileWidth}u + column] = kept${i};`)
  }
    workgroupBarrier();
    ${
    tileWeighted(tile, "dV", {
      name: "dOut",
      stride: H * depth,
      first: "firstQuery",
      offset: "channels",
    })
  }
    stageGradient(firstQuery, channels, lane);
    workgroupBarrier();
    ${tileProducts(tile, "dWeight", (i, d) => `vec4f(qkv[at${i} + ${H * depth}u + ${d}])`)}
${
    unroll(4, (i) =>
      wgsl`
    weights[(4u * row + ${i}u) * ${tileWidth}u + column] =
      (kept${i} * dWeight${i} - p${i} * deltas) * ${scale(D)};`)
  }
    workgroupBarrier();
    ${tileWeighted(tile, "dK", { name: "qkv", stride, first: "firstQuery", offset: "channels" })}
  }
  ${
    storeRows(
      tile,
      { name: "dQkv", stride, offset: `${H * depth}u + channels`, first: "key" },
      (i, c) => `dK${i}_${c}`,
    )
  }
  ${
    storeRows(
      tile,
      { name: "dQkv", stride, offset: `${2 * H * depth}u + channels`, first: "key" },
      (i, c) => `dV${i}_${c}`,
    )
  }
}`;
  return { source, workgroups: [tiles, H, 1], vectors: ["qkv", "out", "dOut", "dQkv"] };
}
