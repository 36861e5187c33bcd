/**
 * A matrix made as long as 1 in the Frobenius norm, in place:
 *
 *   x ← x / ‖x‖_F, and 0 where that is 0
 *
 * Its singular values are then at most 1, which is where the iteration of newton_schulz.ts may begin.
 *
 * x [length]; scratch as {@linkcode unitNormScratchLength}
 * @module
 */
import { divideUp, foldWidth, foldWorkgroups, type Kernel, update, wgsl, write } from "../kernel.ts";
import { reductionWgsl, valueType, workgroupThreads } from "../reduction.ts";
import { squareSums } from "./square_sums.ts";

/** Sizes of {@linkcode unitNorm}. */
export type UnitNormShape = { readonly length: number };

/** Length of the operand `scratch` of {@linkcode unitNorm}: a sum of squares for each workgroup, at most one a thread. */
export function unitNormScratchLength({ length }: UnitNormShape): number {
  return Math.min(workgroupThreads, divideUp(length, 4 * workgroupThreads));
}

/** x ← x / ‖x‖_F. */
export const unitNorm: Kernel<UnitNormShape, "x" | "scratch"> = {
  name: "unitNorm",
  operands: ({ length }) => ({ x: update(length), scratch: write(unitNormScratchLength({ length })) }),
  dispatches({ length }, device) {
    const sums = unitNormScratchLength({ length });
    const type = valueType(length);
    const count = type === "f32" ? length : length / 4;
    const groups = divideUp(count, workgroupThreads);
    const sum = reductionWgsl("groupSum", "f32", workgroupThreads, "+", device);
    // Every workgroup adds the same few sums in the same tree.
    const scale = wgsl`
${sum}
@compute @workgroup_size(${workgroupThreads})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let i = (group.y * ${foldWidth(groups)}u + group.x) * ${workgroupThreads}u + thread;
  var own = 0.0;
  if (thread < ${sums}u) { own = scratch[thread]; }
  let squares = groupSum(own, thread);
  if (i >= ${count}u) { return; }
  if (squares > 0.0) { x[i] = x[i] / sqrt(squares); } else { x[i] = ${type}(); }
}`;
    const vectors = type === "f32" ? [] : ["x"];
    return [
      squareSums("x", length, sums, device),
      { source: scale, workgroups: foldWorkgroups(groups), vectors },
    ];
  },
  assembly({ length }) {
    const sums = unitNormScratchLength({ length });
    return [
      { function: "gradientNormChunks", arguments: ["x", "scratch", length, sums] },
      { function: "unitNorm", arguments: ["x", "scratch", length, sums] },
    ];
  },
  reference({ length }, { x }) {
    let squares = 0;
    for (let i = 0; i < length; i++) squares += x[i]! ** 2;
    for (let i = 0; i < length; i++) x[i] = squares > 0 ? x[i]! / Math.sqrt(squares) : 0;
  },
  cost: ({ length }) => ({ flops: 3 * length, bytes: 12 * length }),
  tolerance: {
    absolute: 0,
    relative: 1e-6,
    reason: "a sum of squares in trees, a root and a division in f32",
  },
};
