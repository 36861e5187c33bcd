// Random numbers and dropout masks: the bits of kernels/random.ts and kernels/operations/dropout.ts.

/** What pcg3d makes of each word first. A step of 1 in the word is one of `multiplier` in the result. */
// @ts-ignore: decorator
@inline
export function mixed(word: i32): i32 {
  return word * multiplier + 1013904223;
}

export const multiplier: i32 = 1664525;

/** The `mixed` words of four neighbouring counters, the first of which is given. */
// @ts-ignore: decorator
@inline
export function mixedCounters(counter: i32): v128 {
  return i32x4.add(i32x4.splat(mixed(counter)), i32x4(0, multiplier, 2 * multiplier, 3 * multiplier));
}

/** pcg3d's first output word for four counters x, a stream y and a seed z, all `mixed` already. */
// @ts-ignore: decorator
@inline
export function randomWords(x: v128, y: v128, z: v128): v128 {
  x = i32x4.add(x, i32x4.mul(y, z));
  y = i32x4.add(y, i32x4.mul(z, x));
  z = i32x4.add(z, i32x4.mul(x, y));
  x = v128.xor(x, i32x4.shr_u(x, 16));
  y = v128.xor(y, i32x4.shr_u(y, 16));
  z = v128.xor(z, i32x4.shr_u(z, 16));
  return i32x4.add(x, i32x4.mul(y, z));
}

/**
 * What 24 random bits are compared with instead of their quotient by 2^24 with the rate: k / 2^24 < rate exactly where
 * k < ⌈2^24 rate⌉.
 */
// @ts-ignore: decorator
@inline
export function dropoutThreshold(rate: f32): i32 {
  return <i32> ceil(rate * 16777216);
}

/** 0 or 1 / (1 − rate) for four elements: `kept` with the lanes cleared whose random number is below the threshold. */
// @ts-ignore: decorator
@inline
export function dropoutFactors(words: v128, threshold: v128, kept: v128): v128 {
  return v128.andnot(kept, i32x4.lt_s(i32x4.shr_u(words, 8), threshold));
}
