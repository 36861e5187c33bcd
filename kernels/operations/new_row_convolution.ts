/**
 * The convolution of generation: what byte_convolution.ts adds to the one byte row that is new of each sequence. Row
 * r(b) of its file, by sequence_rows.ts, has behind it the bytes of its slot and, of the patch being made, those of
 * tokens[b]: the byte before row q is number q + S − 1 of them.
 *
 *   x[b] += Σₖ weight[k] ⊙ vectors[byte(r(b) − k + S − 1)]    k = 0 … W − 1, k ≤ r(b)
 *
 * sequences [B, 4], tokens [B, S], patches [B·L, S], vectors [V, C], weight [W, C], x [B, C]
 * @module
 */
import { divideUp, foldWidth, foldWorkgroups, type Kernel, read, update, wgsl } from "../kernel.ts";
import { rowVectors } from "../row_sums.ts";
import { assertConvolutionWidth } from "./byte_convolution.ts";
import { rowInFile, rowInFileWgsl, rowInSlot, rowInSlotWgsl } from "./sequence_rows.ts";
import { sequenceWords } from "./sequences.ts";

/** Sizes of {@linkcode nextByteConvolution}. */
export type NextByteConvolutionShape = {
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
  /** Bytes that are summed over, at least 1. */
  readonly W: number;
};

/** x += the vectors of the bytes before each sequence's next one, each channel weighted by their distance. */
export const nextByteConvolution: Kernel<
  NextByteConvolutionShape,
  "vectors" | "weight" | "x",
  "sequences" | "tokens" | "patches"
> = {
  name: "nextByteConvolution",
  operands({ B, L, S, V, C, W }) {
    assertConvolutionWidth(W);
    return {
      sequences: read(B * sequenceWords, "u32"),
      tokens: read(B * S, "u32"),
      patches: read(B * L * S, "u32"),
      vectors: read(V * C),
      weight: read(W * C),
      x: update(B * C),
    };
  },
  dispatches({ B, L, S, C, W }) {
    const { count, vectors } = rowVectors(C);
    const groups = divideUp(B * count, 64);
    const source = wgsl`
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * ${foldWidth(groups)}u + group.x) * 64u + lane;
  if (i >= ${B * count}u) { return; }
  let b = i / ${count}u;
  let value = i % ${count}u;
  let finished = (${rowInSlotWgsl("lastPatch", "b", L)} + 1u) * ${S}u;
  let row = min(${rowInFileWgsl("nextByte", "b", S)}, finished - 1u);
  var sum = x[i];
  for (var k = 0u; k < min(${W}u, row + 1u); k++) {
    let at = row - k + ${S - 1}u;
    var byte = tokens[b * ${S}u + max(at, finished) - finished];
    if (at < finished) { byte = patches[b * ${L * S}u + at]; }
    sum += weight[k * ${count}u + value] * vectors[byte * ${count}u + value];
  }
  x[i] = sum;
}`;
    return [{
      source,
      workgroups: foldWorkgroups(groups),
      vectors: ["sequences", ...vectors("vectors", "weight", "x")],
    }];
  },
  assembly: ({ B, L, S, C, W }) => [{
    function: "nextByteConvolution",
    arguments: ["sequences", "tokens", "patches", "vectors", "weight", "x", B, L, S, C, W],
  }],
  reference({ B, L, S, C, W }, { sequences, tokens, patches, vectors, weight, x }) {
    for (let b = 0; b < B; b++) {
      const finished = (rowInSlot("lastPatch", sequences, b, L) + 1) * S;
      const row = Math.min(rowInFile("nextByte", sequences, b, S), finished - 1);
      for (let k = 0; k < Math.min(W, row + 1); k++) {
        const at = row - k + S - 1;
        const byte = at < finished ? patches[b * L * S + at]! : tokens[b * S + at - finished]!;
        for (let c = 0; c < C; c++) x[b * C + c]! += weight[k * C + c]! * vectors[byte * C + c]!;
      }
    }
  },
  cost: ({ B, C, W }) => ({ flops: 2 * B * C * W, bytes: 4 * B * ((2 + W) * C + W) + 4 * W * C }),
  tolerance: {
    absolute: 1e-6,
    relative: 2e-6,
    reason: "W terms of order one added in f32, one after the other",
  },
};
