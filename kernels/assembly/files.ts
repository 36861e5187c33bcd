// Files in a strip of patches, and how their blocks are shared between threads.

/** The first patch behind the file that begins at `start`. */
export function fileEnd(fileStart: usize, start: i32, P: i32): i32 {
  let end = start + 1;
  while (end < P && load<i32>(fileStart + (<usize> end << 2)) == start) end++;
  return end;
}

/** Work that comes with a row of a block, in pairs of a query and a key. */
const pairsOfRow: f64 = 16;

/** Pairs of a query and a key in one head. */
export function countPairs(fileStart: usize, P: i32): f64 {
  let pairs: f64 = 0;
  for (let p = 0; p < P; p++) pairs += <f64> (p - load<i32>(fileStart + (<usize> p << 2)) + 1) + pairsOfRow;
  return pairs;
}

/** Pairs of the queries `from` … `to` of a file that begins at `start`: a block's work, forward and for dQ. */
// @ts-ignore: decorator
@inline
export function pairsOfQueries(start: i32, from: i32, to: i32): f64 {
  const rows = <f64> (to - from);
  return rows * (<f64> (from - start + to - start + 1) / 2 + pairsOfRow);
}

/** Pairs of the keys `from` … `to` of a file that ends at `end`: a block's work for dK and dV. */
// @ts-ignore: decorator
@inline
export function pairsOfKeys(end: i32, from: i32, to: i32): f64 {
  const rows = <f64> (to - from);
  return rows * (<f64> (end - from + end - to + 1) / 2 + pairsOfRow);
}

/** Whether a block belongs to this part: where its work begins, in all the work, in the order of the blocks. */
// @ts-ignore: decorator
@inline
export function isOwn(before: f64, total: f64, part: i32, parts: i32): bool {
  const place = before * parts;
  return place >= total * part && (place < total * (part + 1) || part == parts - 1);
}
