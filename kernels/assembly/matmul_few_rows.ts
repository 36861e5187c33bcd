// Products of one row of a, or two, where to pack b would take longer than to multiply: b is read where it lies, once.
//
// A sum is the chain of multiply-adds that multiplyPanels makes, term by term from 0, so it has the same bits. That is
// why the columns of bᵀ are transposed in registers, and not multiplied along k.
import { multiplyAdd } from "./math";
import { packColumns } from "./matmul_pack";
import { tileColumns } from "./matmul_tile";

/** Bytes of a row of a tile. */
const tileStride: usize = 4 * tileColumns;
/** Terms added at a time: the sums are loaded and stored once for eight multiply-adds. */
const termsAtOnce: i32 = 8;

/**
 * tiles[n / 8, m, n % 8] ← Σ_k a[m, k] · b[k, n] over a block of terms and columns.
 *
 * a [rows, terms], rows 1 or 2; tiles [⌈columns / 8⌉, rows, 8]
 * @param a, b the blocks' first elements
 * @param aStride bytes from one row of a to the next
 * @param columnStride, termStride the same for b; one of them is 4
 * @param panel memory for [terms, 8]
 */
export function multiplyRows(
  rows: i32,
  columns: i32,
  terms: i32,
  a: usize,
  aStride: usize,
  b: usize,
  columnStride: usize,
  termStride: usize,
  tiles: usize,
  panel: usize,
): void {
  const tileBytes = <usize> rows * tileStride;
  if (columnStride == 4) {
    const full = columns / tileColumns;
    const edge = columns - full * tileColumns;
    memory.fill(tiles, 0, <usize> (edge > 0 ? full + 1 : full) * tileBytes);
    addProducts(rows, full, terms, a, aStride, b, termStride, tiles);
    if (edge == 0) return;
    packColumns(b + <usize> full * tileStride, columnStride, termStride, edge, terms, panel);
    addProducts(rows, 1, terms, a, aStride, panel, tileStride, tiles + <usize> full * tileBytes);
    return;
  }
  const whole = terms & ~3;
  const rest = <usize> whole << 2;
  for (let column = 0; column < columns; column += tileColumns) {
    const width = min(columns - column, tileColumns);
    if (rows == 1) multiplyTransposed(1, whole, a, aStride, b, columnStride, width - 1, tiles);
    else multiplyTransposed(2, whole, a, aStride, b, columnStride, width - 1, tiles);
    if (whole < terms) {
      packColumns(b + rest, columnStride, termStride, width, terms - whole, panel);
      addProducts(rows, 1, terms - whole, a + rest, aStride, panel, tileStride, tiles);
    }
    b += tileColumns * columnStride;
    tiles += tileBytes;
  }
}

/** tiles += a·b over `count` tiles; the columns of b lie side by side, its terms `bStride` bytes apart. */
function addProducts(
  rows: i32,
  count: i32,
  terms: i32,
  a: usize,
  aStride: usize,
  b: usize,
  bStride: usize,
  tiles: usize,
): void {
  let term = 0;
  for (; term + termsAtOnce <= terms; term += termsAtOnce) {
    if (rows == 1) {
      addRow(count, a, b, bStride, tiles);
    } else {
      addTwoRows(count, a, aStride, b, bStride, tiles);
      addTwoRows(count, a + 16, aStride, b + 4 * bStride, bStride, tiles);
    }
    a += 4 * termsAtOnce;
    b += termsAtOnce * bStride;
  }
  for (; term < terms; term++) {
    addTerm(rows, count, a, b, tiles);
    if (rows == 2) addTerm(rows, count, a + aStride, b, tiles + tileStride);
    a += 4;
    b += bStride;
  }
}

/** Eight terms of one row. */
function addRow(count: i32, a: usize, b: usize, bStride: usize, tiles: usize): void {
  const a0 = v128.load32_splat(a), a1 = v128.load32_splat(a, 4);
  const a2 = v128.load32_splat(a, 8), a3 = v128.load32_splat(a, 12);
  const a4 = v128.load32_splat(a, 16), a5 = v128.load32_splat(a, 20);
  const a6 = v128.load32_splat(a, 24), a7 = v128.load32_splat(a, 28);
  for (const end = tiles + <usize> count * tileStride; tiles < end; tiles += tileStride) {
    let c0 = v128.load(tiles), c1 = v128.load(tiles, 16);
    let s = b;
    c0 = multiplyAdd(a0, v128.load(s), c0);
    c1 = multiplyAdd(a0, v128.load(s, 16), c1);
    s += bStride;
    c0 = multiplyAdd(a1, v128.load(s), c0);
    c1 = multiplyAdd(a1, v128.load(s, 16), c1);
    s += bStride;
    c0 = multiplyAdd(a2, v128.load(s), c0);
    c1 = multiplyAdd(a2, v128.load(s, 16), c1);
    s += bStride;
    c0 = multiplyAdd(a3, v128.load(s), c0);
    c1 = multiplyAdd(a3, v128.load(s, 16), c1);
    s += bStride;
    c0 = multiplyAdd(a4, v128.load(s), c0);
    c1 = multiplyAdd(a4, v128.load(s, 16), c1);
    s += bStride;
    c0 = multiplyAdd(a5, v128.load(s), c0);
    c1 = multiplyAdd(a5, v128.load(s, 16), c1);
    s += bStride;
    c0 = multiplyAdd(a6, v128.load(s), c0);
    c1 = multiplyAdd(a6, v128.load(s, 16), c1);
    s += bStride;
    c0 = multiplyAdd(a7, v128.load(s), c0);
    c1 = multiplyAdd(a7, v128.load(s, 16), c1);
    v128.store(tiles, c0);
    v128.store(tiles, c1, 16);
    b += tileStride;
  }
}

/** Four terms of two rows, which share the loads of b. */
function addTwoRows(
  count: i32,
  a: usize,
  aStride: usize,
  b: usize,
  bStride: usize,
  tiles: usize,
): void {
  const x0 = v128.load32_splat(a), x1 = v128.load32_splat(a, 4);
  const x2 = v128.load32_splat(a, 8), x3 = v128.load32_splat(a, 12);
  a += aStride;
  const y0 = v128.load32_splat(a), y1 = v128.load32_splat(a, 4);
  const y2 = v128.load32_splat(a, 8), y3 = v128.load32_splat(a, 12);
  for (const end = tiles + <usize> count * (2 * tileStride); tiles < end; tiles += 2 * tileStride) {
    let c0 = v128.load(tiles), c1 = v128.load(tiles, 16);
    let d0 = v128.load(tiles, 32), d1 = v128.load(tiles, 48);
    let s = b;
    let b0 = v128.load(s), b1 = v128.load(s, 16);
    c0 = multiplyAdd(x0, b0, c0);
    c1 = multiplyAdd(x0, b1, c1);
    d0 = multiplyAdd(y0, b0, d0);
    d1 = multiplyAdd(y0, b1, d1);
    s += bStride;
    b0 = v128.load(s), b1 = v128.load(s, 16);
    c0 = multiplyAdd(x1, b0, c0);
    c1 = multiplyAdd(x1, b1, c1);
    d0 = multiplyAdd(y1, b0, d0);
    d1 = multiplyAdd(y1, b1, d1);
    s += bStride;
    b0 = v128.load(s), b1 = v128.load(s, 16);
    c0 = multiplyAdd(x2, b0, c0);
    c1 = multiplyAdd(x2, b1, c1);
    d0 = multiplyAdd(y2, b0, d0);
    d1 = multiplyAdd(y2, b1, d1);
    s += bStride;
    b0 = v128.load(s), b1 = v128.load(s, 16);
    c0 = multiplyAdd(x3, b0, c0);
    c1 = multiplyAdd(x3, b1, c1);
    d0 = multiplyAdd(y3, b0, d0);
    d1 = multiplyAdd(y3, b1, d1);
    v128.store(tiles, c0);
    v128.store(tiles, c1, 16);
    v128.store(tiles, d0, 32);
    v128.store(tiles, d1, 48);
    b += tileStride;
  }
}

/** One term of one row. */
function addTerm(rows: i32, count: i32, a: usize, b: usize, tiles: usize): void {
  const x = v128.load32_splat(a);
  const tileBytes = <usize> rows * tileStride;
  for (const end = tiles + <usize> count * tileBytes; tiles < end; tiles += tileBytes) {
    v128.store(tiles, multiplyAdd(x, v128.load(b), v128.load(tiles)));
    v128.store(tiles, multiplyAdd(x, v128.load(b, 16), v128.load(tiles, 16)), 16);
    b += tileStride;
  }
}

/**
 * tile ← a·b for eight columns whose terms lie side by side; the terms divide by 4.
 * @param last the last column within the matrix, which stands in for those beyond
 */
// @ts-ignore: decorator
@inline
function multiplyTransposed(
  rows: i32,
  terms: i32,
  a: usize,
  aStride: usize,
  b: usize,
  bStride: usize,
  last: i32,
  tile: usize,
): void {
  const s1 = b + <usize> min(1, last) * bStride, s2 = b + <usize> min(2, last) * bStride;
  const s3 = b + <usize> min(3, last) * bStride, s4 = b + <usize> min(4, last) * bStride;
  const s5 = b + <usize> min(5, last) * bStride, s6 = b + <usize> min(6, last) * bStride;
  const s7 = b + <usize> min(7, last) * bStride;
  let c0 = f32x4.splat(0), c1 = f32x4.splat(0);
  let d0 = f32x4.splat(0), d1 = f32x4.splat(0);
  for (let offset: usize = 0, end = <usize> terms << 2; offset < end; offset += 16) {
    const x = v128.load(a + offset);
    const y = rows == 2 ? v128.load(a + aStride + offset) : x;
    let b0 = v128.load(b + offset), b1 = v128.load(s1 + offset);
    let b2 = v128.load(s2 + offset), b3 = v128.load(s3 + offset);
    c0 = addColumns(x, b0, b1, b2, b3, c0);
    if (rows == 2) d0 = addColumns(y, b0, b1, b2, b3, d0);
    b0 = v128.load(s4 + offset), b1 = v128.load(s5 + offset);
    b2 = v128.load(s6 + offset), b3 = v128.load(s7 + offset);
    c1 = addColumns(x, b0, b1, b2, b3, c1);
    if (rows == 2) d1 = addColumns(y, b0, b1, b2, b3, d1);
  }
  v128.store(tile, c0);
  v128.store(tile, c1, 16);
  if (rows == 1) return;
  v128.store(tile, d0, 32);
  v128.store(tile, d1, 48);
}

/** sum[n] + Σ_k a[k] · b[n, k], four terms in order for four columns n. */
// @ts-ignore: decorator
@inline
function addColumns(a: v128, b0: v128, b1: v128, b2: v128, b3: v128, sum: v128): v128 {
  const low01 = v128.shuffle<f32>(b0, b1, 0, 4, 1, 5), low23 = v128.shuffle<f32>(b2, b3, 0, 4, 1, 5);
  sum = multiplyAdd(v128.shuffle<f32>(a, a, 0, 0, 0, 0), v128.shuffle<i64>(low01, low23, 0, 2), sum);
  sum = multiplyAdd(v128.shuffle<f32>(a, a, 1, 1, 1, 1), v128.shuffle<i64>(low01, low23, 1, 3), sum);
  const high01 = v128.shuffle<f32>(b0, b1, 2, 6, 3, 7), high23 = v128.shuffle<f32>(b2, b3, 2, 6, 3, 7);
  sum = multiplyAdd(v128.shuffle<f32>(a, a, 2, 2, 2, 2), v128.shuffle<i64>(high01, high23, 0, 2), sum);
  return multiplyAdd(v128.shuffle<f32>(a, a, 3, 3, 3, 3), v128.shuffle<i64>(high01, high23, 1, 3), sum);
}
