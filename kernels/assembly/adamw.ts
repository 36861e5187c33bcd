// AdamW: parameters p, gradients, moment1 m, moment2 v [length]; decay [length / 64]; norm [2].
import { multiplyAdd } from "./math";
import { partStart } from "./parts";
import { biasCorrection1, biasCorrection2, learningRate } from "./step";

/** Parameters that share a weight decay. */
const decayBlock = 64;

/**
 * m ← β₁ m + (1 − β₁) g;  v ← β₂ v + (1 − β₂) g²;  p ← p − (lr · decay · p + rate · m / (√v / root + ε)) with
 * g = gradients · norm[1], rate = lr / (1 − β₁ᵗ) and root = √(1 − β₂ᵗ). Nothing changes where norm[1] < 0, nor in blocks of
 * negative decay.
 *
 * `rest1` and `rest2` are 1 − β₁ and 1 − β₂ rounded once.
 */
export function adamw(
  step: usize,
  parameters: usize,
  gradients: usize,
  moment1: usize,
  moment2: usize,
  decay: usize,
  norm: usize,
  length: i32,
  beta1: f32,
  rest1: f32,
  beta2: f32,
  rest2: f32,
  epsilon: f32,
  part: i32,
  parts: i32,
): void {
  const scale = load<f32>(norm, 4);
  if (scale < 0) return;
  const scales = f32x4.splat(scale);
  const rate = f32x4.splat(learningRate(step) / biasCorrection1(step));
  const inverseRoot = f32x4.splat(<f32> (1 / Math.sqrt(<f64> biasCorrection2(step))));
  const firstKept = f32x4.splat(beta1);
  const firstNew = f32x4.splat(rest1);
  const secondKept = f32x4.splat(beta2);
  const secondNew = f32x4.splat(rest2);
  const epsilons = f32x4.splat(epsilon);
  const blocks = length / decayBlock;
  const end = partStart(blocks, part + 1, parts);
  for (let block = partStart(blocks, part, parts); block < end; block++) {
    const blockDecay = load<f32>(decay + (<usize> block << 2));
    // Another optimizer's.
    if (blockDecay < 0) continue;
    // Subtracted rather than multiplied in: in f32, 1 − 1e-4 · 0.01 is wrong by 1 % of the decay.
    const decayed = f32x4.splat(learningRate(step) * blockDecay);
    let at: usize = <usize> block * (decayBlock * 4);
    const blockEnd = at + decayBlock * 4;
    for (; at < blockEnd; at += 16) {
      const g = f32x4.mul(v128.load(gradients + at), scales);
      const m = multiplyAdd(firstKept, v128.load(moment1 + at), f32x4.mul(firstNew, g));
      const v = multiplyAdd(secondKept, v128.load(moment2 + at), f32x4.mul(f32x4.mul(secondNew, g), g));
      const p = v128.load(parameters + at);
      const step = f32x4.div(m, multiplyAdd(f32x4.sqrt(v), inverseRoot, epsilons));
      v128.store(moment1 + at, m);
      v128.store(moment2 + at, v);
      v128.store(parameters + at, f32x4.sub(p, multiplyAdd(decayed, p, f32x4.mul(rate, step))));
    }
  }
}
