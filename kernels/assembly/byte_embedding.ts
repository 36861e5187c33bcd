// x[n, 0] = feature[n] + positions[0], x[n, t] = table[tokens[n, t − 1]] + positions[t], and the gradients; with
// `patches` (not 0) x[n, t] = table[previous(n, t)] + feature[n] + positions[t].
//
// feature [N, C], tokens and patches u32 [N, S], table [V, C], positions [S + 1, C], x [N·S, C]
import { partStart } from "./parts";
import { previousByte } from "./previous_byte";
import {
  addPeriodicRows,
  addRow,
  addSortedRows,
  groupsOf,
  mostRows,
  rowKeys,
  rowNumbers,
  sortRows,
} from "./row_sums";

export function byteEmbedding(
  tokens: usize,
  patches: usize,
  feature: usize,
  table: usize,
  positions: usize,
  x: usize,
  N: i32,
  S: i32,
  C: i32,
  part: i32,
  parts: i32,
): void {
  const stride = <usize> C << 2;
  const wide = stride & ~15;
  const end = partStart(N * S, part + 1, parts);
  for (let row = partStart(N * S, part, parts); row < end; row++) {
    const n = row / S;
    const t = row - n * S;
    const own = feature + <usize> n * stride;
    const position = positions + <usize> t * stride;
    const out = x + <usize> row * stride;
    let at: usize = 0;
    const embedded = t > 0 || patches
      ? table + <usize> previousByte(tokens, patches, row, S) * stride
      : own;
    // The second of three terms, where there are three.
    const added = patches ? own : 0;
    for (; at < wide; at += 16) {
      let sum = v128.load(embedded + at);
      if (added) sum = f32x4.add(sum, v128.load(added + at));
      v128.store(out + at, f32x4.add(sum, v128.load(position + at)));
    }
    for (; at < stride; at += 4) {
      let sum = load<f32>(embedded + at);
      if (added) sum += load<f32>(added + at);
      store<f32>(out + at, sum + load<f32>(position + at));
    }
  }
}

/**
 * dFeature[n] = dx[n, 0] (with patches Σₜ dx[n, t]), dTable[v] += Σ dx[n, t] over n and t that has it with
 * previous(n, t) = v, and dPositions[t] += Σₙ dx[n, t]. Threads share channels, and the rows of dFeature.
 */
export function byteEmbeddingBackward(
  tokens: usize,
  patches: usize,
  dx: usize,
  dFeature: usize,
  dTable: usize,
  dPositions: usize,
  N: i32,
  S: i32,
  V: i32,
  C: i32,
  part: i32,
  parts: i32,
): void {
  const stride = <usize> C << 2;
  const lastRow = partStart(N, part + 1, parts);
  for (let n = partStart(N, part, parts); n < lastRow; n++) {
    const own = dFeature + <usize> n * stride;
    memory.copy(own, dx + <usize> n * S * stride, stride);
    if (!patches) continue;
    for (let t = 1; t < S; t++) addRow(own, dx + <usize> (n * S + t) * stride, stride);
  }
  const from = partStart(groupsOf(C), part, parts);
  const to = partStart(groupsOf(C), part + 1, parts);
  if (from == to) return;
  const firstEmbedded = patches ? 0 : 1;
  const most = mostRows / (S - firstEmbedded);
  for (let first = 0; first < N; first += most) {
    const end = min(N, first + most);
    let count = 0;
    for (let n = first; n < end; n++) {
      for (let t = firstEmbedded; t < S; t++) {
        store<u32>(rowKeys() + (count << 2), previousByte(tokens, patches, n * S + t, S));
        store<u32>(rowNumbers() + (count << 2), n * S + t);
        count++;
      }
    }
    sortRows(count, V);
    addSortedRows(dTable, dx, V, C, from, to);
  }
  addPeriodicRows(dPositions, dx, N * S, S, C, from, to);
}
