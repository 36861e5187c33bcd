// The norm of all gradients and the scale of the update: gradients [length]; norm [2]; scratch [chunks].
import { loadLanes } from "./lanes";
import { partStart } from "./parts";
import { maxGradientNorm } from "./step";

/**
 * scratch[chunk] ← Σ g² over the chunk, added up in f64. Kept as f32, it is infinite beyond 3.4e38 as on other engines.
 */
export function gradientNormChunks(
  gradients: usize,
  scratch: usize,
  length: i32,
  chunks: i32,
  part: i32,
  parts: i32,
): void {
  const end = partStart(chunks, part + 1, parts);
  for (let chunk = partStart(chunks, part, parts); chunk < end; chunk++) {
    const from = partStart(length, chunk, chunks);
    const sum = squares(gradients + (<usize> from << 2), partStart(length, chunk + 1, chunks) - from);
    store<f32>(scratch + (<usize> chunk << 2), <f32> sum);
  }
}

/** Σ g² of `length` neighbours, in two chains of two lanes. */
function squares(gradients: usize, length: i32): f64 {
  const rest = length & 3;
  let even = f64x2.splat(0);
  let odd = f64x2.splat(0);
  for (let i = 0; i < length; i += 4) {
    const x = loadLanes(gradients + (<usize> i << 2), length - i < 4 ? rest : 4);
    const low = f64x2.promote_low_f32x4(x);
    const high = f64x2.promote_low_f32x4(v128.shuffle<i64>(x, x, 1, 1));
    even = f64x2.add(even, f64x2.mul(low, low));
    odd = f64x2.add(odd, f64x2.mul(high, high));
  }
  const sum = f64x2.add(even, odd);
  return f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
}

/** norm ← [√ Σ scratch, the factor of the update: 1 or less, −1 where the norm is not finite]. */
export function gradientNorm(step: usize, scratch: usize, norm: usize, chunks: i32, part: i32, parts: i32): void {
  if (part != 0) return;
  let sum: f64 = 0;
  for (let chunk = 0; chunk < chunks; chunk++) sum += <f64> load<f32>(scratch + (<usize> chunk << 2));
  const squares = <f32> sum;
  const value = sqrt<f32>(squares);
  const largest = maxGradientNorm(step);
  let scale: f32 = largest > 0 ? min<f32>(1, largest / (value + 1e-6)) : 1;
  if (!isFinite<f32>(squares)) scale = -1;
  store<f32>(norm, value);
  store<f32>(norm, scale, 4);
}
