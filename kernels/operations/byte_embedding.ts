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
 * With `feature: "every"` the bytes are one run in which each row takes the byte before it, row 0 the last byte of the
 * patch that the feature was made of last, and the feature is added to every row:
 *
 *   x[n, t] = table[previous(n, t)] + feature[n] + positions[t]
 *   previous(n, 0) = patches[n, S − 1], previous(n, t) = tokens[n, t − 1]
 *
 *   dFeature[n]    = Σₜ dx[n, t]
 *   dTable[v]     += Σ dx[n, t] over n and t with previous(n, t) = v
 *
 * feature [N, C], tokens and patches [N, S], table [V, C], positions [S + 1, C] (as published; the last row is never
 * used), x [N·S, C]. S is at least 2.
 * @module
 */
import { divideUp, foldWidth, foldWorkgroups, type Kernel, read, update, wgsl, write } from "../kernel.ts";
import { keyedRowSums, rowVectors, stridedRowSums } from "../row_sums.ts";
import { belongsToPreviousByteWgsl, previousByte, previousByteWgsl } from "./previous_byte.ts";

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
  /** Adds the feature to every row; absent, it stands in place of the first byte, as published. */
  readonly feature?: "every";
};

type Feature = ByteEmbeddingShape["feature"];

/** Elements of the `scratch` of {@linkcode byteEmbeddingBackward}: the table's gradient position by position. */
export function byteEmbeddingScratchLength({ S, V, C, feature }: Omit<ByteEmbeddingShape, "N">): number {
  return (S - firstEmbedded(feature)) * V * C;
}

/** The first position that a row of the table is added to. */
function firstEmbedded(feature: Feature): 0 | 1 {
  return feature === "every" ? 0 : 1;
}

/** As an argument of the assembly, which takes it for the sign that the feature is added to every row. */
function patchesOf(feature: Feature): "patches" | null {
  return feature === "every" ? "patches" : null;
}

/** Elements of `tokens`, and of one token of each of the `patches`. */
function inputTokens(N: number, S: number, feature: Feature): number {
  return N * S + (feature === "every" ? N : 0);
}

/** x[n] = the feature, then the embeddings of all bytes but the last, with positions added. */
export const byteEmbedding: Kernel<
  ByteEmbeddingShape,
  "feature" | "table" | "positions" | "x",
  "tokens" | "patches"
> = {
  name: "byteEmbedding",
  operands: ({ N, S, V, C, feature }) => ({
    tokens: read(N * S, "u32"),
    ...(feature === "every" ? { patches: read(N * S, "u32") } : {}),
    feature: read(N * C),
    table: read(V * C),
    positions: read((S + 1) * C),
    x: write(N * S * C),
  }),
  dispatches({ N, S, C, feature }) {
    const { type, count, vectors } = rowVectors(C);
    const groups = divideUp(N * S * count, 256);
    const embedded = feature === "every"
      ? wgsl`let embedded = table[previousByte(row) * ${count}u + value] + feature[(row / ${S}u) * ${count}u + value];`
      : wgsl`var embedded: ${type};
  if (position == 0u) {
    embedded = feature[(row / ${S}u) * ${count}u + value];
  } else {
    embedded = table[tokens[row - 1u] * ${count}u + value];
  }`;
    const source = wgsl`${feature === "every" ? previousByteWgsl(S) : ""}
@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * ${foldWidth(groups)}u + group.x) * 256u + lane;
  if (i >= ${N * S * count}u) { return; }
  let row = i / ${count}u;
  let value = i % ${count}u;
  let position = row % ${S}u;
  ${embedded}
  x[i] = embedded + positions[position * ${count}u + value];
}`;
    return [{
      source,
      workgroups: foldWorkgroups(groups),
      vectors: vectors("feature", "table", "positions", "x"),
    }];
  },
  assembly: ({ N, S, C, feature }) => [{
    function: "byteEmbedding",
    arguments: ["tokens", patchesOf(feature), "feature", "table", "positions", "x", N, S, C],
  }],
  reference({ N, S, C, feature: where }, { tokens, patches, feature, table, positions, x }) {
    for (let n = 0; n < N; n++) {
      for (let t = 0; t < S; t++) {
        const row = n * S + t;
        for (let c = 0; c < C; c++) x[row * C + c] = positions[t * C + c]!;
        if (t === 0 || where === "every") {
          for (let c = 0; c < C; c++) x[row * C + c]! += feature[n * C + c]!;
        }
        if (t === 0 && where === undefined) continue;
        const token = previousByte(S, tokens, patches, row);
        for (let c = 0; c < C; c++) x[row * C + c]! += table[token * C + c]!;
      }
    }
  },
  cost({ N, S, V, C, feature }) {
    const terms = feature === "every" ? 2 : 1;
    return {
      flops: terms * N * S * C,
      bytes: 4 * (inputTokens(N, S, feature) + (N + V + S + 1 + N * S) * C),
    };
  },
  tolerance: { absolute: 2e-7, relative: 2e-7, reason: "one or two sums in f32" },
};

/**
 * The gradients of {@linkcode byteEmbedding}: `dFeature` is set, `dTable` and `dPositions` are added to what is there.
 *
 * A frequent byte would make one workgroup sum 100,000 rows while the others wait, so the table's gradient is summed
 * apart for each position that has one, in `scratch` [S − 1 or S, V, C], and then over positions. The cpu engine, whose
 * threads share channels, leaves the scratch alone.
 */
export const byteEmbeddingBackward: Kernel<
  ByteEmbeddingShape,
  "dx" | "dFeature" | "dTable" | "dPositions" | "scratch",
  "tokens" | "patches"
> = {
  name: "byteEmbedding.backward",
  operands: ({ N, S, V, C, feature }) => ({
    tokens: read(N * S, "u32"),
    ...(feature === "every" ? { patches: read(N * S, "u32") } : {}),
    dx: read(N * S * C),
    dFeature: write(N * C),
    dTable: update(V * C),
    dPositions: update((S + 1) * C),
    scratch: write((S - firstEmbedded(feature)) * V * C),
  }),
  dispatches({ N, S, V, C, feature }, device) {
    const every = feature === "every";
    const embedded = S - firstEmbedded(feature);
    const { count, vectors } = rowVectors(C);
    const featureGroups = divideUp(N * count, 256);
    const rows = Array.from({ length: S }, (_, t) => `dx[first + ${t * count}u]`);
    const source = wgsl`
@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * ${foldWidth(featureGroups)}u + group.x) * 256u + lane;
  if (i >= ${N * count}u) { return; }
  ${
      every
        ? `let first = (i / ${count}u) * ${S * count}u + i % ${count}u;
  dFeature[i] = ${rows.join(" + ")};`
        : `dFeature[i] = dx[(i / ${count}u) * ${S * count}u + i % ${count}u];`
    }
}`;
    const tableGroups = divideUp(V * count, 256);
    const parts = Array.from({ length: embedded }, (_, t) => `sum += scratch[i + ${t * V * count}u];`);
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
        source,
        workgroups: foldWorkgroups(featureGroups),
        vectors: vectors("dx", "dFeature"),
      },
      keyedRowSums({
        items: N,
        rows: embedded * V,
        C,
        belongs: every
          ? belongsToPreviousByteWgsl(S, V)
          : `tokens[item * ${S}u + row / ${V}u] == row % ${V}u`,
        source: "dx",
        sourceRow: `item * ${S}u + row / ${V}u${every ? "" : " + 1u"}`,
        target: "scratch",
        assign: "=",
      }),
      {
        source: table,
        workgroups: foldWorkgroups(tableGroups),
        vectors: vectors("dTable", "scratch"),
      },
      stridedRowSums({ items: N, rows: S, C, source: "dx", target: "dPositions" }, device),
    ];
  },
  assembly: ({ N, S, V, C, feature }) => [{
    function: "byteEmbeddingBackward",
    arguments: ["tokens", patchesOf(feature), "dx", "dFeature", "dTable", "dPositions", N, S, V, C],
  }],
  reference({ N, S, C, feature }, { tokens, patches, dx, dFeature, dTable, dPositions }) {
    const every = feature === "every";
    for (let n = 0; n < N; n++) {
      for (let t = 0; t < S; t++) {
        const row = n * S + t;
        for (let c = 0; c < C; c++) dPositions[t * C + c]! += dx[row * C + c]!;
        if (t === 0) {
          for (let c = 0; c < C; c++) dFeature[n * C + c] = dx[row * C + c]!;
        } else if (every) {
          for (let c = 0; c < C; c++) dFeature[n * C + c]! += dx[row * C + c]!;
        }
        if (t === 0 && !every) continue;
        const token = previousByte(S, tokens, patches, row);
        for (let c = 0; c < C; c++) dTable[token * C + c]! += dx[row * C + c]!;
      }
    }
  },
  cost({ N, S, V, C, feature }) {
    const embedded = S - firstEmbedded(feature);
    const sums = feature === "every" ? 3 * S - 1 : 2 * S - 1;
    return {
      flops: N * sums * C,
      bytes: 4 * (inputTokens(N, S, feature) + (N * S + N + 2 * V + 2 * (S + 1) + embedded * V) * C),
    };
  },
  tolerance: {
    absolute: 2e-6,
    relative: 1e-6,
    reason: "sums in f32 over partial sums of at most 256 terms of order one",
  },
};
