/**
 * Softmax cross-entropy of each row against its target, and its gradient, in one pass over the logits:
 *
 *   lossNats[r] = weights[r] · (log Σ exp(logits[r] − max) + max − logits[r, target])
 *   dLogits[r]  = weights[r] · lossScale · (softmax(logits[r]) − onehot(target))
 *
 * lossScale comes with the step: 1 / (weight of the batch · accumulated batches) makes the loss a mean. A row of
 * weight 0 is not in the loss: its loss and its gradient are 0, whatever its logits and target are.
 *
 * logits [R, V]; targets, weights, lossNats [R]. The gradient takes the place of the logits: a row stays in the
 * registers of its threads from the first read to the last write.
 * @module
 */
import { divideUp, foldWidth, foldWorkgroups, type Kernel, read, update, wgsl, write } from "../kernel.ts";
import { reductionWgsl, rowLayout, workgroupThreads } from "../reduction.ts";
import { stepLength, stepValue, stepWgsl } from "../step.ts";

/** Sizes and variant of {@linkcode crossEntropy}. */
export type CrossEntropyShape = {
  /** Rows. */
  readonly R: number;
  /** Vocabulary. */
  readonly V: number;
  /** Whether the logits are replaced by their gradient; otherwise they are only read, and there is no `step`. */
  readonly gradient: boolean;
};

/** The loss of each row in nats and, where `gradient` is set, dLogits in the place of the logits. */
export const crossEntropy: Kernel<
  CrossEntropyShape,
  "logits" | "weights" | "lossNats",
  "targets" | "step"
> = {
  name: "crossEntropy",
  operands: ({ R, V, gradient }) => ({
    ...(gradient ? { step: read(stepLength, "u32") } : {}),
    logits: gradient ? update(R * V) : read(R * V),
    targets: read(R, "u32"),
    weights: read(R),
    lossNats: write(R),
  }),
  dispatches({ R, V, gradient }, device) {
    // Rows of 257 are not aligned, so logits are read one by one: 32 threads hold 9 each.
    const { lanes, rows, each, index, inside } = rowLayout(V, 16, "f32");
    const groups = divideUp(R, rows);
    const replaceByGradient = wgsl`
    let scale = weight * ${stepWgsl("lossScale")};
    let inverse = 1.0 / sums.x;
    ${
      each((k) =>
        `if (${inside(k)}) { logits[start + ${index(k)}] = ` +
        `select(scale * (l${k} * inverse - select(0.0, 1.0, ${index(k)} == wanted)), 0.0, weight == 0.0); }`
      )
    }`;
    const source = wgsl`
${reductionWgsl("rowMax", "f32", lanes, "max", device)}
${reductionWgsl("rowSums", "vec2<f32>", lanes, "+", device)}
const lowest = -0x1.fffffep+127f;
@compute @workgroup_size(${workgroupThreads})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let lane = thread % ${lanes}u;
  let row = (group.y * ${foldWidth(groups)}u + group.x) * ${rows}u + thread / ${lanes}u;
  let start = min(row, ${R - 1}u) * ${V}u;
  let wanted = targets[min(row, ${R - 1}u)];
  let weight = weights[min(row, ${R - 1}u)];
  var largest = lowest;
  ${
      each((k) =>
        `var l${k} = lowest; if (${inside(k)}) { l${k} = logits[start + ${index(k)}]; } ` +
        `largest = max(largest, l${k});`
      )
    }
  largest = rowMax(largest, thread);
  // (Σ exp, the target's logit), both relative to the largest logit; the second sum has one term that is not 0.
  var sums = vec2<f32>();
  ${
      each((k) =>
        `l${k} -= largest; if (${
          index(k)
        } == wanted) { sums.y += l${k}; } l${k} = exp(l${k}); sums.x += l${k};`
      )
    }
  sums = rowSums(sums, thread);
  if (row < ${R}u) {
    if (lane == 0u) { lossNats[row] = select(weight * (log(sums.x) - sums.y), 0.0, weight == 0.0); }
    ${gradient ? replaceByGradient : ""}
  }
}`;
    return [{ source, workgroups: foldWorkgroups(groups) }];
  },
  assembly: ({ R, V, gradient }) => [{
    function: "crossEntropy",
    arguments: [gradient ? "step" : null, "logits", "targets", "weights", "lossNats", R, V],
  }],
  reference({ R, V, gradient }, { step, logits, targets, weights, lossNats }) {
    for (let r = 0; r < R; r++) {
      const row = logits.subarray(r * V, (r + 1) * V);
      const weight = weights[r]!;
      if (weight === 0) {
        lossNats[r] = 0;
        if (gradient) row.fill(0);
        continue;
      }
      const largest = row.reduce((a, b) => Math.max(a, b), -Infinity);
      const sum = row.reduce((total, logit) => total + Math.exp(logit - largest), 0);
      lossNats[r] = weight * (Math.log(sum) + largest - row[targets[r]!]!);
      if (!gradient) continue;
      const scale = weight * stepValue(step, "lossScale");
      for (let v = 0; v < V; v++) {
        row[v] = scale * (Math.exp(row[v]! - largest) / sum - (v === targets[r] ? 1 : 0));
      }
    }
  },
  cost: ({ R, V, gradient }) => ({
    flops: (gradient ? 8 : 5) * R * V,
    bytes: 4 * ((gradient ? 2 : 1) * R * V + 3 * R),
  }),
  tolerance: {
    absolute: 1e-6,
    relative: 1e-6,
    reason: "WGSL grants exp of −x a relative error of (3 + 2x) ulp and log an absolute one of 2⁻²¹",
  },
};
