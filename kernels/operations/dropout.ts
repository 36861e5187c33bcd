/**
 * Dropout (Srivastava et al. 2014), inverted: y = residual + m ⊙ x / (1 − p), where each m is 0 with probability p.
 *
 * The mask is a pure function of (element, stream, seed), so the backward pass makes it again instead of keeping it:
 * dx = m ⊙ dy / (1 − p) is the same kernel without the residual. p and the seed are data; p = 0 in evaluation.
 *
 * x, y, residual [length]
 * @module
 */
import { divideUp, foldWidth, foldWorkgroups, type Kernel, read, wgsl, write } from "../kernel.ts";
import { randomUniform, randomWgsl } from "../random.ts";
import { stepLength, stepValue, stepWgsl } from "../step.ts";

/** Sizes and variant of {@linkcode dropout}. */
export type DropoutShape = {
  readonly length: number;
  /** Which of the model's dropout sites this is: each has its own random stream. */
  readonly stream: number;
  /** Whether `residual` is added. */
  readonly residual: boolean;
  /** Elements of a patch: the mask begins behind those of the step's `firstPatch`; absent: at its beginning. */
  readonly maskStride?: number;
};

/** What dropout multiplies element `i` by: 0 or 1 / (1 − p). */
export function dropoutFactor(i: number, stream: number, seed: number, rate: number): number {
  return randomUniform(i, stream, seed) < rate ? 0 : 1 / (1 - rate);
}

/** WGSL twin of {@linkcode dropoutFactor}; needs {@linkcode randomWgsl} and the operand `step`. */
export const dropoutWgsl: string = wgsl`
fn dropoutFactor(i: u32, stream: u32) -> f32 {
  let rate = ${stepWgsl("dropoutRate")};
  return select(1.0 / (1.0 - rate), 0.0, randomUniform(i, stream, ${stepWgsl("dropoutSeed")}) < rate);
}
`;

/** WGSL term of a mask's index: where it begins. */
export function maskStartWgsl(maskStride: number = 0): string {
  return maskStride === 0 ? "" : ` + ${stepWgsl("firstPatch")} * ${maskStride}u`;
}

/** y = residual + mask ⊙ x / (1 − p), forward and (without residual) backward. */
export const dropout: Kernel<DropoutShape, "x" | "residual" | "y", "step"> = {
  name: "dropout",
  operands: ({ length, residual }) => ({
    step: read(stepLength, "u32"),
    x: read(length),
    ...(residual ? { residual: read(length) } : {}),
    y: write(length),
  }),
  dispatches({ length, stream, residual, maskStride }) {
    const groups = divideUp(length, 256);
    const source = wgsl`
${randomWgsl}${dropoutWgsl}
@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * ${foldWidth(groups)}u + group.x) * 256u + lane;
  if (i >= ${length}u) { return; }
  y[i] = yElement(${residual ? "residual[i] + " : ""}dropoutFactor(i${
      maskStartWgsl(maskStride)
    }, ${stream}u) * f32(x[i]));
}`;
    return [{ source, workgroups: foldWorkgroups(groups) }];
  },
  assembly: ({ length, stream, residual, maskStride = 0 }) => [{
    function: "dropout",
    arguments: ["step", "x", residual ? "residual" : null, "y", length, stream, maskStride],
  }],
  reference({ length, stream, residual, maskStride = 0 }, t) {
    const rate = stepValue(t.step, "dropoutRate");
    const seed = stepValue(t.step, "dropoutSeed");
    const start = stepValue(t.step, "firstPatch") * maskStride;
    for (let i = 0; i < length; i++) {
      t.y[i] = (residual ? t.residual[i]! : 0) + dropoutFactor(start + i, stream, seed, rate) * t.x[i]!;
    }
  },
  cost: ({ length, residual }) => ({
    flops: (residual ? 2 : 1) * length,
    bytes: (residual ? 12 : 8) * length,
  }),
  tolerance: { absolute: 1e-6, relative: 1e-6, reason: "one division, one product and one sum in f32" },
  halves: ["x", "y"],
};
