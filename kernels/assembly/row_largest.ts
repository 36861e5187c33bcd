import { laneMask, loadLanes } from "./lanes";
import { maxLanes } from "./math";

/** max(−3.4e38, the largest of a row's V logits); NaN is passed over. */
// @ts-ignore: decorator
@inline
export function rowLargest(row: usize, V: i32): f32 {
  const whole: usize = <usize> (V & ~3) << 2;
  const rest = V & 3;
  let largest = f32x4.splat(-f32.MAX_VALUE);
  for (let at: usize = 0; at < whole; at += 16) largest = f32x4.pmax(largest, v128.load(row + at));
  if (rest) {
    const x = v128.bitselect(loadLanes(row + whole, rest), largest, laneMask(rest));
    largest = f32x4.pmax(largest, x);
  }
  return maxLanes(largest);
}
