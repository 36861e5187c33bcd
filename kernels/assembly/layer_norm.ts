// Layer normalisation of rows, forward and backward: x, y, dy, dx [R, C]; weight, bias [C]; mean, rstd [R].
import { laneMask, loadLanes, storeLanes } from "./lanes";
import { multiplyAdd, sumLanes } from "./math";
import { partStart } from "./parts";

/** y = x̂ ⊙ weight + bias with x̂ = (x − mean) · rstd, after two passes over the row: its mean, its variance. */
export function layerNorm(
  x: usize,
  weight: usize,
  bias: usize,
  y: usize,
  mean: usize,
  rstd: usize,
  R: i32,
  C: i32,
  epsilon: f32,
  part: i32,
  parts: i32,
): void {
  const end = partStart(R, part + 1, parts);
  const rowBytes: usize = <usize> C << 2;
  const whole: usize = <usize> (C & ~3) << 2;
  const rest = C & 3;
  for (let r = partStart(R, part, parts); r < end; r++) {
    const row = x + <usize> r * rowBytes;
    const result = y + <usize> r * rowBytes;
    const rowMean = rowSum(row, whole, rest) / <f32> C;
    const means = f32x4.splat(rowMean);
    const variance = squaredDeviations(row, means, whole, rest) / <f32> C;
    const rowRstd: f32 = 1 / sqrt<f32>(variance + epsilon);
    const scales = f32x4.splat(rowRstd);
    for (let at: usize = 0; at < whole; at += 16) normalise(row, weight, bias, result, means, scales, at, 4);
    if (rest) normalise(row, weight, bias, result, means, scales, whole, rest);
    store<f32>(mean + (<usize> r << 2), rowMean);
    store<f32>(rstd + (<usize> r << 2), rowRstd);
  }
}

/** Σ x of a row, in four chains of four lanes. */
// @ts-ignore: decorator
@inline
function rowSum(row: usize, whole: usize, rest: i32): f32 {
  let sum0 = f32x4.splat(0);
  let sum1 = f32x4.splat(0);
  let sum2 = f32x4.splat(0);
  let sum3 = f32x4.splat(0);
  let at: usize = 0;
  for (; at + 64 <= whole; at += 64) {
    sum0 = f32x4.add(sum0, v128.load(row + at));
    sum1 = f32x4.add(sum1, v128.load(row + at, 16));
    sum2 = f32x4.add(sum2, v128.load(row + at, 32));
    sum3 = f32x4.add(sum3, v128.load(row + at, 48));
  }
  for (; at < whole; at += 16) sum0 = f32x4.add(sum0, v128.load(row + at));
  if (rest) sum1 = f32x4.add(sum1, loadLanes(row + at, rest));
  return sumLanes(f32x4.add(f32x4.add(sum0, sum1), f32x4.add(sum2, sum3)));
}

/** Σ (x − mean)² of a row. */
// @ts-ignore: decorator
@inline
function squaredDeviations(row: usize, means: v128, whole: usize, rest: i32): f32 {
  let sum0 = f32x4.splat(0);
  let sum1 = f32x4.splat(0);
  let sum2 = f32x4.splat(0);
  let sum3 = f32x4.splat(0);
  let at: usize = 0;
  for (; at + 64 <= whole; at += 64) {
    const d0 = f32x4.sub(v128.load(row + at), means);
    const d1 = f32x4.sub(v128.load(row + at, 16), means);
    const d2 = f32x4.sub(v128.load(row + at, 32), means);
    const d3 = f32x4.sub(v128.load(row + at, 48), means);
    sum0 = multiplyAdd(d0, d0, sum0);
    sum1 = multiplyAdd(d1, d1, sum1);
    sum2 = multiplyAdd(d2, d2, sum2);
    sum3 = multiplyAdd(d3, d3, sum3);
  }
  for (; at < whole; at += 16) {
    const d = f32x4.sub(v128.load(row + at), means);
    sum0 = multiplyAdd(d, d, sum0);
  }
  if (rest) {
    const d = v128.and(f32x4.sub(loadLanes(row + at, rest), means), laneMask(rest));
    sum1 = multiplyAdd(d, d, sum1);
  }
  return sumLanes(f32x4.add(f32x4.add(sum0, sum1), f32x4.add(sum2, sum3)));
}

// @ts-ignore: decorator
@inline
function normalise(
  row: usize,
  weight: usize,
  bias: usize,
  result: usize,
  means: v128,
  scales: v128,
  at: usize,
  count: i32,
): void {
  const normalised = f32x4.mul(f32x4.sub(loadLanes(row + at, count), means), scales);
  const scaled = multiplyAdd(normalised, loadLanes(weight + at, count), loadLanes(bias + at, count));
  storeLanes(result + at, scaled, count);
}

/** dx = (or +=) rstd · (g − Σ g / C − x̂ · Σ (g ⊙ x̂) / C) with g = dy ⊙ weight. */
export function layerNormBackward(
  dy: usize,
  x: usize,
  weight: usize,
  mean: usize,
  rstd: usize,
  dx: usize,
  R: i32,
  C: i32,
  accumulate: i32,
  part: i32,
  parts: i32,
): void {
  const end = partStart(R, part + 1, parts);
  const rowBytes: usize = <usize> C << 2;
  const whole: usize = <usize> (C & ~3) << 2;
  const rest = C & 3;
  for (let r = partStart(R, part, parts); r < end; r++) {
    const row = x + <usize> r * rowBytes;
    const gradient = dy + <usize> r * rowBytes;
    const result = dx + <usize> r * rowBytes;
    const means = f32x4.splat(load<f32>(mean + (<usize> r << 2)));
    const scales = f32x4.splat(load<f32>(rstd + (<usize> r << 2)));
    let sum = f32x4.splat(0);
    let product = f32x4.splat(0); // of g and x − mean
    for (let at: usize = 0; at < whole; at += 16) {
      const g = f32x4.mul(v128.load(gradient + at), v128.load(weight + at));
      sum = f32x4.add(sum, g);
      product = multiplyAdd(g, f32x4.sub(v128.load(row + at), means), product);
    }
    if (rest) {
      const g = f32x4.mul(loadLanes(gradient + whole, rest), loadLanes(weight + whole, rest));
      sum = f32x4.add(sum, g);
      product = multiplyAdd(g, f32x4.sub(loadLanes(row + whole, rest), means), product);
    }
    const offsets = f32x4.splat(sumLanes(sum) / <f32> C);
    // x̂ has one rstd, the Σ another.
    const slopes = f32x4.mul(f32x4.mul(f32x4.splat(sumLanes(product) / <f32> C), scales), scales);
    for (let at: usize = 0; at < whole; at += 16) {
      inputGradient(gradient, weight, row, result, means, scales, offsets, slopes, accumulate, at, 4);
    }
    if (rest) inputGradient(gradient, weight, row, result, means, scales, offsets, slopes, accumulate, whole, rest);
  }
}

// @ts-ignore: decorator
@inline
function inputGradient(
  gradient: usize,
  weight: usize,
  row: usize,
  result: usize,
  means: v128,
  scales: v128,
  offsets: v128,
  slopes: v128,
  accumulate: i32,
  at: usize,
  count: i32,
): void {
  const g = f32x4.mul(loadLanes(gradient + at, count), loadLanes(weight + at, count));
  const deviation = f32x4.sub(loadLanes(row + at, count), means);
  const inner = f32x4.sub(f32x4.sub(g, offsets), f32x4.mul(deviation, slopes));
  let d = f32x4.mul(scales, inner);
  if (accumulate) d = f32x4.add(loadLanes(result + at, count), d);
  storeLanes(result + at, d, count);
}
