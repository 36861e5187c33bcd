/**
 * How generation keeps its sequences on the device: the state of each, the patch it is making, and the strip in which
 * it has a slot of L patches.
 *
 *   selectFeature   feature[b] = features[b·L + patchCount[b] − 1], what the byte-level decoder starts from
 *   appendPatch     the finished patch becomes part of the sequence
 *
 * sequences [B, 4]: patches so far, bytes given or drawn of the patch being made, whether it is finished (0 or 1), random stream
 * row [B, S]: the patch being made, 256 where nothing is yet; bytes that are given stand there from the start
 * tokens [B·L, S]
 * @module
 */
import { divideUp, foldWidth, foldWorkgroups, type Kernel, update, wgsl } from "../kernel.ts";

/** What stands in a row where no byte is, and what ends a file. */
export const endToken = 256;

/** Words of a sequence's state. */
export const sequenceWords = 4;

/**
 * Moves each patch that is full, or that its file ended in, from `row` to the end of its sequence, and begins an empty
 * one. A sequence that fills its slot is finished.
 */
export const appendPatch: Kernel<
  { readonly B: number; readonly L: number; readonly S: number },
  never,
  "row" | "tokens" | "sequences"
> = {
  name: "appendPatch",
  operands: ({ B, L, S }) => ({
    row: update(B * S, "u32"),
    tokens: update(B * L * S, "u32"),
    sequences: update(B * sequenceWords, "u32"),
  }),
  dispatches({ B, L, S }) {
    const groups = divideUp(B, 64);
    const bytes = Array.from({ length: S }, (_, s) =>
      wgsl`tokens[end + ${s}u] = row[b * ${S}u + ${s}u];
  row[b * ${S}u + ${s}u] = ${endToken}u;`);
    const source = wgsl`
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let b = (group.y * ${foldWidth(groups)}u + group.x) * 64u + lane;
  if (b >= ${B}u) { return; }
  let sequence = sequences[b];
  let complete = sequence.y == ${S}u || (sequence.z != 0u && sequence.y > 0u);
  if (!complete || sequence.x >= ${L}u) { return; }
  let end = (b * ${L}u + sequence.x) * ${S}u;
  ${bytes.join("\n  ")}
  let full = u32(sequence.x + 1u == ${L}u);
  sequences[b] = vec4<u32>(sequence.x + 1u, 0u, max(sequence.z, full), sequence.w);
}`;
    return [{ source, workgroups: foldWorkgroups(groups), vectors: ["sequences"] }];
  },
  assembly: (
    { B, L, S },
  ) => [{ function: "appendPatch", arguments: ["row", "tokens", "sequences", B, L, S] }],
  reference({ B, L, S }, { row, tokens, sequences }) {
    for (let b = 0; b < B; b++) {
      const [patchCount, byteCount, finished] = sequences.subarray(4 * b, 4 * b + 3);
      const complete = byteCount === S || (finished !== 0 && byteCount! > 0);
      if (!complete || patchCount! >= L) continue;
      const own = row.subarray(b * S, (b + 1) * S);
      tokens.set(own, (b * L + patchCount!) * S);
      own.fill(endToken);
      sequences[4 * b] = patchCount! + 1;
      sequences[4 * b + 1] = 0;
      if (patchCount! + 1 === L) sequences[4 * b + 2] = 1;
    }
  },
  cost: ({ B, S }) => ({ flops: 0, bytes: 8 * B * (S + 2) }),
  tolerance: { absolute: 0, relative: 0, reason: "copies of whole numbers" },
};
