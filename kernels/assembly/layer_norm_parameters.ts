// The gradients of layer normalisation's weight and bias, summed over the rows in slabs whose number depends on the
// shape alone. dy, x [R, C]; mean, rstd [R]; scratch [slabs, 2, C]; addChunks (column_sum.ts) adds the slabs up.
import { loadLanes, storeLanes } from "./lanes";
import { multiplyAdd } from "./math";
import { partStart } from "./parts";

/** scratch[slab] ← (Σ dy ⊙ (x − mean) · rstd, Σ dy) over the slab's rows. */
export function layerNormParameterSlabs(
  dy: usize,
  x: usize,
  mean: usize,
  rstd: usize,
  scratch: usize,
  R: i32,
  C: i32,
  slabs: i32,
  slabRows: i32,
  part: i32,
  parts: i32,
): void {
  const rowBytes: usize = <usize> C << 2;
  const whole: usize = <usize> (C & ~3) << 2;
  const rest = C & 3;
  const lastSlab = partStart(slabs, part + 1, parts);
  for (let slab = partStart(slabs, part, parts); slab < lastSlab; slab++) {
    const weightSum = scratch + <usize> (2 * slab) * rowBytes;
    memory.fill(weightSum, 0, 2 * rowBytes);
    const end = min(R, (slab + 1) * slabRows);
    for (let r = slab * slabRows; r < end; r++) {
      const gradient = dy + <usize> r * rowBytes;
      const row = x + <usize> r * rowBytes;
      const means = v128.load32_splat(mean + (<usize> r << 2));
      const scales = v128.load32_splat(rstd + (<usize> r << 2));
      for (let at: usize = 0; at < whole; at += 16) addRow(gradient, row, weightSum, rowBytes, means, scales, at, 4);
      if (rest) addRow(gradient, row, weightSum, rowBytes, means, scales, whole, rest);
    }
  }
}

// @ts-ignore: decorator
@inline
function addRow(
  gradient: usize,
  row: usize,
  weightSum: usize,
  rowBytes: usize,
  means: v128,
  scales: v128,
  at: usize,
  count: i32,
): void {
  const d = loadLanes(gradient + at, count);
  const normalised = f32x4.mul(f32x4.sub(loadLanes(row + at, count), means), scales);
  storeLanes(weightSum + at, multiplyAdd(d, normalised, loadLanes(weightSum + at, count)), count);
  const biasSum = weightSum + rowBytes + at;
  storeLanes(biasSum, f32x4.add(loadLanes(biasSum, count), d), count);
}
