// N-grams of the new byte row of each sequence, as kernels/operations/new_row_ngrams.ts defines them, with the bits of
// ngram_embedding.ts. Threads share channels.
//
// sequences u32 [B, 4], tokens u32 [B, S], patches u32 [B·L, S], table [3·rows, C], x [B, C]
import { addNgrams } from "./ngram_row";
import { elementStart } from "./parts";
import { rowInSlot } from "./sequence_rows";

export function nextByteNgrams(
  sequences: usize,
  tokens: usize,
  patches: usize,
  table: usize,
  x: usize,
  B: i32,
  L: i32,
  S: i32,
  C: i32,
  rows: i32,
  part: i32,
  parts: i32,
): void {
  const stride = <usize> C << 2;
  const from = <usize> elementStart(C, part, parts) << 2, end = <usize> elementStart(C, part + 1, parts) << 2;
  for (let b = 0; b < B; b++) {
    const bytes = tokens + (<usize> (b * S) << 2);
    const before = patches + (<usize> ((b * L + rowInSlot(0, sequences, b, L)) * S) << 2);
    addNgrams(x + <usize> b * stride, table, bytes, before, rowInSlot(1, sequences, b, S), S, C, rows, from, end);
  }
}
