// x[n, 0] = feature[n] + positions[0], x[n, t] = table[tokens[n, t − 1]] + positions[t], and the gradients.
//
// feature [N, C], tokens u32 [N, S], table [V, C], positions [S + 1, C], x [N·S, C]
import { partStart } from "./parts";
import {
  addPeriodicRows,
  addSortedRows,
  groupsOf,
  mostRows,
  rowKeys,
  rowNumbers,
  sortRows,
} from "./row_sums";

export function byteEmbedding(
  tokens: usize,
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
    const embedded = t == 0
      ? feature + <usize> n * stride
      : table + <usize> load<u32>(tokens + (<usize> (row - 1) << 2)) * stride;
    const position = positions + <usize> t * stride;
    const out = x + <usize> row * stride;
    let at: usize = 0;
    for (; at < wide; at += 16) {
      v128.store(out + at, f32x4.add(v128.load(embedded + at), v128.load(position + at)));
    }
    for (; at < stride; at += 4) store<f32>(out + at, load<f32>(embedded + at) + load<f32>(position + at));
  }
}

/**
 * dFeature[n] = dx[n, 0], dTable[v] += Σ dx[n, t] over n and t ≥ 1 with tokens[n, t − 1] = v, and
 * dPositions[t] += Σₙ dx[n, t]. Threads share channels, and the rows of dFeature.
 */
export function byteEmbeddingBackward(
  tokens: usize,
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
    memory.copy(dFeature + <usize> n * stride, dx + <usize> n * S * stride, stride);
  }
  const from = partStart(groupsOf(C), part, parts);
  const to = partStart(groupsOf(C), part + 1, parts);
  if (from == to) return;
  const patches = mostRows / (S - 1);
  for (let first = 0; first < N; first += patches) {
    const end = min(N, first + patches);
    let count = 0;
    for (let n = first; n < end; n++) {
      for (let t = 1; t < S; t++) {
        const row = n * S + t;
        store<u32>(rowKeys() + (count << 2), load<u32>(tokens + (<usize> (row - 1) << 2)));
        store<u32>(rowNumbers() + (count << 2), row);
        count++;
      }
    }
    sortRows(count, V);
    addSortedRows(dTable, dx, V, C, from, to);
  }
  addPeriodicRows(dPositions, dx, N * S, S, C, from, to);
}
