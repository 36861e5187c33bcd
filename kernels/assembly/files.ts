// Files in a strip of patches, and how their blocks are shared between threads.

/** The first row behind `row` that is of another file, `limit` at most: the file's end from any row of it on. */
export function fileEnd(fileStart: usize, row: i32, limit: i32): i32 {
  const start = load<i32>(fileStart + (<usize> row << 2));
  let end = row + 1;
  while (end < limit && load<i32>(fileStart + (<usize> end << 2)) == start) end++;
  return end;
}

/** Work that comes with a row of a block, in pairs of a query and a key. */
const pairsOfRow: f64 = 16;

/** What of a file head h sees: the latest `window` rows, or all of it in the first `globalHeads`. */
// @ts-ignore: decorator
@inline
export function windowOf(h: i32, P: i32, window: i32, globalHeads: i32): i32 {
  return h < globalHeads ? P : window;
}

/** Pairs in all heads: the first `globalHeads` see all of a file. */
export function countAllPairs(fileStart: usize, P: i32, H: i32, window: i32, globalHeads: i32): f64 {
  const windowed = countPairs(fileStart, P, window) * (H - globalHeads);
  return globalHeads > 0 ? windowed + countPairs(fileStart, P, P) * globalHeads : windowed;
}

/** Pairs in one head of a query and a key that it sees: of its file, the latest `window` up to itself. */
function countPairs(fileStart: usize, P: i32, window: i32): f64 {
  let pairs: f64 = 0;
  for (let p = 0; p < P; p++) {
    pairs += <f64> min(p - load<i32>(fileStart + (<usize> p << 2)) + 1, window) + pairsOfRow;
  }
  return pairs;
}

/** Pairs of the first `count` queries of a file, which is also those of its last `count` keys. */
// @ts-ignore: decorator
@inline
function pairsOfFirst(count: i32, window: i32): f64 {
  const growing = <f64> min(count, window);
  return growing * (growing + 1) / 2 + (<f64> count - growing) * growing;
}

/** Pairs of the queries `from` … `to` of a file that begins at `start`: a block's work, forward and for dQ. */
export function pairsOfQueries(start: i32, from: i32, to: i32, window: i32): f64 {
  return pairsOfFirst(to - start, window) - pairsOfFirst(from - start, window) + <f64> (to - from) * pairsOfRow;
}

/** Pairs of the keys `from` … `to` of a file that ends at `end`: a block's work for dK and dV. */
export function pairsOfKeys(end: i32, from: i32, to: i32, window: i32): f64 {
  return pairsOfFirst(end - from, window) - pairsOfFirst(end - to, window) + <f64> (to - from) * pairsOfRow;
}

/** The first key of a file's block of 32 keys in which query q sees its first key. */
// @ts-ignore: decorator
@inline
export function firstBlockOf(start: i32, q: i32, window: i32): i32 {
  return start + (max(0, q + 1 - window - start) & ~31);
}

/** Whether a block belongs to this part: where its work begins, in all the work, in the order of the blocks. */
// @ts-ignore: decorator
@inline
export function isOwn(before: f64, total: f64, part: i32, parts: i32): bool {
  const place = before * parts;
  return place >= total * part && (place < total * (part + 1) || part == parts - 1);
}
