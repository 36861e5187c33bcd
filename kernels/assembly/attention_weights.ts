// What happens to attention weights between the products: four columns of weights [rows, 16] at a time, down the rows.
import { lowest, panelStride } from "./attention_tile";
import { exp } from "./math";
import { dropoutFactors, dropoutThreshold, mixed, multiplier, randomWords } from "./random";
import { dropoutRate, dropoutSeed, firstPatch } from "./step";

/** Lane i sees the rows before `visible` + i. Its other weights of rows `from` … `to` become lowest. */
export function hideBehind(weights: usize, visible: i32, from: i32, to: i32): void {
  const seen = i32x4.add(i32x4.splat(visible), i32x4(0, 1, 2, 3));
  for (let m = max(visible, from); m < to; m++) {
    const at = weights + <usize> m * panelStride;
    const sees = i32x4.lt_s(i32x4.splat(m), seen);
    v128.store(at, v128.bitselect(v128.load(at), f32x4.splat(lowest), sees));
  }
}

/** Lane i sees the rows from `first` + i on. Its other weights of rows `from` … `to` become lowest. */
export function hideBefore(weights: usize, first: i32, from: i32, to: i32): void {
  const seen = i32x4.add(i32x4.splat(first), i32x4(0, 1, 2, 3));
  for (let m = from; m < min(first + 3, to); m++) {
    const at = weights + <usize> m * panelStride;
    const sees = i32x4.ge_s(i32x4.splat(m), seen);
    v128.store(at, v128.bitselect(v128.load(at), f32x4.splat(lowest), sees));
  }
}

/** The largest weight of each column in rows `from` … `to`, or `largest` where that is larger. */
// @ts-ignore: decorator
@inline
export function largestWeights(weights: usize, from: i32, to: i32, largest: v128): v128 {
  const end = weights + <usize> to * panelStride;
  for (let at = weights + <usize> from * panelStride; at < end; at += panelStride) largest = f32x4.pmax(largest, v128.load(at));
  return largest;
}

/** weight ← exp((weight − largest) · scale) in rows `from` … `to`; returns the sum of each column. */
// @ts-ignore: decorator
@inline
export function exponentials(weights: usize, from: i32, to: i32, largest: v128, scale: f32): v128 {
  const factor = f32x4.splat(scale);
  const end = weights + <usize> to * panelStride;
  let sum = f32x4.splat(0);
  for (let at = weights + <usize> from * panelStride; at < end; at += panelStride) {
    const e = exp(f32x4.mul(f32x4.sub(v128.load(at), largest), factor));
    v128.store(at, e);
    sum = f32x4.add(sum, e);
  }
  return sum;
}

/** weight ← factor · weight in the first `to` rows. */
// @ts-ignore: decorator
@inline
export function scaleWeights(weights: usize, to: i32, factor: v128): void {
  const end = weights + <usize> to * panelStride;
  for (let at = weights; at < end; at += panelStride) v128.store(at, f32x4.mul(v128.load(at), factor));
}

/**
 * kept ← dropout factor · weight in rows `from` … `to`. The element of row 0 and lane 0 has the index `counter`, from
 * where it grows by `laneStride` and `rowStride`; before it come `maskStride` for each patch before the strip.
 */
export function dropWeights(
  kept: usize,
  weights: usize,
  from: i32,
  to: i32,
  counter: i32,
  laneStride: i32,
  rowStride: i32,
  step: usize,
  stream: i32,
  maskStride: i32,
): void {
  const rate = dropoutRate(step);
  const threshold = i32x4.splat(dropoutThreshold(rate));
  const keptFactor = f32x4.splat(1 / (1 - rate));
  const streams = i32x4.splat(mixed(stream));
  const seeds = i32x4.splat(mixed(dropoutSeed(step)));
  let counters = i32x4.add(
    i32x4.splat(mixed(firstPatch(step) * maskStride + counter + from * rowStride)),
    i32x4.mul(i32x4(0, 1, 2, 3), i32x4.splat(laneStride * multiplier)),
  );
  const next = i32x4.splat(rowStride * multiplier);
  const end = <usize> to * panelStride;
  for (let at = <usize> from * panelStride; at < end; at += panelStride) {
    const factors = dropoutFactors(randomWords(counters, streams, seeds), threshold, keptFactor);
    v128.store(kept + at, f32x4.mul(factors, v128.load(weights + at)));
    counters = i32x4.add(counters, next);
  }
}

/** weight ← exp(weight · scale − logSumExp) in rows `from` … `to`: lanes are queries. */
// @ts-ignore: decorator
@inline
export function queryProbabilities(weights: usize, from: i32, to: i32, logSumExp: v128, scale: f32): void {
  const end = weights + <usize> to * panelStride;
  for (let at = weights + <usize> from * panelStride; at < end; at += panelStride) {
    v128.store(at, exp(f32x4.sub(f32x4.mul(v128.load(at), f32x4.splat(scale)), logSumExp)));
  }
}

/** The same where lanes are keys and rows are queries. logSumExp [to] */
// @ts-ignore: decorator
@inline
export function keyProbabilities(weights: usize, from: i32, to: i32, logSumExp: usize, scale: f32): void {
  for (let m = from; m < to; m++) {
    const at = weights + <usize> m * panelStride;
    const normaliser = v128.load32_splat(logSumExp + (<usize> m << 2));
    v128.store(at, exp(f32x4.sub(f32x4.mul(v128.load(at), f32x4.splat(scale)), normaliser)));
  }
}

/** dWeight ← (kept · dWeight − p · delta) · scale, the gradient of a score, in rows `from` … `to`. */
// @ts-ignore: decorator
@inline
export function queryScoreGradients(
  dWeights: usize,
  kept: usize,
  p: usize,
  from: i32,
  to: i32,
  delta: v128,
  scale: f32,
): void {
  const end = <usize> to * panelStride;
  for (let at = <usize> from * panelStride; at < end; at += panelStride) {
    storeScoreGradient(dWeights + at, kept + at, p + at, delta, scale);
  }
}

/** The same where rows are queries. delta [to] */
// @ts-ignore: decorator
@inline
export function keyScoreGradients(
  dWeights: usize,
  kept: usize,
  p: usize,
  from: i32,
  to: i32,
  delta: usize,
  scale: f32,
): void {
  for (let m = from; m < to; m++) {
    const at = <usize> m * panelStride;
    storeScoreGradient(dWeights + at, kept + at, p + at, v128.load32_splat(delta + (<usize> m << 2)), scale);
  }
}

// @ts-ignore: decorator
@inline
function storeScoreGradient(dWeight: usize, kept: usize, p: usize, delta: v128, scale: f32): void {
  const gained = f32x4.mul(v128.load(kept), v128.load(dWeight));
  const lost = f32x4.mul(v128.load(p), delta);
  v128.store(dWeight, f32x4.mul(f32x4.sub(gained, lost), f32x4.splat(scale)));
}
