// The start of a cache, as kernels/operations/cache_rows.ts defines it. Threads share the numbers of every slot.
import { elementStart } from "./parts";

/** cache[b·cacheLength + i] ← rows[b·length + i], i < length. */
export function cacheRows(
  rows: usize,
  cache: usize,
  B: i32,
  length: i32,
  cacheLength: i32,
  part: i32,
  parts: i32,
): void {
  const from = elementStart(length, part, parts), end = elementStart(length, part + 1, parts);
  for (let b = 0; b < B; b++) {
    const source = rows + (<usize> (b * length + from) << 2);
    memory.copy(cache + (<usize> (b * cacheLength + from) << 2), source, <usize> (end - from) << 2);
  }
}
