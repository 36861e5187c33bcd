/**
 * The input of the byte-level decoder. A row n decodes one patch: the feature from the patch level stands in place of
 * the first byte, then come the embeddings of the S − 1 bytes that are known when the last one is predicted:
 *
 *   x[n, 0] = feature[n] + positions[0]
 *   x[n, t] = table[tokens[n, t − 1]] + positions[t]      t = 1 … S − 1
 *
 * and backward
 *
 *   dFeature[n]    = dx[n, 0]
 *   dTable[v]     += Σ dx[n, t] over n and t ≥ 1 with tokens[n, t − 1] = v
 *   dPositions[t] += Σₙ dx[n, t]
 *
 * feature [N, C], tokens [N, S], table [V, C], positions [S + 1, C] (as published; the last row is never used),
 * x [N·S, C]. S is at least 2.
 * @module
 */
import { divideUp, foldWidth, foldWorkgroups, type Kernel, read, update, wgsl, write } from "../kernel.ts";
import { keyedRowSums, rowVectors, stridedRowSums } from "../row_sums.ts";

/** Sizes of {@linkcode byteEmbedding}. */
export type ByteEmbeddingShape = {
  /** Byte rows: patches that are decoded. */
  readonly N: number;
  /** Bytes of a patch. */
  readonly S: number;
  /** Vocabulary. */
  readonly V: number;
  /** Channels. */
  readonly C: number;
};

/** Elements of the `scratch` of {@linkcode byteEmbeddingBackward}: the table's gradient position by position. */
export function byteEmbeddingScratchLength({ S, V, C }: Omit<ByteEmbeddingShape, "N">): number {
  return (S - 1) * V * C;
}

/** x[n] = the feature, then the embeddings of all bytes but the last, with positions added. */
export const byteEmbedding: Kernel<ByteEmbeddingShape, "feature" | "table" | "positions" | "x", "tokens"> = {
  name: "byteEmbedding",
  operands: ({ N, S, V, C }) => ({
    tokens: read(N * S, "u32"),
    feature: read(N * C),
    table: read(V * C),
    positions: read((S + 1) * C),
    x: write(N * S * C),
  }),
  dispatches({ N, S, C }) {
    const { type, count, vectors } = rowVectors(C);
    const groups = divideUp(N * S * count, 256);
    const source = wgsl`
@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * ${foldWidth(groups)}u + group.x) * 256u + lane;
  if (i >= ${N * S * count}u) { return; }
  let row = i / ${count}u;
  let value = i % ${count}u;
  let position = row % ${S}u;
  var embedded: ${type};
  if (position == 0u) {
    embedded = feature[(row / ${S}u) * ${count}u + value];
  } else {
    embedded = table[tokens[row - 1u] * ${count}u + value];
  }
  x[i] = embedded + positions[position * ${count}u + value];
}`;
    return [{
      source,
      workgroups: foldWorkgroups(groups),
      vectors: vectors("feature", "table", "positions", "x"),
    }];
  },
  assembly: ({ N, S, C }) => [{
    function: "byteEmbedding",
    arguments: ["tokens", "feature", "table", "positions", "x", N, S, C],
  }],
  reference({ N, S, C }, { tokens, feature, table, positions, x }) {
    for (let n = 0; n < N; n++) {
      for (let t = 0; t < S; t++) {
        const row = n * S + t;
        const token = t === 0 ? 0 : tokens[row - 1]!;
        for (let c = 0; c < C; c++) {
          const embedded = t === 0 ? feature[n * C + c]! : table[token * C + c]!;
          x[row * C + c] = embedded + positions[t * C + c]!;
        }
      }
    }
  },
  cost: ({ N, S, V, C }) => ({ flops: N * S * C, bytes: 4 * (N * S + (N + V + S + 1 + N * S) * C) }),
  tolerance: { absolute: 2e-7, relative: 2e-7, reason: "one sum in f32" },
};

/**
 * The gradients of {@linkcode byteEmbedding}: `dFeature` is set, `dTable` and `dPositions` are added to what is there.
 *
 * A frequent byte would make one workgroup sum 100,000 rows while the others wait, so the table's gradient is summed
 * apart for each position, in `scratch` [S − 1, V, C], and then over positions. The cpu engine, whose threads share
 * channels, leaves the scratch alone.
 */
export const byteEmbeddingBackward: Kernel<
  ByteEmbeddingShape,
  "dx" | "dFeature" | "dTable" | "dPositions" | "scratch",
  "tokens"
> = {
  name: "byteEmbedding.backward",
  operands: ({ N, S, V, C }) => ({
    tokens: read(N * S, "u32"),
    dx: read(N * S * C),
    dFeature: write(N * C),
    dTable: update(V * C),
    dPositions: update((S + 1) * C),
    scratch: write(byteEmbeddingScratchLength({ S, V, C })),
  }),
  dispatches({ N, S, V, C }) {
    const { count, vectors } = rowVectors(C);
    const featureGroups = divideUp(N * count, 256);
    const feature = wgsl`
@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * ${foldWidth(featureGroups)}u + group.x) * 256u + lane;
  if (i >= ${N * count}u) { return; }
  dFeature[i] = dx[(i / ${count}u) * ${S * count}u + i % ${count}u];
}`;
    const tableGroups = divideUp(V * count, 256);
    const parts = Array.from({ length: S - 1 }, (_, t) => `sum += scratch[i + ${t * V * count}u];`);
    const table = wgsl`
@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * ${foldWidth(tableGroups)}u + group.x) * 256u + lane;
  if (i >= ${V * count}u) { return; }
  var sum = dTable[i];
  ${parts.join("\n  ")}
  dTable[i] = sum;
}`;
    return [
      {
        source: feature,
        workgroups: foldWorkgroups(featureGroups),
        vectors: vectors("dx", "dFeature"),
      },
      keyedRowSums({
        items: N,
        rows: (S - 1) * V,
        C,
        belongs: `tokens[item * ${S}u + row / ${V}u] == row % ${V}u`,
        source: "dx",
        sourceRow: `item * ${S}u + row / ${V}u + 1u`,
        target: "scratch",
        assign: "=",
      }),
      {
        source: table,
        workgroups: foldWorkgroups(tableGroups),
        vectors: vectors("dTable", "scratch"),
      },
      stridedRowSums({ items: N, rows: S, C, source: "dx", target: "dPositions" }),
    ];
  },
  assembly: ({ N, S, V, C }) => [{
    function: "byteEmbeddingBackward",
    arguments: ["tokens", "dx", "dFeature", "dTable", "dPositions", N, S, V, C],
  }],
  reference({ N, S, C }, { tokens, dx, dFeature, dTable, dPositions }) {
    for (let n = 0; n < N; n++) {
      for (let t = 0; t < S; t++) {
        const row = n * S + t;
        for (let c = 0; c < C; c++) dPositions[t * C + c]! += dx[row * C + c]!;
        if (t === 0) {
          for (let c = 0; c < C; c++) dFeature[n * C + c] = dx[row * C + c]!;
        } else {
          const token = tokens[row - 1]!;
          for (let c = 0; c < C; c++) dTable[token * C + c]! += dx[row * C + c]!;
        }
      }
    }
  },
  cost: ({ N, S, V, C }) => ({
    flops: N * (2 * S - 1) * C,
    bytes: 4 * (N * S + (N * S + N + 2 * V + 2 * (S + 1) + (S - 1) * V) * C),
  }),
  tolerance: {
    absolute: 2e-6,
    relative: 1e-6,
    reason: "sums in f32 over partial sums of at most 256 terms of order one",
  },
};
