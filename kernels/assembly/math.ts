// Arithmetic on four lanes that both builds share. Errors were measured against f64 by
// tests/kernels/assembly_math_test.ts, which holds them there; the strict build's are the same on every machine.

/** Set by the build: 1 for relaxed SIMD (fused multiply-add), 0 for the strict build with the same bits everywhere. */
// @ts-ignore: given on the command line of the compiler
export const fast: i32 = FAST;

/** a · b + c: fused in the fast build, rounded twice in the strict one. */
// @ts-ignore: decorator
@inline
export function multiplyAdd(a: v128, b: v128, c: v128): v128 {
  if (fast) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(f32x4.mul(a, b), c);
}

/** (x₀ + x₁) + (x₂ + x₃). */
// @ts-ignore: decorator
@inline
export function sumLanes(x: v128): f32 {
  return (f32x4.extract_lane(x, 0) + f32x4.extract_lane(x, 1)) +
    (f32x4.extract_lane(x, 2) + f32x4.extract_lane(x, 3));
}

/** The largest lane; NaN where there is one. */
// @ts-ignore: decorator
@inline
export function maxLanes(x: v128): f32 {
  return max(
    max(f32x4.extract_lane(x, 0), f32x4.extract_lane(x, 1)),
    max(f32x4.extract_lane(x, 2), f32x4.extract_lane(x, 3)),
  );
}

/** The numbers below; V8 makes a vector constant anew, with three instructions, wherever it is used, also in a loop. */
const table: usize = memory.data<f32>([
  // e^x:
  88.722, // 0: e to this is finite
  1.44269504, // 1: 1 / ln 2
  12582912, // 2: 1.5 · 2^23: a number that it is added to loses its fraction and stands in the low bits
  -0.693359375, // 3: −ln 2 in two pieces, the first so short that its product with n is exact
  2.12194440e-4, // 4
  1.9875691500e-4, // 5 to 10: the polynomial of Cephes' expf
  1.3981999507e-3,
  8.3334519073e-3,
  4.1665795894e-2,
  1.6666665459e-1,
  5.0000001201e-1,
  1, // 11
  -87.3365, // 12: e to this is normal
  // tanh x:
  -5.70498872745e-3, // 13 to 17: the polynomial of Cephes' tanhf
  2.06390887954e-2,
  -5.37397155531e-2,
  1.33314422036e-1,
  -3.33332819422e-1,
  0.625, // 18: above, the polynomial is no good
  2, // 19
  // GELU, with 2u = x (a + b x²):
  -1.5957691216, // 20: −a = −2√(2/π)
  -0.0713548163, // 21: −b = −2√(2/π) · 0.044715
  80, // 22: beyond, GELU and its gradient are 0 in f32
  1.5957691216, // 23: a
  0.2140644488, // 24: 3 b
  -13, // 25: beyond ±13 the gradient is 0 or 1 in f32
  13, // 26
  // sin x and cos x on an eighth of a turn, fitted to the least error:
  -1.9495635916e-4, // 27 to 29: (sin x / x − 1) / x²
  8.3319786619e-3,
  -1.6666650669e-1,
  2.4438451477e-5, // 30 to 32: (cos x − 1 + x² / 2) / x⁴
  -1.3887367515e-3,
  4.1666646866e-2,
  -0.5, // 33
]);

/** A number of the table in all lanes: one instruction, which halves the time of e^x (Deno 2.9.6, 2026-11-23). */
// @ts-ignore: decorator
@inline
function number(index: usize): v128 {
  return v128.load32_splat(table + 4 * index);
}

/**
 * e^x to a relative error of 8.3e-8. 0 below −87.3365 (where the result would not be a normal number) and for −∞, 3.4e38
 * from 88.722 on and for +∞.
 *
 * x = n ln 2 + r with |r| ≤ ln 2 / 2; e^r by a polynomial, 2^n added to the bits of the exponent.
 */
// @ts-ignore: decorator
@inline
export function exp(x: v128): v128 {
  const limited = f32x4.pmin(x, number(0));
  const shifted = multiplyAdd(limited, number(1), number(2));
  const n = f32x4.sub(shifted, number(2));
  let r = multiplyAdd(n, number(3), limited);
  r = multiplyAdd(n, number(4), r);
  let p = multiplyAdd(number(5), r, number(6));
  p = multiplyAdd(p, r, number(7));
  p = multiplyAdd(p, r, number(8));
  p = multiplyAdd(p, r, number(9));
  p = multiplyAdd(p, r, number(10));
  p = multiplyAdd(p, f32x4.mul(r, r), r);
  p = f32x4.add(p, number(11));
  const scaled = i32x4.add(p, i32x4.shl(shifted, 23));
  return v128.andnot(scaled, f32x4.lt(x, number(12)));
}

/** tanh x to a relative error of 1.4e-7: 1 − 2 / (1 + e^2x) for |x|, and near 0 a polynomial. */
// @ts-ignore: decorator
@inline
export function tanh(x: v128): v128 {
  const magnitude = f32x4.abs(x);
  const e = exp(f32x4.add(magnitude, magnitude));
  const large = f32x4.sub(number(11), f32x4.div(number(19), f32x4.add(e, number(11))));
  const square = f32x4.mul(x, x);
  let p = multiplyAdd(number(13), square, number(14));
  p = multiplyAdd(p, square, number(15));
  p = multiplyAdd(p, square, number(16));
  p = multiplyAdd(p, square, number(17));
  const small = multiplyAdd(f32x4.mul(p, square), magnitude, magnitude);
  const result = v128.bitselect(small, large, f32x4.lt(magnitude, number(18)));
  return v128.or(result, v128.and(x, i32x4.splat(0x80000000)));
}

/** sin x to an error of 7e-8 for |x| ≤ π / 4. */
// @ts-ignore: decorator
@inline
export function sine(x: v128): v128 {
  const square = f32x4.mul(x, x);
  let p = multiplyAdd(number(27), square, number(28));
  p = multiplyAdd(p, square, number(29));
  return multiplyAdd(f32x4.mul(p, square), x, x);
}

/** cos x to an error of 7e-8 for |x| ≤ π / 4. */
// @ts-ignore: decorator
@inline
export function cosine(x: v128): v128 {
  const square = f32x4.mul(x, x);
  let p = multiplyAdd(number(30), square, number(31));
  p = multiplyAdd(p, square, number(32));
  p = multiplyAdd(p, square, number(33));
  return multiplyAdd(p, square, number(11));
}

/** e^−2u, held finite so that its quotients are normal numbers. */
// @ts-ignore: decorator
@inline
function geluExponential(x: v128, square: v128): v128 {
  const factor = multiplyAdd(square, number(21), number(20));
  return exp(f32x4.pmin(f32x4.mul(x, factor), number(22)));
}

/**
 * ½x (1 + tanh u) with u = √(2/π)(x + 0.044715 x³), which is x σ(2u) = x / (1 + e^−2u). Error 1.2e-7 · max(1, |x|), and
 * relative to the result 2.1e-6 down to x = −5.
 */
// @ts-ignore: decorator
@inline
export function gelu(x: v128): v128 {
  const e = geluExponential(x, f32x4.mul(x, x));
  return f32x4.div(x, f32x4.add(e, number(11)));
}

/**
 * GELU's derivative to an error of 1.9e-7: s + x s (1 − s) (2u)′ with s = σ(2u), where 1 − s = s e^−2u has no
 * cancellation.
 */
// @ts-ignore: decorator
@inline
export function geluGradient(x: v128): v128 {
  // The square of the largest x would overflow.
  const limited = f32x4.pmax(number(25), f32x4.pmin(number(26), x));
  const square = f32x4.mul(limited, limited);
  const e = geluExponential(limited, square);
  const s = f32x4.div(number(11), f32x4.add(e, number(11)));
  const slope = multiplyAdd(square, number(24), number(23));
  const inner = f32x4.mul(f32x4.mul(limited, slope), f32x4.mul(e, s));
  return multiplyAdd(s, inner, s);
}

/**
 * ln x for a positive normal number; −∞ for 0, ∞ and NaN for themselves; as f32 its error is the rounding, 6e-8.
 *
 * x = 2^n m with m from √½ to √2; ln m = 2 artanh t with t = (m − 1) / (m + 1), whose series converges by t² < 0.03.
 */
export function log(x: f64): f64 {
  if (x == 0) return -Infinity;
  if (!(x < Infinity)) return x;
  const bits = reinterpret<i64>(x);
  // What carries √½ to 1 in the exponent's bits splits at √½ instead of 1.
  const shifted = bits + (0x3ff0000000000000 - 0x3fe6a09e667f3bcd);
  const n = <i32> (shifted >> 52) - 1023;
  const m = reinterpret<f64>(bits - (<i64> n << 52));
  const t = (m - 1) / (m + 1);
  const square = t * t;
  let series: f64 = 1.0 / 19;
  series = series * square + 1.0 / 17;
  series = series * square + 1.0 / 15;
  series = series * square + 1.0 / 13;
  series = series * square + 1.0 / 11;
  series = series * square + 1.0 / 9;
  series = series * square + 1.0 / 7;
  series = series * square + 1.0 / 5;
  series = series * square + 1.0 / 3;
  series = series * square + 1;
  return <f64> n * 0.6931471805599453 + 2 * t * series;
}
