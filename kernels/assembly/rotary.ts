// Rotary positions of queries and keys, as kernels/operations/rotary.ts defines them. Threads share rows.
//
// qkv [R, 3·H·D], fileStart u32 [R], sequences u32 [B, 4]; `ratio` is θ^(−2/D)
import { cosine, multiplyAdd, sine } from "./math";
import { partStart } from "./parts";
import { scratch } from "./scratch";
import { rowInFile } from "./sequence_rows";

/** In the scratch: each pair's part of a turn from one position to the next, then its cosine and sine; D ≤ 64. */
const cosinesOffset: usize = 32 * 4;
const sinesOffset: usize = 2 * cosinesOffset;

/** The queries and keys of row r are turned by r − fileStart[r], or back. */
export function rotary(
  qkv: usize,
  fileStart: usize,
  R: i32,
  H: i32,
  D: i32,
  ratio: f64,
  inverse: i32,
  part: i32,
  parts: i32,
): void {
  storeTurns(D, ratio);
  const stride = <usize> (3 * H * D) << 2;
  const end = partStart(R, part + 1, parts);
  for (let r = partStart(R, part, parts); r < end; r++) {
    storeAngles(D, r - load<i32>(fileStart + (<usize> r << 2)), inverse);
    rotateRow(qkv + <usize> r * stride, H, D);
  }
}

/** Those of the new row of sequence b by its place in its file: of the next byte or else of the last patch. */
export function newRowRotary(
  qkv: usize,
  sequences: usize,
  B: i32,
  H: i32,
  D: i32,
  ratio: f64,
  nextByte: i32,
  S: i32,
  part: i32,
  parts: i32,
): void {
  storeTurns(D, ratio);
  const stride = <usize> (3 * H * D) << 2;
  const end = partStart(B, part + 1, parts);
  for (let b = partStart(B, part, parts); b < end; b++) {
    storeAngles(D, rowInFile(nextByte, sequences, b, S), 0);
    rotateRow(qkv + <usize> b * stride, H, D);
  }
}

/** As rotaryTurns makes them; up to three behind the last are there too. */
function storeTurns(D: i32, ratio: f64): void {
  const turns = scratch();
  const end = turns + <usize> ((D / 2 + 3) & ~3) * 4;
  let exact: f64 = 4294967296 / (2 * Math.PI);
  for (let at = turns; at < end; at += 4) {
    store<u32>(at, <u32> Math.floor(exact + 0.5));
    exact *= ratio;
  }
}

/** The cosines and sines of a position. */
function storeAngles(D: i32, position: i32, inverse: i32): void {
  const turns = scratch();
  const end = turns + <usize> (D / 2) * 4;
  const partOfTurn = f32x4.splat(<f32> (2 * Math.PI / 4294967296));
  const direction = i32x4.splat(inverse << 31);
  for (let at = turns; at < end; at += 16) {
    const turn = i32x4.mul(v128.load(at), i32x4.splat(position));
    // To the nearest quarter turn, and what is left.
    const quarter = i32x4.shr_u(i32x4.add(turn, i32x4.splat(0x20000000)), 30);
    const rest = i32x4.sub(turn, i32x4.shl(quarter, 30));
    const angle = f32x4.mul(f32x4.convert_i32x4_s(rest), partOfTurn);
    const s = sine(angle), c = cosine(angle);
    const odd = i32x4.eq(v128.and(quarter, i32x4.splat(1)), i32x4.splat(1));
    // The bit of the sign: a cosine's in the second and third quarter, a sine's in the third and fourth.
    const cosineSign = v128.and(i32x4.shl(i32x4.add(quarter, i32x4.splat(1)), 30), i32x4.splat(0x80000000));
    const sineSign = v128.xor(v128.and(i32x4.shl(quarter, 30), i32x4.splat(0x80000000)), direction);
    v128.store(at + cosinesOffset, v128.xor(v128.bitselect(s, c, odd), cosineSign));
    v128.store(at + sinesOffset, v128.xor(v128.bitselect(c, s, odd), sineSign));
  }
}

/** The queries and keys of a row are turned by the angles in the scratch. */
function rotateRow(row: usize, H: i32, D: i32): void {
  const cosines = scratch() + cosinesOffset, sines = scratch() + sinesOffset;
  const half = <usize> (D / 2) << 2, wide = half & ~15;
  const end = row + (<usize> (2 * H * D) << 2);
  for (let low = row; low < end; low += 2 * half) {
    for (let at: usize = 0; at < wide; at += 16) {
      const c = v128.load(cosines + at), s = v128.load(sines + at);
      const x = v128.load(low + at), y = v128.load(low + half + at);
      v128.store(low + at, rotatedLow(x, y, c, s));
      v128.store(low + half + at, rotatedHigh(x, y, c, s));
    }
    if (wide < half) {
      // D is a multiple of 4: two pairs are left.
      const c = v128.load64_zero(cosines + wide), s = v128.load64_zero(sines + wide);
      const x = v128.load64_zero(low + wide), y = v128.load64_zero(low + half + wide);
      v128.store64_lane(low + wide, rotatedLow(x, y, c, s), 0);
      v128.store64_lane(low + half + wide, rotatedHigh(x, y, c, s), 0);
    }
  }
}

/** x cos α − y sin α */
// @ts-ignore: decorator
@inline
function rotatedLow(x: v128, y: v128, c: v128, s: v128): v128 {
  return multiplyAdd(x, c, f32x4.neg(f32x4.mul(y, s)));
}

/** x sin α + y cos α */
// @ts-ignore: decorator
@inline
function rotatedHigh(x: v128, y: v128, c: v128, s: v128): v128 {
  return multiplyAdd(x, s, f32x4.mul(y, c));
}
