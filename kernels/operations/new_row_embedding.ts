/**
 * Embeddings of generation: what patch_embedding.ts and byte_embedding.ts make of the one row that is new of each
 * sequence, with at(b) of sequence_rows.ts.
 *
 *   lastPatchEmbedding   x[b] = bias + Σₛ table[s·V + tokens[b·L + at, s]] + positions[at]
 *   nextByteEmbedding    x[b] = (feature[b] where at = 0, else table[tokens[b, at − 1]]) + positions[at]
 *
 * tokens of patches [B·L, S], of bytes [B, S]; table of patches [S·V, C], of bytes [V, C]; bias [C]; positions of
 * patches [Lmax, C] with Lmax ≥ L, of bytes [S + 1, C]; feature, x [B, C]; sequences [B, 4]
 * @module
 */
import { divideUp, foldWidth, foldWorkgroups, type Kernel, read, wgsl, write } from "../kernel.ts";
import { rowInSlot, rowInSlotWgsl } from "./sequence_rows.ts";

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
  /** Rows of the position table, at least L. */
  readonly positionCount: number;
};

/** Sizes of {@linkcode nextByteEmbedding}; L is S. */
export type NextByteEmbeddingShape = Omit<LastPatchEmbeddingShape, "L" | "positionCount">;

/** A thread computes the number i = b·C + c of `x`; `at` is the row within the slot. */
function eachNumber(B: number, C: number, at: string, sum: string) {
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
  x[i] = sum + positions[at * ${C}u + c];
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
    sequences: read(B * 4, "u32"),
    tokens: read(B * L * S, "u32"),
    table: read(S * V * C),
    bias: read(C),
    positions: read(positionCount * C),
    x: write(B * C),
  }),
  dispatches: ({ B, L, S, V, C }) =>
    eachNumber(
      B,
      C,
      rowInSlotWgsl("lastPatch", "b", L),
      wgsl`let first = (b * ${L}u + at) * ${S}u;
  var sum = bias[c];
  for (var s = 0u; s < ${S}u; s++) { sum += table[(s * ${V}u + tokens[first + s]) * ${C}u + c]; }`,
    ),
  assembly: ({ B, L, S, V, C }) => [{
    function: "lastPatchEmbedding",
    arguments: ["sequences", "tokens", "table", "bias", "positions", "x", B, L, S, V, C],
  }],
  reference({ B, L, S, V, C }, { sequences, tokens, table, bias, positions, x }) {
    for (let b = 0; b < B; b++) {
      const at = rowInSlot("lastPatch", sequences, b, L);
      for (let c = 0; c < C; c++) {
        let sum = bias[c]! + positions[at * C + c]!;
        for (let s = 0; s < S; s++) sum += table[(s * V + tokens[(b * L + at) * S + s]!) * C + c]!;
        x[b * C + c] = sum;
      }
    }
  },
  cost: ({ B, S, C }) => ({ flops: B * (S + 1) * C, bytes: 4 * B * (S * C + S + 3 * C) }),
  tolerance: {
    absolute: 1e-6,
    relative: 1e-6,
    reason: "S + 2 terms added in f32, one after the other",
  },
};

/** What each sequence's next byte is predicted from, to a vector. */
export const nextByteEmbedding: Kernel<
  NextByteEmbeddingShape,
  "feature" | "table" | "positions" | "x",
  "sequences" | "tokens"
> = {
  name: "nextByteEmbedding",
  operands: ({ B, S, V, C }) => ({
    sequences: read(B * 4, "u32"),
    tokens: read(B * S, "u32"),
    feature: read(B * C),
    table: read(V * C),
    positions: read((S + 1) * C),
    x: write(B * C),
  }),
  dispatches: ({ B, S, C }) =>
    eachNumber(
      B,
      C,
      rowInSlotWgsl("nextByte", "b", S),
      wgsl`var sum = feature[i];
  if (at > 0u) { sum = table[tokens[b * ${S}u + at - 1u] * ${C}u + c]; }`,
    ),
  assembly: ({ B, S, C }) => [{
    function: "nextByteEmbedding",
    arguments: ["sequences", "tokens", "feature", "table", "positions", "x", B, S, C],
  }],
  reference({ B, S, C }, { sequences, tokens, feature, table, positions, x }) {
    for (let b = 0; b < B; b++) {
      const at = rowInSlot("nextByte", sequences, b, S);
      const [from, row] = at === 0 ? [feature, b] : [table, tokens[b * S + at - 1]!];
      for (let c = 0; c < C; c++) x[b * C + c] = from[row * C + c]! + positions[at * C + c]!;
    }
  },
  cost: ({ B, C }) => ({ flops: B * C, bytes: 4 * B * (3 * C + 1) }),
  tolerance: { absolute: 1e-7, relative: 1e-7, reason: "one sum in f32" },
};
