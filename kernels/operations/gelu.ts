/**
 * GELU in the tanh form of GPT-2 ("gelu_new"; Hendrycks and Gimpel 2016, section 2):
 *
 *   gelu(x) = x/2 · (1 + tanh u),   u = √(2/π) · (x + 0.044715·x³)
 *
 * In WGSL the factor is written as a logistic function, (1 + tanh u)/2 = 1/(1 + e^(−2u)): the same number, but tanh
 * overflows to NaN for large arguments on some drivers, and 1 + tanh u loses the tail below −3. Beyond |x| = 9 the factor
 * is held at its value there (1 in f32, or 1e-29), so nothing overflows. Largest error against f64 (lavapipe of Mesa
 * 26.2, 2026-11-23): 1.3e-7 · max(1, |x|) for gelu, 1.9e-7 for its derivative.
 *
 * These are parts of other kernels (the matmul epilogues), not a kernel of their own.
 * @module
 */
import { wgsl } from "../kernel.ts";

const slope = Math.sqrt(2 / Math.PI);
const cubic = 0.044715;

/** gelu(x). */
export function gelu(x: number): number {
  return 0.5 * x * (1 + Math.tanh(slope * (x + cubic * x * x * x)));
}

/** d gelu(x) / dx. */
export function geluGradient(x: number): number {
  const t = Math.tanh(slope * (x + cubic * x * x * x));
  return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * slope * (1 + 3 * cubic * x * x);
}

/**
 * WGSL twins of {@linkcode gelu} and {@linkcode geluGradient}, for single numbers or element by element.
 *
 * The limits are comparisons rather than `clamp`, so that NaN stays NaN where the driver keeps it.
 * @param type what both take and return
 */
export function geluWgsl(type: "f32" | "vec4<f32>"): string {
  return wgsl`
const geluOne = ${type}(1.0);
const geluLimit = ${type}(9.0);
fn geluBounded(x: ${type}) -> ${type} {
  let above = select(x, -geluLimit, x < -geluLimit);
  return select(above, geluLimit, above > geluLimit);
}
fn geluExponential(x: ${type}) -> ${type} {
  return exp(${-2 * slope} * (x + ${cubic} * x * x * x));
}
fn gelu(x: ${type}) -> ${type} {
  let bounded = geluBounded(x);
  return select(bounded, x, x > geluLimit) / (geluOne + geluExponential(bounded));
}
fn geluGradient(x: ${type}) -> ${type} {
  let bounded = geluBounded(x);
  let e = geluExponential(bounded);
  let factor = geluOne / (geluOne + e);
  let inner = ${2 * slope} * (geluOne + ${3 * cubic} * bounded * bounded);
  // e · factor is 1 − factor without its rounding error.
  return factor + bounded * (factor * (e * factor)) * inner;
}
`;
}
