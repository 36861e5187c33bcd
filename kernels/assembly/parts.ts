// How work is divided between threads. Which thread does a piece must never change its result.

/** First of `count` pieces that belong to a part; the next part's first is its end. */
// @ts-ignore: decorator
@inline
export function partStart(count: i32, part: i32, parts: i32): i32 {
  return <i32> ((<i64> count * part) / parts);
}
