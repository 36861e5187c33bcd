// What a matrix product does in registers: a tile of 5 rows by 8 columns, and what happens to it on its way to memory.
//
// Deno's V8 checks the bounds of every load and leaves 15 of 16 registers. Ten sums, two vectors of b, one of a and a
// splatted value need 14, and four values of a come in one load. On an AMD EPYC (Zen 4, 2026-11-23) that runs at 84 %
// of the rate of multiply-adds; other shapes are in docs/rejected.md.
import { gelu, geluGradient, multiplyAdd } from "./math";

/** Rows and columns of a tile. */
export const tileRows: i32 = 5;
export const tileColumns: i32 = 8;

/**
 * tile[r, c] ← Σ_k a[k, r] · b[k, c] over the terms of two panels, a chain of multiply-adds for each element.
 *
 * a [terms, 5], packed; b [terms, 8], packed or in its matrix; tile [5, 8]
 * @param bStride bytes from one term of b to the next
 */
export function multiplyPanels(a: usize, b: usize, bStride: usize, terms: i32, tile: usize): void {
  let c00 = f32x4.splat(0), c01 = f32x4.splat(0);
  let c10 = f32x4.splat(0), c11 = f32x4.splat(0);
  let c20 = f32x4.splat(0), c21 = f32x4.splat(0);
  let c30 = f32x4.splat(0), c31 = f32x4.splat(0);
  let c40 = f32x4.splat(0), c41 = f32x4.splat(0);
  const end = b + <usize> terms * bStride;
  // Not unrolled: V8 then keeps sums on the stack, which halves the speed.
  while (b < end) {
    const a0 = v128.load(a);
    const b0 = v128.load(b), b1 = v128.load(b, 16);
    let x = v128.shuffle<f32>(a0, a0, 0, 0, 0, 0);
    c00 = multiplyAdd(x, b0, c00);
    c01 = multiplyAdd(x, b1, c01);
    x = v128.shuffle<f32>(a0, a0, 1, 1, 1, 1);
    c10 = multiplyAdd(x, b0, c10);
    c11 = multiplyAdd(x, b1, c11);
    x = v128.shuffle<f32>(a0, a0, 2, 2, 2, 2);
    c20 = multiplyAdd(x, b0, c20);
    c21 = multiplyAdd(x, b1, c21);
    x = v128.shuffle<f32>(a0, a0, 3, 3, 3, 3);
    c30 = multiplyAdd(x, b0, c30);
    c31 = multiplyAdd(x, b1, c31);
    x = v128.load32_splat(a, 16);
    c40 = multiplyAdd(x, b0, c40);
    c41 = multiplyAdd(x, b1, c41);
    a += 4 * tileRows;
    b += bStride;
  }
  v128.store(tile, c00);
  v128.store(tile, c01, 16);
  v128.store(tile, c10, 32);
  v128.store(tile, c11, 48);
  v128.store(tile, c20, 64);
  v128.store(tile, c21, 80);
  v128.store(tile, c30, 96);
  v128.store(tile, c31, 112);
  v128.store(tile, c40, 128);
  v128.store(tile, c41, 144);
}

/** What a pass over a tile does; `x` is the tile, where there is one, and `y` another operand. */
export const enum Pass {
  /** out ← x */
  Set,
  /** out ← x + y, y being one row for all */
  Bias,
  /** out ← out + x */
  Add,
  /** out ← out + y */
  Residual,
  /** out ← gelu(y) */
  Gelu,
  /** out ← out ⊙ gelu′(y) */
  GeluGradient,
}

/**
 * One pass over a tile at its place in a matrix.
 * @param out first element in `out`, whose rows are `stride` bytes apart, and `y` the same in the other operand
 * @param rows, columns how much of the tile lies within the matrix
 */
export function passTile(
  pass: Pass,
  x: usize,
  out: usize,
  y: usize,
  stride: usize,
  rows: i32,
  columns: i32,
): void {
  switch (pass) {
    case Pass.Set:
      return passRows(Pass.Set, x, out, y, stride, rows, columns);
    case Pass.Bias:
      return passRows(Pass.Bias, x, out, y, stride, rows, columns);
    case Pass.Add:
      return passRows(Pass.Add, x, out, y, stride, rows, columns);
    case Pass.Residual:
      return passRows(Pass.Residual, x, out, y, stride, rows, columns);
    case Pass.Gelu:
      return passRows(Pass.Gelu, x, out, y, stride, rows, columns);
    case Pass.GeluGradient:
      return passRows(Pass.GeluGradient, x, out, y, stride, rows, columns);
  }
}

/** {@linkcode passTile} for a pass known when compiling. */
// @ts-ignore: decorator
@inline
function passRows(
  pass: Pass,
  x: usize,
  out: usize,
  y: usize,
  stride: usize,
  rows: i32,
  columns: i32,
): void {
  const vectorEnd = <usize> (columns & ~3) << 2;
  const end = <usize> columns << 2;
  for (let row = 0; row < rows; row++) {
    let c: usize = 0;
    for (; c < vectorEnd; c += 16) v128.store(out + c, passed(pass, 4, x + c, out + c, y + c));
    for (; c < end; c += 4) v128.store32_lane(out + c, passed(pass, 1, x + c, out + c, y + c), 0);
    x += 4 * tileColumns;
    out += stride;
    if (pass != Pass.Bias) y += stride;
  }
}

/** What a pass stores, of 4 lanes or the first alone: a lane's bits are the same either way. */
// @ts-ignore: decorator
@inline
function passed(pass: Pass, lanes: i32, x: usize, out: usize, y: usize): v128 {
  if (pass == Pass.Set) return load(x, lanes);
  if (pass == Pass.Bias) return f32x4.add(load(x, lanes), load(y, lanes));
  if (pass == Pass.Add) return f32x4.add(load(out, lanes), load(x, lanes));
  if (pass == Pass.Residual) return f32x4.add(load(out, lanes), load(y, lanes));
  if (pass == Pass.Gelu) return gelu(load(y, lanes));
  return f32x4.mul(load(out, lanes), geluGradient(load(y, lanes)));
}

/** 4 numbers, or one and zeros. */
// @ts-ignore: decorator
@inline
function load(address: usize, lanes: i32): v128 {
  return lanes == 4 ? v128.load(address) : v128.load32_zero(address);
}
