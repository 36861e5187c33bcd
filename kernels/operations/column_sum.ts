/**
 * Column sums, the gradient of a bias: sum[c] += Σ_r x[r, c].
 *
 * Rows are cut into chunks, so that a narrow matrix still keeps a GPU busy and no chain of f32 additions grows long: the
 * first dispatch sums each chunk into `scratch`, the second adds the chunks up in a fixed order.
 *
 * x [R, C]; sum [C]; scratch [chunks, C]
 * @module
 */
import { divideUp, type Kernel, read, update, wgsl, write } from "../kernel.ts";
import { chunkRows } from "../row_sums.ts";

/** Sizes of {@linkcode columnSum}: rows and columns. */
export type ColumnSumShape = { readonly R: number; readonly C: number };

/** Columns of a workgroup; its 256 threads are four lanes of rows by these. */
const columns = 64;

/** Elements of the operand `scratch`. */
export function columnSumScratchLength({ R, C }: ColumnSumShape): number {
  return divideUp(R, chunkRows(R)) * C;
}

/** sum[c] += Σ_r x[r, c]. */
export const columnSum: Kernel<ColumnSumShape, "x" | "sum" | "scratch"> = {
  name: "columnSum",
  operands: (shape) => ({
    x: read(shape.R * shape.C),
    sum: update(shape.C),
    scratch: write(columnSumScratchLength(shape)),
  }),
  dispatches({ R, C }) {
    const rows = chunkRows(R);
    const chunks = divideUp(R, rows);
    const sumChunks = wgsl`
var<workgroup> partial: array<f32, 256>;
@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let column = group.x * ${columns}u + lane % ${columns}u;
  var total = 0.0;
  if (column < ${C}u) {
    let end = min((group.y + 1u) * ${rows}u, ${R}u);
    for (var row = group.y * ${rows}u + lane / ${columns}u; row < end; row += 4u) {
      total += x[row * ${C}u + column];
    }
  }
  partial[lane] = total;
  workgroupBarrier();
  if (lane < ${columns}u && column < ${C}u) {
    let halves = vec2<f32>(partial[lane] + partial[lane + ${columns}u], partial[lane + ${
      2 * columns
    }u] + partial[lane + ${3 * columns}u]);
    scratch[group.y * ${C}u + column] = halves.x + halves.y;
  }
}`;
    const addChunks = wgsl`
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) thread: vec3<u32>) {
  if (thread.x >= ${C}u) { return; }
  var total = 0.0;
  for (var chunk = 0u; chunk < ${chunks}u; chunk++) { total += scratch[chunk * ${C}u + thread.x]; }
  sum[thread.x] += total;
}`;
    return [
      { source: sumChunks, workgroups: [divideUp(C, columns), chunks, 1] },
      { source: addChunks, workgroups: [divideUp(C, 64), 1, 1] },
    ];
  },
  assembly({ R, C }) {
    const rows = chunkRows(R);
    return [
      { function: "columnSumChunks", arguments: ["x", "scratch", R, C, rows] },
      { function: "addChunks", arguments: ["scratch", divideUp(R, rows), C, 0, "sum", C] },
    ];
  },
  reference({ R, C }, { x, sum, scratch }) {
    const rows = chunkRows(R);
    scratch.fill(0);
    for (let r = 0; r < R; r++) {
      const chunk = Math.floor(r / rows) * C;
      for (let c = 0; c < C; c++) {
        sum[c]! += x[r * C + c]!;
        scratch[chunk + c]! += x[r * C + c]!;
      }
    }
  },
  cost: ({ R, C }) => ({ flops: R * C, bytes: 4 * (R * C + 2 * C) }),
  tolerance: {
    absolute: 1e-5,
    relative: 2e-6,
    reason:
      "f32 additions in chains of R / 256 rows and then of 64 chunks; the sums of terms around 1 may cancel",
  },
};
