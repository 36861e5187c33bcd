/**
 * Keeps a step's metrics on the device, so that they can be read many steps later and training never waits:
 *
 *   history[step.historyRow mod rows] ← [sums (4), norm (2), 0, 0]; loss_scaling.ts puts its scale in the place of the first 0
 *
 * sums [4] as {@linkcode lossSums} leaves them; norm [2] as {@linkcode gradientNorm} leaves it; history [rows, 8]
 * @module
 */
import { type Kernel, read, update, wgsl } from "../kernel.ts";
import { stepLength, stepValue, stepWgsl } from "../step.ts";

/** Numbers of a row of the history: the four loss sums, gradient norm, update scale, loss scale, one unused. */
export const historyColumns = 8;

/** Copies the loss sums and the gradient norm into this step's row of the history. */
export const recordHistory: Kernel<{ rows: number }, "sums" | "norm" | "history", "step"> = {
  name: "recordHistory",
  operands: ({ rows }) => ({
    step: read(stepLength, "u32"),
    sums: read(4),
    norm: read(2),
    history: update(rows * historyColumns),
  }),
  dispatches({ rows }) {
    const source = wgsl`
@compute @workgroup_size(1)
fn main() {
  let start = ${stepWgsl("historyRow")} % ${rows}u * ${historyColumns}u;
  for (var i = 0u; i < 4u; i++) { history[start + i] = sums[i]; }
  for (var i = 0u; i < 2u; i++) { history[start + 4u + i] = norm[i]; }
  for (var i = 6u; i < ${historyColumns}u; i++) { history[start + i] = 0.0; }
}`;
    return [{ source, workgroups: [1, 1, 1] }];
  },
  assembly: ({ rows }) => [{
    function: "recordHistory",
    arguments: ["step", "sums", "norm", "history", rows],
  }],
  reference({ rows }, { step, sums, norm, history }) {
    const start = stepValue(step, "historyRow") % rows * historyColumns;
    history.fill(0, start, start + historyColumns);
    history.set(sums, start);
    history.set(norm, start + 4);
  },
  cost: () => ({ flops: 0, bytes: 4 * (6 + historyColumns) }),
  tolerance: { absolute: 0, relative: 0, reason: "copies are exact" },
};
