// x[p] = bias + Σₛ table[s·V + tokens[p, s]] + positions[p − fileStart[p]], and its gradients.
//
// tokens u32 [P, S], fileStart u32 [P], table [S·V, C], bias [C], positions [L, C], x [P, C]. Where positions are 0, none
// are added.
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

export function patchEmbedding(
  tokens: usize,
  fileStart: usize,
  table: usize,
  bias: usize,
  positions: usize,
  x: usize,
  P: i32,
  S: i32,
  V: i32,
  C: i32,
  part: i32,
  parts: i32,
): void {
  const stride = <usize> C << 2;
  const wide = stride & ~63;
  const end = partStart(P, part + 1, parts);
  for (let p = partStart(P, part, parts); p < end; p++) {
    const own = tokens + (<usize> (p * S) << 2);
    const position = positions ? positions + <usize> (p - load<i32>(fileStart + (<usize> p << 2))) * stride : 0;
    const out = x + <usize> p * stride;
    for (let at: usize = 0; at < wide; at += 64) {
      let a = v128.load(bias + at);
      let b = v128.load(bias + at, 16);
      let c = v128.load(bias + at, 32);
      let d = v128.load(bias + at, 48);
      for (let s = 0; s < S; s++) {
        const row = table + <usize> (s * V + load<i32>(own + (<usize> s << 2))) * stride + at;
        a = f32x4.add(a, v128.load(row));
        b = f32x4.add(b, v128.load(row, 16));
        c = f32x4.add(c, v128.load(row, 32));
        d = f32x4.add(d, v128.load(row, 48));
      }
      if (position) {
        a = f32x4.add(a, v128.load(position + at));
        b = f32x4.add(b, v128.load(position + at, 16));
        c = f32x4.add(c, v128.load(position + at, 32));
        d = f32x4.add(d, v128.load(position + at, 48));
      }
      v128.store(out + at, a);
      v128.store(out + at, b, 16);
      v128.store(out + at, c, 32);
      v128.store(out + at, d, 48);
    }
    for (let at = wide; at < stride; at += 4) {
      let sum = load<f32>(bias + at);
      for (let s = 0; s < S; s++) {
        sum += load<f32>(table + <usize> (s * V + load<i32>(own + (<usize> s << 2))) * stride + at);
      }
      store<f32>(out + at, position ? sum + load<f32>(position + at) : sum);
    }
  }
}

/** dTable[s·V + v] += Σ dx[p] over p with tokens[p, s] = v. Threads share (s, group of channels). */
export function patchEmbeddingTable(
  tokens: usize,
  dx: usize,
  dTable: usize,
  P: i32,
  S: i32,
  V: i32,
  C: i32,
  part: i32,
  parts: i32,
): void {
  const stride = <usize> C << 2;
  const groups = groupsOf(C);
  const from = partStart(S * groups, part, parts);
  const to = partStart(S * groups, part + 1, parts);
  for (let s = from / groups; s * groups < to; s++) {
    const fromGroup = max(from - s * groups, 0);
    const toGroup = min(to - s * groups, groups);
    for (let first = 0; first < P; first += mostRows) {
      const count = min(mostRows, P - first);
      for (let i = 0; i < count; i++) {
        const p = first + i;
        store<u32>(rowKeys() + (i << 2), load<u32>(tokens + (<usize> (p * S + s) << 2)));
        store<u32>(rowNumbers() + (i << 2), p);
      }
      sortRows(count, V);
      addSortedRows(dTable + <usize> s * V * stride, dx, V, C, fromGroup, toGroup);
    }
  }
}

/** dPositions[l] (unless 0) += Σ dx[p] over p with p − fileStart[p] = l, dBias += Σ dx[p]. Threads share channels. */
export function patchEmbeddingPositions(
  fileStart: usize,
  dx: usize,
  dPositions: usize,
  dBias: usize,
  P: i32,
  L: i32,
  C: i32,
  part: i32,
  parts: i32,
): void {
  const stride = <usize> C << 2;
  const from = partStart(groupsOf(C), part, parts);
  const to = partStart(groupsOf(C), part + 1, parts);
  if (from == to) return;
  for (let first = 0; dPositions != 0 && first < P; first += mostRows) {
    const count = min(mostRows, P - first);
    for (let i = 0; i < count; i++) {
      const p = first + i;
      store<u32>(rowKeys() + (i << 2), p - load<u32>(fileStart + (<usize> p << 2)));
      store<u32>(rowNumbers() + (i << 2), p);
    }
    sortRows(count, L);
    addSortedRows(dPositions, dx, L, C, from, to);
  }
  addPeriodicRows(dBias, dx, P, 1, C, from, to);
}
