/**
 * The global gradient norm and what it makes of the update, decided on the device so that no step waits for the host:
 *
 *   norm[0] = ‖gradients‖₂
 *   norm[1] = 1 without clipping (maxGradientNorm = 0), else min(1, maxGradientNorm / (norm[0] + 1e-6))
 *             (Pascanu et al. 2013, with the constant of torch.nn.utils.clip_grad_norm_)
 *   norm[1] = −1 where the norm is not finite: {@linkcode adamw} then leaves everything as it is
 *
 * gradients [length]; norm [2]. The squares are summed in f32 as in PyTorch, so a norm beyond 1.8e19 counts as
 * infinite.
 * @module
 */
import { divideUp, type Kernel, read, wgsl, write } from "../kernel.ts";
import { reductionWgsl, workgroupThreads } from "../reduction.ts";
import { stepLength, stepValue, stepWgsl } from "../step.ts";
import { squareSums } from "./square_sums.ts";

/** Sizes of {@linkcode gradientNorm}. */
export type GradientNormShape = { readonly length: number };

/** Workgroups of the first stage: enough to fill a large GPU, few enough for one workgroup to sum what they leave. */
const maxGroups = 4096;

/** Length of the operand `scratch` of {@linkcode gradientNorm}: a sum of squares for each workgroup. */
export function gradientNormScratchLength({ length }: GradientNormShape): number {
  return Math.min(maxGroups, divideUp(length, 16 * workgroupThreads));
}

/** The global L2 norm of the gradients, and the factor that the update takes them by. */
export const gradientNorm: Kernel<GradientNormShape, "gradients" | "norm" | "scratch", "step"> = {
  name: "gradientNorm",
  operands: ({ length }) => ({
    step: read(stepLength, "u32"),
    gradients: read(length),
    norm: write(2),
    scratch: write(gradientNormScratchLength({ length })),
  }),
  dispatches({ length }, device) {
    const groups = gradientNormScratchLength({ length });
    const sum = reductionWgsl("groupSum", "f32", workgroupThreads, "+", device);
    // The exponent's bits tell Infinity and NaN: shader compilers may assume that neither occurs in arithmetic.
    const total = wgsl`
${sum}
@compute @workgroup_size(${workgroupThreads})
fn main(@builtin(local_invocation_index) thread: u32) {
  var squares = 0.0;
  for (var i = thread; i < ${groups}u; i += ${workgroupThreads}u) { squares += scratch[i]; }
  squares = groupSum(squares, thread);
  if (thread == 0u) {
    let largest = ${stepWgsl("maxGradientNorm")};
    let value = sqrt(squares);
    var scale = 1.0;
    if (largest > 0.0) { scale = min(1.0, largest / (value + 1e-6)); }
    if ((bitcast<u32>(squares) & 0x7f800000u) == 0x7f800000u) { scale = -1.0; }
    norm[0] = value;
    norm[1] = scale;
  }
}`;
    return [squareSums("gradients", length, groups, device), { source: total, workgroups: [1, 1, 1] }];
  },
  assembly({ length }) {
    const chunks = gradientNormScratchLength({ length });
    return [
      { function: "gradientNormChunks", arguments: ["gradients", "scratch", length, chunks] },
      { function: "gradientNorm", arguments: ["step", "scratch", "norm", chunks] },
    ];
  },
  reference({ length }, { step, gradients, norm }) {
    let squares = 0;
    for (let i = 0; i < length; i++) squares += gradients[i]! ** 2;
    const value = Math.sqrt(squares);
    const largest = stepValue(step, "maxGradientNorm");
    norm[0] = value;
    if (!Number.isFinite(value)) norm[1] = -1;
    else norm[1] = largest > 0 ? Math.min(1, largest / (value + 1e-6)) : 1;
  },
  cost: ({ length }) => ({ flops: 2 * length, bytes: 4 * length }),
  tolerance: {
    absolute: 1e-7,
    relative: 1e-6,
    reason: "sums of squares in f32: chains of about 27 additions at 110 million gradients, then trees",
  },
};
