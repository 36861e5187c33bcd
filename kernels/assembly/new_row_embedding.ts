// Embeddings of the new row of each sequence, as kernels/operations/new_row_embedding.ts defines them, with the bits of
// patch_embedding.ts and byte_embedding.ts. Threads share channels.
//
// sequences u32 [B, 4], x [B, C]
import { elementStart } from "./parts";
import { rowInSlot } from "./sequence_rows";

/** tokens u32 [B·L, S], table [S·V, C], bias [C], positions [≥ L, C] or 0, where none are added */
export function lastPatchEmbedding(
  sequences: usize,
  tokens: usize,
  table: usize,
  bias: usize,
  positions: usize,
  x: usize,
  B: i32,
  L: i32,
  S: i32,
  V: i32,
  C: i32,
  part: i32,
  parts: i32,
): void {
  const stride = <usize> C << 2;
  const from = <usize> elementStart(C, part, parts) << 2, end = <usize> elementStart(C, part + 1, parts) << 2;
  const wide = end & ~15;
  for (let b = 0; b < B; b++) {
    const at = rowInSlot(0, sequences, b, L);
    const own = tokens + (<usize> ((b * L + at) * S) << 2);
    const position = positions ? positions + <usize> at * stride : 0;
    const out = x + <usize> b * stride;
    let channel = from;
    for (; channel < wide; channel += 16) {
      let sum = v128.load(bias + channel);
      for (let s = 0; s < S; s++) sum = f32x4.add(sum, v128.load(table + rowOf(own, s, V) * stride + channel));
      v128.store(out + channel, position ? f32x4.add(sum, v128.load(position + channel)) : sum);
    }
    for (; channel < end; channel += 4) {
      let sum = load<f32>(bias + channel);
      for (let s = 0; s < S; s++) sum += load<f32>(table + rowOf(own, s, V) * stride + channel);
      store<f32>(out + channel, position ? sum + load<f32>(position + channel) : sum);
    }
  }
}

/** The table's row of the byte at place s of a patch. */
// @ts-ignore: decorator
@inline
function rowOf(patch: usize, s: i32, V: i32): usize {
  return <usize> (s * V + load<i32>(patch + (<usize> s << 2)));
}

/**
 * tokens u32 [B, S], patches u32 [B·L, S] or 0, where the feature stands in place of the first byte, feature [B, C],
 * table [V, C], positions [S + 1, C]
 */
export function nextByteEmbedding(
  sequences: usize,
  tokens: usize,
  patches: usize,
  feature: usize,
  table: usize,
  positions: usize,
  x: usize,
  B: i32,
  L: i32,
  S: i32,
  C: i32,
  part: i32,
  parts: i32,
): void {
  const stride = <usize> C << 2;
  const from = <usize> elementStart(C, part, parts) << 2, end = <usize> elementStart(C, part + 1, parts) << 2;
  const wide = end & ~15;
  for (let b = 0; b < B; b++) {
    const at = rowInSlot(1, sequences, b, S);
    const own = feature + <usize> b * stride;
    const position = positions + <usize> at * stride, out = x + <usize> b * stride;
    let byte: usize = 0;
    if (at > 0) byte = tokens + (<usize> (b * S + at - 1) << 2);
    else if (patches) byte = patches + (<usize> ((b * L + rowInSlot(0, sequences, b, L)) * S + S - 1) << 2);
    const embedded = byte ? table + <usize> load<u32>(byte) * stride : own;
    // The second of three terms, where there are three.
    const added = patches ? own : 0;
    let channel = from;
    for (; channel < wide; channel += 16) {
      let sum = v128.load(embedded + channel);
      if (added) sum = f32x4.add(sum, v128.load(added + channel));
      v128.store(out + channel, f32x4.add(sum, v128.load(position + channel)));
    }
    for (; channel < end; channel += 4) {
      let sum = load<f32>(embedded + channel);
      if (added) sum += load<f32>(added + channel);
      store<f32>(out + channel, sum + load<f32>(position + channel));
    }
  }
}
