// x[n, t] += the rows of a table that the last 2, 3 and 4 bytes choose, and the table's gradient.
//
// tokens and patches u32 [N, S], table [3·rows, C], x [N·S, C], hashes u32 [3, N·S]
import { addNgrams, ngramHash } from "./ngram_row";
import { partStart } from "./parts";
import { addSortedRows, groupsOf, mostRows, rowKeys, rowNumbers, sortRows } from "./row_sums";

export function ngramEmbedding(
  tokens: usize,
  patches: usize,
  table: usize,
  x: usize,
  N: i32,
  S: i32,
  C: i32,
  rows: i32,
  part: i32,
  parts: i32,
): void {
  const stride = <usize> C << 2;
  const end = partStart(N * S, part + 1, parts);
  for (let row = partStart(N * S, part, parts); row < end; row++) {
    const t = row % S;
    const first = <usize> (row - t) << 2;
    addNgrams(x + <usize> row * stride, table, tokens + first, patches + first, t, S, C, rows, 0, stride);
  }
}

/** The hash of each order for each row of x. */
export function ngramHashes(
  tokens: usize,
  patches: usize,
  hashes: usize,
  N: i32,
  S: i32,
  rows: i32,
  part: i32,
  parts: i32,
): void {
  const end = partStart(N * S, part + 1, parts);
  for (let row = partStart(N * S, part, parts); row < end; row++) {
    const t = row % S;
    const first = <usize> (row - t) << 2;
    for (let o = 0; o < 3; o++) {
      const own = hashes + (<usize> (o * N * S + row) << 2);
      store<i32>(own, ngramHash(o + 2, rows, tokens + first, patches + first, t, S));
    }
  }
}

/** dTable[o·rows + h] += Σ dx[r] over r of R with hashes[o, r] = h. Threads share (o, group of channels). */
export function ngramTable(
  hashes: usize,
  dx: usize,
  dTable: usize,
  R: i32,
  C: i32,
  rows: i32,
  part: i32,
  parts: i32,
): void {
  const stride = <usize> C << 2;
  const groups = groupsOf(C);
  const from = partStart(3 * groups, part, parts);
  const to = partStart(3 * groups, part + 1, parts);
  for (let o = from / groups; o * groups < to; o++) {
    const fromGroup = max(from - o * groups, 0);
    const toGroup = min(to - o * groups, groups);
    for (let first = 0; first < R; first += mostRows) {
      const count = min(mostRows, R - first);
      memory.copy(rowKeys(), hashes + (<usize> (o * R + first) << 2), <usize> count << 2);
      for (let i = 0; i < count; i++) store<u32>(rowNumbers() + (i << 2), first + i);
      sortRows(count, rows);
      addSortedRows(dTable + <usize> (o * rows) * stride, dx, rows, C, fromGroup, toGroup);
    }
  }
}
