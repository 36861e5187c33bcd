// Softmax cross-entropy of rows and its gradient: logits [R, V]; targets, weights, lossNats [R].
import { laneMask, loadLanes, storeLanes } from "./lanes";
import { exp, log, sumLanes } from "./math";
import { partStart } from "./parts";
import { rowLargest } from "./row_largest";
import { lossScale } from "./step";

/**
 * lossNats = weight · (log Σ exp(logit − largest) − (logit of the target − largest)) and, with a step,
 * logits ← weight · lossScale · (softmax − onehot); a row of weight 0 gets zeros. step 0: the logits are only read.
 */
export function crossEntropy(
  step: usize,
  logits: usize,
  targets: usize,
  weights: usize,
  lossNats: usize,
  R: i32,
  V: i32,
  part: i32,
  parts: i32,
): void {
  const end = partStart(R, part + 1, parts);
  for (let r = partStart(R, part, parts); r < end; r++) {
    const row = logits + (<usize> r * V << 2);
    const loss = lossNats + (<usize> r << 2);
    const weight = load<f32>(weights + (<usize> r << 2));
    if (weight == 0) {
      store<f32>(loss, 0);
      if (step) memory.fill(row, 0, <usize> V << 2);
      continue;
    }
    const largest = rowLargest(row, V);
    const target = row + (<usize> load<u32>(targets + (<usize> r << 2)) << 2);
    const wanted = load<f32>(target) - largest;
    const sum = rowExponentials(row, V, f32x4.splat(largest), step);
    store<f32>(loss, <f32> (weight * (log(sum) - wanted)));
    if (step) {
      const scale = weight * lossScale(step);
      scaleRow(row, V, f32x4.splat(scale / sum));
      store<f32>(target, load<f32>(target) - scale);
    }
  }
}

/** Σ exp(logit − largest) in two chains of four lanes; with `replace` the terms take the place of the logits. */
// @ts-ignore: decorator
@inline
function rowExponentials(row: usize, V: i32, largest: v128, replace: usize): f32 {
  const whole: usize = <usize> (V & ~3) << 2;
  const rest = V & 3;
  let even = f32x4.splat(0);
  let odd = f32x4.splat(0);
  let at: usize = 0;
  for (; at + 32 <= whole; at += 32) {
    const a = exp(f32x4.sub(v128.load(row + at), largest));
    const b = exp(f32x4.sub(v128.load(row + at, 16), largest));
    if (replace) {
      v128.store(row + at, a);
      v128.store(row + at, b, 16);
    }
    even = f32x4.add(even, a);
    odd = f32x4.add(odd, b);
  }
  for (let left = V - <i32> (at >> 2); left > 0; left -= 4) {
    const count = left < 4 ? rest : 4;
    const a = v128.and(exp(f32x4.sub(loadLanes(row + at, count), largest)), laneMask(count));
    if (replace) storeLanes(row + at, a, count);
    even = f32x4.add(even, a);
    at += 16;
  }
  return sumLanes(f32x4.add(even, odd));
}

// @ts-ignore: decorator
@inline
function scaleRow(row: usize, V: i32, scale: v128): void {
  const whole: usize = <usize> (V & ~3) << 2;
  const rest = V & 3;
  for (let at: usize = 0; at < whole; at += 16) v128.store(row + at, f32x4.mul(v128.load(row + at), scale));
  if (rest) storeLanes(row + whole, f32x4.mul(loadLanes(row + whole, rest), scale), rest);
}
