// How work is divided between threads. Which thread does a piece must never change its result.

/** First of `count` pieces that belong to a part; the next part's first is its end. */
// @ts-ignore: decorator
@inline
export function partStart(count: i32, part: i32, parts: i32): i32 {
  return <i32> ((<i64> count * part) / parts);
}

/** First of `length` elements that belong to a part, where elements are handed out in cache lines of 16. */
// @ts-ignore: decorator
@inline
export function elementStart(length: i32, part: i32, parts: i32): i32 {
  return min(length, 16 * partStart((length + 15) / 16, part, parts));
}
