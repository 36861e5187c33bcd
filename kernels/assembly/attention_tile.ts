// What attention is made of, at both levels: 16 rows that stay (a panel, transposed) meet rows that pass by.
//
//   scores       weights[m, i] = Σ_d rows[m, d] · panel[d, i]
//   accumulate   sums[i, c] += Σ_m weights[m, i] · rows[m, c]
//
// A row that stays has a column of the weights to itself, so softmax runs down the columns, four rows in the lanes of a
// vector, and no sum ever crosses lanes. Both products keep 4 × 8 sums in registers: two vectors and four splatted
// numbers come in for eight multiply-adds. An element is one chain of multiply-adds, in the order of d or of m, wherever
// its row stands.
//
// panel [D, 16], weights [rows, 16]
import { multiplyAdd } from "./math";

/** Rows of a panel. */
export const panelRows: i32 = 16;
/** Bytes from one d of a panel, or one row of weights, to the next. */
export const panelStride: usize = 64;

/** Below every score, and so far below that its exponential is 0. */
export const lowest: f32 = -1e30;

/**
 * panel[d, i] ← rows[i, d]. Of `count` rows the last stands in for those missing in its group of four; groups behind it
 * stay as they are.
 */
export function packPanel(panel: usize, rows: usize, stride: usize, count: i32, D: i32): void {
  for (let i = 0; i < count; i += 4) {
    const row0 = rows + <usize> i * stride;
    const row1 = rows + <usize> min(i + 1, count - 1) * stride;
    const row2 = rows + <usize> min(i + 2, count - 1) * stride;
    const row3 = rows + <usize> min(i + 3, count - 1) * stride;
    let to = panel + (<usize> i << 2);
    for (let at: usize = 0; at < <usize> D << 2; at += 16) {
      const a = v128.load(row0 + at), b = v128.load(row1 + at);
      const c = v128.load(row2 + at), d = v128.load(row3 + at);
      const ab = v128.shuffle<i32>(a, b, 0, 4, 1, 5), cd = v128.shuffle<i32>(c, d, 0, 4, 1, 5);
      const AB = v128.shuffle<i32>(a, b, 2, 6, 3, 7), CD = v128.shuffle<i32>(c, d, 2, 6, 3, 7);
      v128.store(to, v128.shuffle<i64>(ab, cd, 0, 2));
      v128.store(to, v128.shuffle<i64>(ab, cd, 1, 3), 64);
      v128.store(to, v128.shuffle<i64>(AB, CD, 0, 2), 128);
      v128.store(to, v128.shuffle<i64>(AB, CD, 1, 3), 192);
      to += 4 * panelStride;
    }
  }
}

/**
 * weights[m, 0 … 7] ← Σ_d rows[m, d] · panel[d, 0 … 7] for m from `from`, a multiple of 4, to `to`; rows of weights up
 * to the next multiple of 4 are overwritten.
 */
export function scores(
  weights: usize,
  panel: usize,
  rows: usize,
  stride: usize,
  from: i32,
  to: i32,
  D: i32,
): void {
  const end = panel + <usize> D * panelStride;
  for (let m = from; m < to; m += 4) {
    let row0 = rows + <usize> m * stride;
    let row1 = rows + <usize> min(m + 1, to - 1) * stride;
    let row2 = rows + <usize> min(m + 2, to - 1) * stride;
    let row3 = rows + <usize> min(m + 3, to - 1) * stride;
    let s00 = f32x4.splat(0), s01 = s00, s10 = s00, s11 = s00, s20 = s00, s21 = s00, s30 = s00, s31 = s00;
    for (let x = panel; x < end; x += 2 * panelStride) {
      let x0 = v128.load(x), x1 = v128.load(x, 16);
      let y = v128.load32_splat(row0);
      s00 = multiplyAdd(y, x0, s00);
      s01 = multiplyAdd(y, x1, s01);
      y = v128.load32_splat(row1);
      s10 = multiplyAdd(y, x0, s10);
      s11 = multiplyAdd(y, x1, s11);
      y = v128.load32_splat(row2);
      s20 = multiplyAdd(y, x0, s20);
      s21 = multiplyAdd(y, x1, s21);
      y = v128.load32_splat(row3);
      s30 = multiplyAdd(y, x0, s30);
      s31 = multiplyAdd(y, x1, s31);
      x0 = v128.load(x, 64), x1 = v128.load(x, 80);
      y = v128.load32_splat(row0, 4);
      s00 = multiplyAdd(y, x0, s00);
      s01 = multiplyAdd(y, x1, s01);
      y = v128.load32_splat(row1, 4);
      s10 = multiplyAdd(y, x0, s10);
      s11 = multiplyAdd(y, x1, s11);
      y = v128.load32_splat(row2, 4);
      s20 = multiplyAdd(y, x0, s20);
      s21 = multiplyAdd(y, x1, s21);
      y = v128.load32_splat(row3, 4);
      s30 = multiplyAdd(y, x0, s30);
      s31 = multiplyAdd(y, x1, s31);
      row0 += 8;
      row1 += 8;
      row2 += 8;
      row3 += 8;
    }
    const to = weights + <usize> m * panelStride;
    v128.store(to, s00);
    v128.store(to, s01, 16);
    v128.store(to, s10, 64);
    v128.store(to, s11, 80);
    v128.store(to, s20, 128);
    v128.store(to, s21, 144);
    v128.store(to, s30, 192);
    v128.store(to, s31, 208);
  }
}

/**
 * sums[i, c] ← factors[i] · sums[i, c] + Σ_m weights[m, i] · rows[m, c] for i = 0 … 3 and m from `from` to `to`. Without
 * `keep` the sums begin at 0; without `factors` (0) they are not scaled.
 */
export function accumulate(
  sums: usize,
  sumStride: usize,
  keep: bool,
  factors: usize,
  weights: usize,
  rows: usize,
  stride: usize,
  from: i32,
  to: i32,
  D: i32,
): void {
  const first = weights + <usize> from * panelStride;
  const last = weights + <usize> to * panelStride;
  const wide = D & ~7;
  for (let c = 0; c < wide; c += 8) {
    const sums0 = sums + (<usize> c << 2);
    const sums1 = sums0 + sumStride, sums2 = sums1 + sumStride, sums3 = sums2 + sumStride;
    let s00 = f32x4.splat(0), s01 = s00, s10 = s00, s11 = s00, s20 = s00, s21 = s00, s30 = s00, s31 = s00;
    if (keep) {
      s00 = v128.load(sums0), s01 = v128.load(sums0, 16);
      s10 = v128.load(sums1), s11 = v128.load(sums1, 16);
      s20 = v128.load(sums2), s21 = v128.load(sums2, 16);
      s30 = v128.load(sums3), s31 = v128.load(sums3, 16);
      if (factors) {
        let y = v128.load32_splat(factors);
        s00 = f32x4.mul(y, s00), s01 = f32x4.mul(y, s01);
        y = v128.load32_splat(factors, 4);
        s10 = f32x4.mul(y, s10), s11 = f32x4.mul(y, s11);
        y = v128.load32_splat(factors, 8);
        s20 = f32x4.mul(y, s20), s21 = f32x4.mul(y, s21);
        y = v128.load32_splat(factors, 12);
        s30 = f32x4.mul(y, s30), s31 = f32x4.mul(y, s31);
      }
    }
    let x = rows + <usize> from * stride + (<usize> c << 2);
    for (let w = first; w < last; w += panelStride) {
      const x0 = v128.load(x), x1 = v128.load(x, 16);
      let y = v128.load32_splat(w);
      s00 = multiplyAdd(y, x0, s00);
      s01 = multiplyAdd(y, x1, s01);
      y = v128.load32_splat(w, 4);
      s10 = multiplyAdd(y, x0, s10);
      s11 = multiplyAdd(y, x1, s11);
      y = v128.load32_splat(w, 8);
      s20 = multiplyAdd(y, x0, s20);
      s21 = multiplyAdd(y, x1, s21);
      y = v128.load32_splat(w, 12);
      s30 = multiplyAdd(y, x0, s30);
      s31 = multiplyAdd(y, x1, s31);
      x += stride;
    }
    v128.store(sums0, s00), v128.store(sums0, s01, 16);
    v128.store(sums1, s10), v128.store(sums1, s11, 16);
    v128.store(sums2, s20), v128.store(sums2, s21, 16);
    v128.store(sums3, s30), v128.store(sums3, s31, 16);
  }
  if (wide < D) {
    // D is a multiple of 4: one more vector of each row.
    for (let i = 0; i < 4; i++) {
      const at = sums + <usize> i * sumStride + (<usize> wide << 2);
      let s = keep ? v128.load(at) : f32x4.splat(0);
      if (factors) s = f32x4.mul(v128.load32_splat(factors + (i << 2)), s);
      let x = rows + <usize> from * stride + (<usize> wide << 2);
      for (let w = first + (i << 2); w < last; w += panelStride) {
        s = multiplyAdd(v128.load32_splat(w), v128.load(x), s);
        x += stride;
      }
      v128.store(at, s);
    }
  }
}
