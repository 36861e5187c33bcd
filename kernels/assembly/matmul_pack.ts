// Copies blocks of a matrix into panels, in the order in which multiplyPanels reads them: for every term the values of
// the panel's members (5 rows of a, or 8 columns of b) side by side. Members beyond the matrix are zeros.
import { tileColumns, tileRows } from "./matmul_tile";

/**
 * Packs a block of a (width 5) or b (width 8).
 *
 * panels [⌈members / width⌉, terms, width]
 * @param source the block's first element
 * @param memberStride, termStride bytes from one member, and from one term, to the next; one of them is 4
 * @param ones a member beyond the block that is filled with ones, or -1
 */
// @ts-ignore: decorator
@inline
export function pack(
  width: i32,
  source: usize,
  memberStride: usize,
  termStride: usize,
  members: i32,
  terms: i32,
  panels: usize,
  ones: i32,
): void {
  const full = members / width;
  const panelBytes = <usize> (width * terms) << 2;
  if (memberStride == 4) {
    copyPanels(width, source, termStride, full, terms, panels);
  } else {
    for (let panel = 0; panel < full; panel++) {
      const from = source + <usize> (panel * width) * memberStride;
      transposePanel(width, from, memberStride, terms, panels + panel * panelBytes);
    }
  }
  const first = full * width;
  if (first < members || first <= ones) {
    const from = source + <usize> first * memberStride, to = panels + full * panelBytes;
    packEdge(width, from, memberStride, termStride, members - first, terms, to, ones - first);
  }
}

/** A block of rows of a. */
export function packRows(
  source: usize,
  memberStride: usize,
  termStride: usize,
  members: i32,
  terms: i32,
  panels: usize,
  ones: i32,
): void {
  pack(tileRows, source, memberStride, termStride, members, terms, panels, ones);
}

/** A block of columns of b. */
export function packColumns(
  source: usize,
  memberStride: usize,
  termStride: usize,
  members: i32,
  terms: i32,
  panels: usize,
): void {
  pack(tileColumns, source, memberStride, termStride, members, terms, panels, -1);
}

/** Terms copied at a time: as many rows of the matrix as may share a place in the first cache, which has 8 ways. */
const stripTerms: i32 = 8;

/** Whole panels of members that lie side by side in the matrix, as in the panel. */
// @ts-ignore: decorator
@inline
function copyPanels(width: i32, source: usize, termStride: usize, count: i32, terms: i32, panels: usize): void {
  const termBytes = <usize> width << 2;
  for (let term = 0; term < terms; term += stripTerms) {
    let from = source + <usize> term * termStride, to = panels + <usize> term * termBytes;
    const stripBytes = <usize> min(terms - term, stripTerms) * termBytes;
    for (let panel = 0; panel < count; panel++) {
      let s = from;
      for (let t = to, end = to + stripBytes; t < end; t += termBytes) {
        v128.store(t, v128.load(s));
        if (width == 8) v128.store(t, v128.load(s, 16), 16);
        else f32.store(t, f32.load(s, 16), 16);
        s += termStride;
      }
      from += termBytes;
      to += <usize> terms * termBytes;
    }
  }
}

/** Terms side by side in the matrix: blocks of 4 by 4 are transposed. */
// @ts-ignore: decorator
@inline
function transposePanel(width: i32, source: usize, memberStride: usize, terms: i32, panel: usize): void {
  const half = source + 4 * memberStride;
  let offset: usize = 0;
  const end = <usize> (terms & ~3) << 2;
  const step = <usize> width << 2;
  for (; offset < end; offset += 16) {
    const s0 = source + offset, s1 = s0 + memberStride, s2 = s1 + memberStride, s3 = s2 + memberStride;
    transpose4(v128.load(s0), v128.load(s1), v128.load(s2), v128.load(s3), panel, step);
    const s4 = half + offset;
    if (width == 8) {
      const s5 = s4 + memberStride, s6 = s5 + memberStride, s7 = s6 + memberStride;
      transpose4(v128.load(s4), v128.load(s5), v128.load(s6), v128.load(s7), panel + 16, step);
    } else {
      const x = v128.load(s4);
      v128.store32_lane(panel, x, 0, 16);
      v128.store32_lane(panel, x, 1, 36);
      v128.store32_lane(panel, x, 2, 56);
      v128.store32_lane(panel, x, 3, 76);
    }
    panel += 4 * step;
  }
  for (const last = <usize> terms << 2; offset < last; offset += 4) {
    for (let member = 0; member < width; member++) {
      f32.store(panel + (<usize> member << 2), f32.load(source + offset + <usize> member * memberStride));
    }
    panel += step;
  }
}

/** Stores the columns of four vectors, `step` bytes apart. */
// @ts-ignore: decorator
@inline
function transpose4(x: v128, y: v128, z: v128, w: v128, target: usize, step: usize): void {
  const xyLow = v128.shuffle<f32>(x, y, 0, 4, 1, 5), xyHigh = v128.shuffle<f32>(x, y, 2, 6, 3, 7);
  const zwLow = v128.shuffle<f32>(z, w, 0, 4, 1, 5), zwHigh = v128.shuffle<f32>(z, w, 2, 6, 3, 7);
  v128.store(target, v128.shuffle<i64>(xyLow, zwLow, 0, 2));
  v128.store(target + step, v128.shuffle<i64>(xyLow, zwLow, 1, 3));
  v128.store(target + 2 * step, v128.shuffle<i64>(xyHigh, zwHigh, 0, 2));
  v128.store(target + 3 * step, v128.shuffle<i64>(xyHigh, zwHigh, 1, 3));
}

/** The last panel, with fewer members than its width; the rest are zeros, or ones. */
function packEdge(
  width: i32,
  source: usize,
  memberStride: usize,
  termStride: usize,
  members: i32,
  terms: i32,
  panel: usize,
  ones: i32,
): void {
  for (let term = 0; term < terms; term++) {
    for (let member = 0; member < width; member++) {
      let value: f32 = member == ones ? 1 : 0;
      if (member < members) value = f32.load(source + <usize> member * memberStride);
      f32.store(panel, value);
      panel += 4;
    }
    source += termStride;
  }
}
