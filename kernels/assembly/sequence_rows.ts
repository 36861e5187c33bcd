// Rows of the slots of sequences, as kernels/operations/sequence_rows.ts defines them. A thread takes whole sequences.
//
// all [B·L, C], rows [B, C], sequences u32 [B, 4]
import { partStart } from "./parts";

/** all[b·L + at(b)] ← rows[b]. */
export function storeRow(
  sequences: usize,
  rows: usize,
  all: usize,
  B: i32,
  L: i32,
  C: i32,
  nextByte: i32,
  part: i32,
  parts: i32,
): void {
  const bytes = <usize> C << 2;
  const end = partStart(B, part + 1, parts);
  for (let b = partStart(B, part, parts); b < end; b++) {
    memory.copy(all + rowOf(sequences, b, L, nextByte) * bytes, rows + <usize> b * bytes, bytes);
  }
}

/** rows[b] ← all[b·L + at(b)]. */
export function selectRow(
  sequences: usize,
  all: usize,
  rows: usize,
  B: i32,
  L: i32,
  C: i32,
  nextByte: i32,
  part: i32,
  parts: i32,
): void {
  const bytes = <usize> C << 2;
  const end = partStart(B, part + 1, parts);
  for (let b = partStart(B, part, parts); b < end; b++) {
    memory.copy(rows + <usize> b * bytes, all + rowOf(sequences, b, L, nextByte) * bytes, bytes);
  }
}

/** b·L + at(b): the next byte's row, or else the last patch's, within the slot. */
function rowOf(sequences: usize, b: i32, L: i32, nextByte: i32): usize {
  const state = sequences + (<usize> b << 4);
  const at = nextByte ? load<i32>(state, 4) : max(load<i32>(state), 1) - 1;
  return <usize> (b * L + min(at, L - 1));
}
