/**
 * AdamW (Loshchilov and Hutter 2019), as torch.optim.AdamW computes it, with g = gradients · norm[1]:
 *
 *   m ← β₁ m + (1 − β₁) g
 *   v ← β₂ v + (1 − β₂) g²
 *   p ← p · (1 − lr · decay) − (lr / (1 − β₁ᵗ)) · m / (√v / √(1 − β₂ᵗ) + ε)
 *
 * Where norm[1] < 0 (the gradients are not finite) nothing changes, and in blocks whose decay is negative nothing ever
 * does: those belong to another optimizer.
 *
 * parameters p, gradients, moment1 m, moment2 v [length]; decay [length / 64], one number for each block of 64
 * parameters; norm [2] as {@linkcode gradientNorm} leaves it. lr, 1 − β₁ᵗ and 1 − β₂ᵗ come with the step.
 * @module
 */
import { divideUp, foldWidth, foldWorkgroups, type Kernel, read, update, wgsl } from "../kernel.ts";
import { windowAlignment } from "../plan.ts";
import { workgroupThreads } from "../reduction.ts";
import { stepLength, stepValue, stepWgsl } from "../step.ts";

/** Sizes and constants of {@linkcode adamw}. */
export type AdamwShape = {
  /** Number of parameters, a multiple of 64. */
  readonly length: number;
  /** β₁: share of the first moment that stays. */
  readonly beta1: number;
  /** β₂: share of the second moment that stays. */
  readonly beta2: number;
  /** ε. */
  readonly epsilon: number;
};

/** Parameters that share a weight decay; windows on the flat storage are aligned to it. */
const decayBlock = windowAlignment;

/** One AdamW step on all parameters. */
export const adamw: Kernel<
  AdamwShape,
  "parameters" | "gradients" | "moment1" | "moment2" | "decay" | "norm",
  "step"
> = {
  name: "adamw",
  operands: ({ length }) => ({
    step: read(stepLength, "u32"),
    parameters: update(length),
    gradients: read(length),
    moment1: update(length),
    moment2: update(length),
    decay: read(length / decayBlock),
    norm: read(2),
  }),
  dispatches({ length, beta1, beta2, epsilon }) {
    const count = length / 4;
    const groups = divideUp(count, workgroupThreads);
    // The decay is subtracted rather than multiplied in: in f32, 1 − 1e-4 · 0.01 is wrong by 1 % of the decay.
    const source = wgsl`
const beta1: f32 = ${beta1};
const beta2: f32 = ${beta2};
const epsilon: f32 = ${epsilon};
@compute @workgroup_size(${workgroupThreads})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let i = (group.y * ${foldWidth(groups)}u + group.x) * ${workgroupThreads}u + thread;
  let scale = norm[1];
  if (i >= ${count}u || scale < 0.0) { return; }
  let blockDecay = decay[i / ${decayBlock / 4}u];
  if (blockDecay < 0.0) { return; }
  let learningRate = ${stepWgsl("learningRate")};
  let rate = learningRate / ${stepWgsl("biasCorrection1")};
  let root = sqrt(${stepWgsl("biasCorrection2")});
  let g = gradients[i] * scale;
  let m = beta1 * moment1[i] + ${1 - beta1} * g;
  let v = beta2 * moment2[i] + ${1 - beta2} * g * g;
  let p = parameters[i];
  let decayed = learningRate * blockDecay * p;
  moment1[i] = m;
  moment2[i] = v;
  parameters[i] = p - (decayed + rate * (m / (sqrt(v) / root + epsilon)));
}`;
    const vectors = ["parameters", "gradients", "moment1", "moment2"];
    return [{ source, workgroups: foldWorkgroups(groups), vectors }];
  },
  assembly: ({ length, beta1, beta2, epsilon }) => [{
    function: "adamw",
    arguments: [
      ...["step", "parameters", "gradients", "moment1", "moment2", "decay", "norm"],
      ...[length, beta1, 1 - beta1, beta2, 1 - beta2, epsilon],
    ],
  }],
  reference({ length, beta1, beta2, epsilon }, t) {
    const scale = t.norm[1]!;
    if (scale < 0) return;
    const learningRate = stepValue(t.step, "learningRate");
    const rate = learningRate / stepValue(t.step, "biasCorrection1");
    const root = Math.sqrt(stepValue(t.step, "biasCorrection2"));
    for (let i = 0; i < length; i++) {
      const decay = t.decay[Math.floor(i / decayBlock)]!;
      if (decay < 0) continue;
      const g = t.gradients[i]! * scale;
      const m = beta1 * t.moment1[i]! + (1 - beta1) * g;
      const v = beta2 * t.moment2[i]! + (1 - beta2) * g ** 2;
      const kept = 1 - learningRate * decay;
      t.moment1[i] = m;
      t.moment2[i] = v;
      t.parameters[i] = t.parameters[i]! * kept - rate * m / (Math.sqrt(v) / root + epsilon);
    }
  },
  cost: ({ length }) => ({ flops: 16 * length, bytes: 28 * length + length / 16 }),
  tolerance: {
    absolute: 1e-9,
    relative: 1e-6,
    reason: "a dozen f32 operations on each element, two divisions of 2.5 ulp and a root among them",
  },
};
