/**
 * A step of the Newton–Schulz iteration that Muon orthogonalises with (Jordan et al. 2024,
 * https://kellerjordan.github.io/posts/muon/): an odd polynomial of a matrix X acts on each of its singular values alone,
 *
 *   σ → a·σ + b·σ³ + c·σ⁵,   X → P·X with P = a·I + b·G + c·G² and G = X·Xᵀ
 *
 * (or X·P with G = Xᵀ·X, whichever is smaller). With these coefficients five steps take singular values from 0.002 to 1
 * into 0.68 … 1.21: they are chosen to grow small ones fast, not to end at 1.
 *
 * Here is what stands between two products: P from G and G², in the place of the latter. gram, square [n, n]
 * @module
 */
import { divideUp, foldWidth, foldWorkgroups, type Kernel, read, update, wgsl } from "../kernel.ts";
import { workgroupThreads } from "../reduction.ts";

/** Sizes of {@linkcode newtonSchulz}. */
export type NewtonSchulzShape = { readonly n: number };

const [a, b, c] = [3.4445, -4.775, 2.0315];

/** square ← a·I + b·gram + c·square. */
export const newtonSchulz: Kernel<NewtonSchulzShape, "gram" | "square"> = {
  name: "newtonSchulz",
  operands: ({ n }) => ({ gram: read(n * n), square: update(n * n) }),
  dispatches({ n }) {
    const groups = divideUp(n * n, workgroupThreads);
    const source = wgsl`
@compute @workgroup_size(${workgroupThreads})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let i = (group.y * ${foldWidth(groups)}u + group.x) * ${workgroupThreads}u + thread;
  if (i >= ${n * n}u) { return; }
  let identity = select(0.0, ${a}, i % ${n + 1}u == 0u);
  square[i] = identity + (${b} * gram[i] + ${c} * square[i]);
}`;
    return [{ source, workgroups: foldWorkgroups(groups) }];
  },
  assembly: ({ n }) => [{ function: "newtonSchulz", arguments: ["gram", "square", n, a, b, c] }],
  reference({ n }, { gram, square }) {
    for (let i = 0; i < n * n; i++) {
      square[i] = (i % (n + 1) === 0 ? a : 0) + b * gram[i]! + c * square[i]!;
    }
  },
  cost: ({ n }) => ({ flops: 3 * n * n, bytes: 12 * n * n }),
  tolerance: { absolute: 1e-6, relative: 5e-7, reason: "three terms of order one in f32" },
};
