/**
 * What a batch's losses add up to: over all weighted positions, and over those whose target is a real byte (below 256)
 * rather than the end-of-patch id 256, which bits per byte leave out.
 *
 *   sums += [Σ lossNats, Σ weights, Σ lossNats where target < 256, Σ weights where target < 256]
 *
 * lossNats (already weighted), weights, targets [R]; sums [4]
 * @module
 */
import { type Kernel, read, update, wgsl } from "../kernel.ts";
import { reductionWgsl, workgroupThreads } from "../reduction.ts";

/** Number of the byte values; the targets from here on are no bytes. */
const byteValues = 256;

/** Adds a batch's loss and weight, over all targets and over real bytes, to the running sums. */
export const lossSums: Kernel<{ R: number }, "lossNats" | "weights" | "sums", "targets"> = {
  name: "lossSums",
  operands: ({ R }) => ({ lossNats: read(R), targets: read(R, "u32"), weights: read(R), sums: update(4) }),
  dispatches({ R }, device) {
    // Equal losses (an untrained model's) round alike in every thread, so errors do not cancel: no chain of additions
    // may be long. Terms are joined by eights, those by eights, and those in a chain: 8 long at R = 131,072.
    const stride = workgroupThreads;
    const block = 8 * 8 * stride;
    const source = wgsl`
${reductionWgsl("groupSum", "vec4<f32>", workgroupThreads, "+", device)}
fn term(i: u32) -> vec4<f32> {
  if (i >= ${R}u) { return vec4<f32>(); }
  let pair = vec2<f32>(lossNats[i], weights[i]);
  return vec4<f32>(pair, select(vec2<f32>(), pair, targets[i] < ${byteValues}u));
}
@compute @workgroup_size(${workgroupThreads})
fn main(@builtin(local_invocation_index) thread: u32) {
  var total = vec4<f32>();
  for (var first = thread; first < ${R}u; first += ${block}u) {
    var sum = vec4<f32>();
    for (var i = first; i < min(first + ${block}u, ${R}u); i += ${8 * stride}u) {
      sum += ((term(i) + term(i + ${stride}u)) + (term(i + ${2 * stride}u) + term(i + ${3 * stride}u))) +
        ((term(i + ${4 * stride}u) + term(i + ${5 * stride}u)) +
          (term(i + ${6 * stride}u) + term(i + ${7 * stride}u)));
    }
    total += sum;
  }
  total = groupSum(total, thread);
  if (thread < 4u) { sums[thread] += total[thread]; }
}`;
    return [{ source, workgroups: [1, 1, 1] }];
  },
  assembly: ({ R }) => [{ function: "lossSums", arguments: ["lossNats", "targets", "weights", "sums", R] }],
  reference({ R }, { lossNats, targets, weights, sums }) {
    for (let r = 0; r < R; r++) {
      sums[0]! += lossNats[r]!;
      sums[1]! += weights[r]!;
      if (targets[r]! >= byteValues) continue;
      sums[2]! += lossNats[r]!;
      sums[3]! += weights[r]!;
    }
  },
  cost: ({ R }) => ({ flops: 4 * R, bytes: 12 * R + 32 }),
  tolerance: {
    absolute: 1e-6,
    relative: 5e-7,
    reason: "sums of positive terms in f32 with no chain of more than 8 additions",
  },
};
