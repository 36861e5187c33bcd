// Arithmetic on four lanes that both builds share.

/** Set by the build: 1 for relaxed SIMD (fused multiply-add), 0 for the strict build with the same bits everywhere. */
// @ts-ignore: given on the command line of the compiler
export const fast: bool = FAST;

/** a · b + c: fused in the fast build, rounded twice in the strict one. */
// @ts-ignore: decorator
@inline
export function multiplyAdd(a: v128, b: v128, c: v128): v128 {
  if (fast) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(f32x4.mul(a, b), c);
}
