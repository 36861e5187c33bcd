/**
 * The most probable token of every row: best[r] = argmaxᵥ logits[r, v], ties to the lowest id.
 *
 * logits [R, V], best u32 [R]
 * @module
 */
import { divideUp, foldWidth, foldWorkgroups, type Kernel, read, wgsl, write } from "../kernel.ts";

/** best[r] = argmaxᵥ logits[r, v]. */
export const argmax: Kernel<{ readonly R: number; readonly V: number }, "logits", "best"> = {
  name: "argmax",
  operands: ({ R, V }) => ({ logits: read(R * V), best: write(R, "u32") }),
  dispatches({ R, V }) {
    const groups = divideUp(R, 64);
    const source = wgsl`
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let r = (group.y * ${foldWidth(groups)}u + group.x) * 64u + lane;
  if (r >= ${R}u) { return; }
  var best_id = 0u;
  var best_logit = logits[r * ${V}u];
  for (var v = 1u; v < ${V}u; v++) {
    let logit = logits[r * ${V}u + v];
    if (logit > best_logit) {
      best_logit = logit;
      best_id = v;
    }
  }
  best[r] = best_id;
}`;
    return [{ source, workgroups: foldWorkgroups(groups) }];
  },
  assembly: ({ R, V }) => [{ function: "argmax", arguments: ["logits", "best", R, V] }],
  reference({ R, V }, { logits, best }) {
    for (let r = 0; r < R; r++) {
      let most = 0;
      for (let v = 1; v < V; v++) if (logits[r * V + v]! > logits[r * V + most]!) most = v;
      best[r] = most;
    }
  },
  cost: ({ R, V }) => ({ flops: R * V, bytes: 4 * R * (V + 1) }),
  tolerance: { absolute: 0, relative: 0, reason: "comparisons are exact" },
};
