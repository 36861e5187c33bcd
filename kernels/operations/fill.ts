/**
 * x ← 0. Gradients accumulate everywhere in this project, so every step begins by clearing them.
 *
 * x [length]
 * @module
 */
import { divideUp, foldWidth, foldWorkgroups, type Kernel, wgsl, write } from "../kernel.ts";

/** Sets every element to zero. */
export const clear: Kernel<{ length: number }, "x"> = {
  name: "clear",
  operands: ({ length }) => ({ x: write(length) }),
  dispatches({ length }) {
    const groups = divideUp(length, 256);
    const source = wgsl`
@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * ${foldWidth(groups)}u + group.x) * 256u + lane;
  if (i < ${length}u) { x[i] = 0.0; }
}`;
    return [{ source, workgroups: foldWorkgroups(groups) }];
  },
  assembly: ({ length }) => [{ function: "clear", arguments: ["x", length] }],
  reference(_shape, { x }) {
    x.fill(0);
  },
  cost: ({ length }) => ({ flops: 0, bytes: 4 * length }),
  tolerance: { absolute: 0, relative: 0, reason: "zero is exact" },
};
