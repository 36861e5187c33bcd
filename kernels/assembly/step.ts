// The numbers of a step: the words of kernels/step.ts.

/** Seed of this step's dropout masks. */
// @ts-ignore: decorator
@inline
export function dropoutSeed(step: usize): i32 {
  return load<i32>(step);
}

// @ts-ignore: decorator
@inline
export function dropoutRate(step: usize): f32 {
  return load<f32>(step, 4);
}

// @ts-ignore: decorator
@inline
export function lossScale(step: usize): f32 {
  return load<f32>(step, 8);
}

// @ts-ignore: decorator
@inline
export function learningRate(step: usize): f32 {
  return load<f32>(step, 12);
}

/** 1 − β₁ᵗ. */
// @ts-ignore: decorator
@inline
export function biasCorrection1(step: usize): f32 {
  return load<f32>(step, 16);
}

/** 1 − β₂ᵗ. */
// @ts-ignore: decorator
@inline
export function biasCorrection2(step: usize): f32 {
  return load<f32>(step, 20);
}

/** 0 for no clipping. */
// @ts-ignore: decorator
@inline
export function maxGradientNorm(step: usize): f32 {
  return load<f32>(step, 24);
}

/** Patches before the strip, where it is a part of a longer one. */
// @ts-ignore: decorator
@inline
export function firstPatch(step: usize): i32 {
  return load<i32>(step, 32);
}

// @ts-ignore: decorator
@inline
export function historyRow(step: usize): u32 {
  return load<u32>(step, 28);
}
