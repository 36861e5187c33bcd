/**
 * Dynamic loss scaling (Micikevicius et al., Mixed Precision Training, 2018): f16 has nothing between 0 and 6e-8, where many
 * gradients are, so the loss is multiplied by a power of two and the gradients are divided by it before they are used.
 * The scale is found by trying. It lives on the device, so that no step waits for the host:
 *
 *   scaleLoss      step.lossScale ← step.lossScale · scale
 *   unscaleNorm    norm[0] ← norm[0] / scale;  norm[1] ← min(1, maxGradientNorm / (norm[0] + 1e-6)) / scale
 *   adaptScale     the gradients are finite:  goodSteps + 1; at {@linkcode scaleGrowthSteps} of them scale · 2, at most 2²⁴, goodSteps 0
 *                  they are not:              scale / 2, but at least 1; goodSteps 0
 *
 * {@linkcode gradientNorm} tells whether they are (norm[1] < 0 where not), and {@linkcode adamw} leaves such a step out. It
 * takes the gradients times norm[1], which divides by the scale. With the scale at 1, a gradient that is not finite is not
 * the scale's fault.
 *
 * scaling [2]: scale, goodSteps; norm [2]; history [rows, 8], whose column 6 gets the scale that the step was taken with
 * @module
 */
import { type Kernel, read, update, wgsl } from "../kernel.ts";
import { stepLength, stepValue, stepWgsl, stepWords } from "../step.ts";
import { historyColumns } from "./history.ts";

/** Where scales start: a power of two, as all are. */
export const firstLossScale: number = 2 ** 16;

/** Where they end: squares of larger gradients could leave f32. */
const largestLossScale = 2 ** 24;

/** Good steps in a row after which a larger scale is tried. */
export const scaleGrowthSteps = 2000;

/** Column of the history that gets the scale. */
export const lossScaleColumn = 6;

const noAssembly = () => {
  throw new RangeError("Cannot scale losses on the cpu engine: its gradients are f32 and need no scale");
};

/** Multiplies the gradient that every other begins with, that of the loss. */
export const scaleLoss: Kernel<Record<never, never>, "scaling", "step"> = {
  name: "scaleLoss",
  operands: () => ({ step: update(stepLength, "u32"), scaling: read(2) }),
  dispatches() {
    const source = wgsl`
@compute @workgroup_size(1)
fn main() { step[${stepWords.lossScale}] = bitcast<u32>(${stepWgsl("lossScale")} * scaling[0]); }`;
    return [{ source, workgroups: [1, 1, 1] }];
  },
  assembly: noAssembly,
  reference(_shape, { step, scaling }) {
    const scaled = Float32Array.of(stepValue(step, "lossScale") * scaling[0]!);
    step[stepWords.lossScale] = new Uint32Array(scaled.buffer)[0]!;
  },
  cost: () => ({ flops: 1, bytes: 12 }),
  tolerance: { absolute: 0, relative: 0, reason: "a power of two is exact" },
};

/** The norm of the gradients without their scale, and the factor that takes it away and clips. */
export const unscaleNorm: Kernel<Record<never, never>, "scaling" | "norm", "step"> = {
  name: "unscaleNorm",
  operands: () => ({ step: read(stepLength, "u32"), scaling: read(2), norm: update(2) }),
  dispatches() {
    const source = wgsl`
@compute @workgroup_size(1)
fn main() {
  if (norm[1] < 0.0) { return; }
  let inverse = 1.0 / scaling[0];
  let value = norm[0] * inverse;
  let largest = ${stepWgsl("maxGradientNorm")};
  norm[0] = value;
  norm[1] = select(1.0, min(1.0, largest / (value + 1e-6)), largest > 0.0) * inverse;
}`;
    return [{ source, workgroups: [1, 1, 1] }];
  },
  assembly: noAssembly,
  reference(_shape, { step, scaling, norm }) {
    if (norm[1]! < 0) return;
    const value = norm[0]! / scaling[0]!;
    const largest = stepValue(step, "maxGradientNorm");
    norm[0] = value;
    norm[1] = (largest > 0 ? Math.min(1, largest / (value + 1e-6)) : 1) / scaling[0]!;
  },
  cost: () => ({ flops: 5, bytes: 32 }),
  tolerance: { absolute: 0, relative: 1e-6, reason: "one division of 2.5 ulp" },
};

/** Chooses the scale of the next step, and keeps this one's in the history. */
export const adaptScale: Kernel<{ readonly rows: number }, "scaling" | "norm" | "history", "step"> = {
  name: "adaptScale",
  operands: ({ rows }) => ({
    step: read(stepLength, "u32"),
    norm: read(2),
    scaling: update(2),
    history: update(rows * historyColumns),
  }),
  dispatches({ rows }) {
    const source = wgsl`
@compute @workgroup_size(1)
fn main() {
  let scale = scaling[0];
  let goodSteps = scaling[1] + 1.0;
  history[${stepWgsl("historyRow")} % ${rows}u * ${historyColumns}u + ${lossScaleColumn}u] = scale;
  if (norm[1] < 0.0) {
    scaling[0] = max(1.0, 0.5 * scale);
    scaling[1] = 0.0;
  } else if (goodSteps >= ${scaleGrowthSteps}.0) {
    scaling[0] = min(${largestLossScale}.0, 2.0 * scale);
    scaling[1] = 0.0;
  } else {
    scaling[1] = goodSteps;
  }
}`;
    return [{ source, workgroups: [1, 1, 1] }];
  },
  assembly: noAssembly,
  reference({ rows }, { step, norm, scaling, history }) {
    const scale = scaling[0]!;
    const goodSteps = scaling[1]! + 1;
    history[stepValue(step, "historyRow") % rows * historyColumns + lossScaleColumn] = scale;
    if (norm[1]! < 0) scaling.set([Math.max(1, scale / 2), 0]);
    else if (goodSteps >= scaleGrowthSteps) scaling.set([Math.min(largestLossScale, 2 * scale), 0]);
    else scaling[1] = goodSteps;
  },
  cost: () => ({ flops: 3, bytes: 32 }),
  tolerance: { absolute: 0, relative: 0, reason: "powers of two and small whole numbers are exact" },
};
