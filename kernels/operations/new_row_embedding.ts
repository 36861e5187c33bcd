/**
 * Embeddings of generation: what patch_embedding.ts and byte_embedding.ts make of the one row that is new of each
 * sequence, with at(b) of sequence_rows.ts.
 *
 *   lastPatchEmbedding   x[b] = bias + Σₛ table[s·V + tokens[b·L + at, s]] + positions[at]
 *   nextByteEmbedding    x[b] = (feature[b] where at = 0, else table[tokens[b, at − 1]]) + positions[at]
 *
 * and with `feature: "every"`
 *
 *   nextByteEmbedding    x[b] = table[previous(b)] + feature[b] + positions[at]
 *   previous(b) = patches[b·L + at of the last patch, S − 1] where at = 0, else tokens[b, at − 1]
 *
 * tokens of patches, and patches [B·L, S], tokens of bytes [B, S]; table of patches [S·V, C], of bytes [V, C]; bias [C];
 * positions of patches [Lmax, C] with Lmax ≥ L or none, of bytes [S + 1, C]; feature, x [B, C]; sequences [B, 4]
 * @module
 */
import { divideUp, foldWidth, foldWorkgroups, type Kernel, read, wgsl, write } from "../kernel.ts";
import { rowInSlot, rowInSlotWgsl } from "./sequence_rows.ts";
import { sequenceWords } from "./sequences.ts";

/** Sizes of {@linkcode lastPatchEmbedding}. */
export type LastPatchEmbeddingShape = {
  /** Sequences. */
  readonly B: number;
  /** Patches of a slot. */
  readonly L: number;
  /** Bytes of a patch. */
  readonly S: number;
  /** Vocabulary. */
  readonly V: number;
  /** Channels. */
  readonly C: number;
  /** Rows of the position table, at least L; with 0 no positions are added. */
  readonly positionCount: number;
};

/** Sizes of {@linkcode nextByteEmbedding}. */
export type NextByteEmbeddingShape = {
  /** Sequences. */
  readonly B: number;
  /** Bytes of a patch. */
  readonly S: number;
  /** Vocabulary. */
  readonly V: number;
  /** Channels. */
  readonly C: number;
  /** Adds the feature to every row; absent, it stands in place of the first byte, as published. */
  readonly feature?: "every";
  /** Patches of a slot, needed with the feature on every row. */
  readonly L?: number;
};

/** A thread computes the number i = b·C + c of `x`; `at` is the row within the slot, of which it adds the position. */
function eachNumber(B: number, C: number, at: string, sum: string, positions = true) {
  const groups = divideUp(B * C, 64);
  const source = wgsl`
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * ${foldWidth(groups)}u + group.x) * 64u + lane;
  if (i >= ${B * C}u) { return; }
  let b = i / ${C}u;
  let c = i % ${C}u;
  let at = ${at};
  ${sum}
  x[i] = sum${positions ? ` + positions[at * ${C}u + c]` : ""};
}`;
  return [{ source, workgroups: foldWorkgroups(groups), vectors: ["sequences"] }];
}

/** The last patch of each sequence to a vector. */
export const lastPatchEmbedding: Kernel<
  LastPatchEmbeddingShape,
  "table" | "bias" | "positions" | "x",
  "sequences" | "tokens"
> = {
  name: "lastPatchEmbedding",
  operands: ({ B, L, S, V, C, positionCount }) => ({
    sequences: read(B * sequenceWords, "u32"),
    tokens: read(B * L * S, "u32"),
    table: read(S * V * C),
    bias: read(C),
    ...(positionCount > 0 ? { positions: read(positionCount * C) } : {}),
    x: write(B * C),
  }),
  dispatches: ({ B, L, S, V, C, positionCount }) =>
    eachNumber(
      B,
      C,
      rowInSlotWgsl("lastPatch", "b", L),
      wgsl`let first = (b * ${L}u + at) * ${S}u;
  var sum = bias[c];
  for (var s = 0u; s < ${S}u; s++) { sum += table[(s * ${V}u + tokens[first + s]) * ${C}u + c]; }`,
      positionCount > 0,
    ),
  assembly: ({ B, L, S, V, C, positionCount }) => [{
    function: "lastPatchEmbedding",
    arguments: [
      "sequences",
      "tokens",
      "table",
      "bias",
      positionCount > 0 ? "positions" : null,
      "x",
      B,
      L,
      S,
      V,
      C,
    ],
  }],
  reference({ B, L, S, V, C, positionCount }, { sequences, tokens, table, bias, positions, x }) {
    for (let b = 0; b < B; b++) {
      const at = rowInSlot("lastPatch", sequences, b, L);
      for (let c = 0; c < C; c++) {
        let sum = bias[c]! + (positionCount > 0 ? positions[at * C + c]! : 0);
        for (let s = 0; s < S; s++) sum += table[(s * V + tokens[(b * L + at) * S + s]!) * C + c]!;
        x[b * C + c] = sum;
      }
    }
  },
  cost({ B, S, C, positionCount }) {
    const positions = positionCount > 0 ? 1 : 0;
    return { flops: B * (S + positions) * C, bytes: 4 * B * (S * C + S + (2 + positions) * C) };
  },
  tolerance: {
    absolute: 1e-6,
    relative: 1e-6,
    reason: "at most S + 2 terms added in f32, one after the other",
  },
};

/** What each sequence's next byte is predicted from, to a vector. */
export const nextByteEmbedding: Kernel<
  NextByteEmbeddingShape,
  "feature" | "table" | "positions" | "x",
  "sequences" | "tokens" | "patches"
> = {
  name: "nextByteEmbedding",
  operands: ({ B, S, V, C, feature, L = 0 }) => ({
    sequences: read(B * sequenceWords, "u32"),
    tokens: read(B * S, "u32"),
    ...(feature === "every" ? { patches: read(B * L * S, "u32") } : {}),
    feature: read(B * C),
    table: read(V * C),
    positions: read((S + 1) * C),
    x: write(B * C),
  }),
  dispatches: ({ B, S, C, feature, L = 0 }) =>
    eachNumber(
      B,
      C,
      rowInSlotWgsl("nextByte", "b", S),
      feature === "every"
        ? wgsl`var token = patches[(b * ${L}u + ${rowInSlotWgsl("lastPatch", "b", L)}) * ${S}u + ${S - 1}u];
  if (at > 0u) { token = tokens[b * ${S}u + at - 1u]; }
  let sum = table[token * ${C}u + c] + feature[i];`
        : wgsl`var sum = feature[i];
  if (at > 0u) { sum = table[tokens[b * ${S}u + at - 1u] * ${C}u + c]; }`,
    ),
  assembly: ({ B, S, C, feature, L = 0 }) => [{
    function: "nextByteEmbedding",
    arguments: [
      "sequences",
      "tokens",
      feature === "every" ? "patches" : null,
      "feature",
      "table",
      "positions",
      "x",
      B,
      L,
      S,
      C,
    ],
  }],
  reference(
    { B, S, C, feature: where, L = 0 },
    { sequences, tokens, patches, feature, table, positions, x },
  ) {
    for (let b = 0; b < B; b++) {
      const at = rowInSlot("nextByte", sequences, b, S);
      for (let c = 0; c < C; c++) x[b * C + c] = positions[at * C + c]!;
      if (at === 0 || where === "every") {
        for (let c = 0; c < C; c++) x[b * C + c]! += feature[b * C + c]!;
      }
      if (at === 0 && where === undefined) continue;
      const lastPatch = b * L + rowInSlot("lastPatch", sequences, b, L);
      const token = at === 0 ? patches[lastPatch * S + S - 1]! : tokens[b * S + at - 1]!;
      for (let c = 0; c < C; c++) x[b * C + c]! += table[token * C + c]!;
    }
  },
  cost({ B, C, feature }) {
    const terms = feature === "every" ? 2 : 1;
    return { flops: terms * B * C, bytes: 4 * B * ((2 + terms) * C + 1) };
  },
  tolerance: { absolute: 1e-7, relative: 1e-7, reason: "one or two sums in f32" },
};
