/**
 * What a batch of classified files adds up to: its loss, its weight, and the weight of those whose class was found.
 *
 *   sums += [Σ lossNats, Σ weights, Σ weights where best = target, 0]
 *
 * lossNats (already weighted) as {@linkcode crossEntropy} leaves them, best as {@linkcode argmax} does; weights [B];
 * targets, best u32 [B]; sums [4]
 * @module
 */
import { type Kernel, read, update, wgsl } from "../kernel.ts";
import { reductionWgsl, workgroupThreads } from "../reduction.ts";

/** Adds a batch's loss, weight and hits to the running sums. */
export const classSums: Kernel<
  { readonly B: number },
  "lossNats" | "weights" | "sums",
  "targets" | "best"
> = {
  name: "classSums",
  operands: ({ B }) => ({
    lossNats: read(B),
    targets: read(B, "u32"),
    best: read(B, "u32"),
    weights: read(B),
    sums: update(4),
  }),
  dispatches({ B }, device) {
    const source = wgsl`
${reductionWgsl("groupSum", "vec4<f32>", workgroupThreads, "+", device)}
@compute @workgroup_size(${workgroupThreads})
fn main(@builtin(local_invocation_index) thread: u32) {
  var total = vec4<f32>();
  for (var i = thread; i < ${B}u; i += ${workgroupThreads}u) {
    total += vec4<f32>(lossNats[i], weights[i], select(0.0, weights[i], best[i] == targets[i]), 0.0);
  }
  total = groupSum(total, thread);
  if (thread < 4u) { sums[thread] += total[thread]; }
}`;
    return [{ source, workgroups: [1, 1, 1] }];
  },
  assembly: ({ B }) => [{
    function: "classSums",
    arguments: ["lossNats", "targets", "best", "weights", "sums", B],
  }],
  reference({ B }, { lossNats, targets, best, weights, sums }) {
    for (let b = 0; b < B; b++) {
      sums[0]! += lossNats[b]!;
      sums[1]! += weights[b]!;
      if (best[b] === targets[b]) sums[2]! += weights[b]!;
    }
  },
  cost: ({ B }) => ({ flops: 3 * B, bytes: 16 * B + 32 }),
  tolerance: {
    absolute: 1e-6,
    relative: 1e-6,
    reason: "sums of positive terms in f32, in chains of B / 256 and a tree",
  },
};
