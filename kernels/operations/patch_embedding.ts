/**
 * The embedding of a patch: the published program multiplies the one-hot form of its bytes, S·V wide, with a matrix.
 * That equals the sum of one row of the (transposed) matrix for each byte, which is what is computed here:
 *
 *   x[p] = bias + Σₛ table[s·V + tokens[p, s]] + positions[p − fileStart[p]]
 *
 * and backward, where each row of x adds to every row it was made of:
 *
 *   dTable[s·V + v] += Σ dx[p] over p with tokens[p, s] = v
 *   dPositions[l]   += Σ dx[p] over p with p − fileStart[p] = l
 *   dBias           += Σ dx[p]
 *
 * tokens [P, S], fileStart [P], table [S·V, C], bias [C], positions [L, C], x [P, C]. With L = 0 there are no positions,
 * and none are added.
 * @module
 */
import { divideUp, foldWidth, foldWorkgroups, type Kernel, read, update, wgsl, write } from "../kernel.ts";
import { keyedRowSums, rowVectors, stridedRowSums } from "../row_sums.ts";

/** Sizes of {@linkcode patchEmbedding}. */
export type PatchEmbeddingShape = {
  /** Patches in the strip. */
  readonly P: number;
  /** Bytes of a patch. */
  readonly S: number;
  /** Vocabulary. */
  readonly V: number;
  /** Channels. */
  readonly C: number;
  /** Patch length: rows of the position table; with 0 no positions are added. */
  readonly L: number;
};

/**
 * x[p] = bias + Σₛ table[s·V + tokens[p, s]] + positions[p − fileStart[p]].
 *
 * `tokens` are below V. `fileStart` holds, for each patch, where in the strip the first patch of its file is; a file
 * has at most L patches, or any number where there are no positions.
 */
export const patchEmbedding: Kernel<
  PatchEmbeddingShape,
  "table" | "bias" | "positions" | "x",
  "tokens" | "fileStart"
> = {
  name: "patchEmbedding",
  operands: ({ P, S, V, C, L }) => ({
    tokens: read(P * S, "u32"),
    fileStart: read(P, "u32"),
    table: read(S * V * C),
    bias: read(C),
    ...(L > 0 ? { positions: read(L * C) } : {}),
    x: write(P * C),
  }),
  dispatches({ P, S, V, C, L }) {
    const { count, vectors } = rowVectors(C);
    const groups = divideUp(P * count, 256);
    const rows = Array.from(
      { length: S },
      (_, s) => `sum += table[(tokens[p * ${S}u + ${s}u] + ${s * V}u) * ${count}u + value];`,
    );
    const source = wgsl`
@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * ${foldWidth(groups)}u + group.x) * 256u + lane;
  if (i >= ${P * count}u) { return; }
  let p = i / ${count}u;
  let value = i % ${count}u;
  var sum = bias[value];
  ${rows.join("\n  ")}
  x[i] = sum${L > 0 ? ` + positions[(p - fileStart[p]) * ${count}u + value]` : ""};
}`;
    return [{
      source,
      workgroups: foldWorkgroups(groups),
      vectors: vectors("table", "bias", "positions", "x"),
    }];
  },
  assembly: ({ P, S, V, C, L }) => [{
    function: "patchEmbedding",
    arguments: ["tokens", "fileStart", "table", "bias", L > 0 ? "positions" : null, "x", P, S, V, C],
  }],
  reference({ P, S, V, C, L }, { tokens, fileStart, table, bias, positions, x }) {
    for (let p = 0; p < P; p++) {
      const position = p - fileStart[p]!;
      for (let c = 0; c < C; c++) x[p * C + c] = bias[c]! + (L > 0 ? positions[position * C + c]! : 0);
      for (let s = 0; s < S; s++) {
        const row = s * V + tokens[p * S + s]!;
        for (let c = 0; c < C; c++) x[p * C + c]! += table[row * C + c]!;
      }
    }
  },
  cost: ({ P, S, V, C, L }) => ({
    flops: P * (S + (L > 0 ? 1 : 0)) * C,
    bytes: 4 * (P * (S + 1) + (S * V + 1 + L + P) * C),
  }),
  tolerance: { absolute: 2e-6, relative: 1e-6, reason: "at most S + 2 terms of order one, added in f32" },
};

/** The gradients of {@linkcode patchEmbedding}; all are added to what is there. */
export const patchEmbeddingBackward: Kernel<
  PatchEmbeddingShape,
  "dx" | "dTable" | "dBias" | "dPositions",
  "tokens" | "fileStart"
> = {
  name: "patchEmbedding.backward",
  operands: ({ P, S, V, C, L }) => ({
    tokens: read(P * S, "u32"),
    fileStart: read(P, "u32"),
    dx: read(P * C),
    dTable: update(S * V * C),
    dBias: update(C),
    ...(L > 0 ? { dPositions: update(L * C) } : {}),
  }),
  dispatches: ({ P, S, V, C, L }, device) => [
    keyedRowSums({
      items: P,
      rows: S * V,
      C,
      belongs: `tokens[item * ${S}u + row / ${V}u] == row % ${V}u`,
      source: "dx",
      sourceRow: "item",
      target: "dTable",
      assign: "+=",
    }),
    ...(L === 0 ? [] : [keyedRowSums({
      items: P,
      rows: L,
      C,
      belongs: "item - fileStart[item] == row",
      source: "dx",
      sourceRow: "item",
      target: "dPositions",
      assign: "+=",
    })]),
    stridedRowSums({ items: P, rows: 1, C, source: "dx", target: "dBias" }, device),
  ],
  assembly: ({ P, S, V, C, L }) => [
    { function: "patchEmbeddingTable", arguments: ["tokens", "dx", "dTable", P, S, V, C] },
    {
      function: "patchEmbeddingPositions",
      arguments: ["fileStart", "dx", L > 0 ? "dPositions" : null, "dBias", P, L, C],
    },
  ],
  reference({ P, S, V, C, L }, { tokens, fileStart, dx, dTable, dBias, dPositions }) {
    for (let p = 0; p < P; p++) {
      const position = p - fileStart[p]!;
      for (let c = 0; c < C; c++) {
        dBias[c]! += dx[p * C + c]!;
        if (L > 0) dPositions[position * C + c]! += dx[p * C + c]!;
      }
      for (let s = 0; s < S; s++) {
        const row = s * V + tokens[p * S + s]!;
        for (let c = 0; c < C; c++) dTable[row * C + c]! += dx[p * C + c]!;
      }
    }
  },
  cost: ({ P, S, V, C, L }) => ({
    flops: P * (S + (L > 0 ? 2 : 1)) * C,
    bytes: 4 * (P * (S + 1) + (P + 2 * (S * V + 1 + L)) * C),
  }),
  tolerance: {
    absolute: 2e-6,
    relative: 1e-6,
    reason: "sums in f32 over partial sums of at most 256 terms of order one",
  },
};
