/**
 * Muon (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/): what stands before and behind the
 * orthogonalisation of a weight matrix's update. With g = gradient · norm[1],
 *
 *   muonMomentum   m ← μ·m + g;  direction = g + μ·m  (Nesterov)
 *   muonUpdate     p ← p − lr · (decay · p + 0.2 · √max(rows, columns) · direction)
 *
 * where in between the direction was made orthogonal. Its numbers then have the root mean square 1 / √max(rows, columns);
 * the factor makes that 0.2, about what AdamW's updates have, so that the same rate and decay fit both (Liu et al. 2025,
 * arXiv 2502.16982).
 *
 * A parameter may be several matrices side by side, such as those of queries, keys and values: in `direction` they stand
 * one behind the other. Where norm[1] < 0 (the gradients are not finite) nothing changes.
 *
 * gradient, moment, parameter [rows, matrices · columns]; direction [matrices, rows, columns]; norm [2] as
 * {@linkcode gradientNorm} leaves it
 * @module
 */
import { divideUp, foldWidth, foldWorkgroups, type Kernel, read, update, wgsl, write } from "../kernel.ts";
import { rowVectors } from "../row_sums.ts";
import { workgroupThreads } from "../reduction.ts";
import { stepLength, stepValue, stepWgsl } from "../step.ts";

/** Sizes of a parameter that Muon updates. */
export type MuonSizes = {
  /** Rows of each matrix. */
  readonly rows: number;
  /** Columns of each matrix. */
  readonly columns: number;
  /** Matrices side by side. */
  readonly matrices: number;
};

/** Sizes and constants of {@linkcode muonMomentum}. */
export type MuonMomentumShape = MuonSizes & {
  /** μ: share of the momentum that stays. */
  readonly momentum: number;
};

/** Sizes and constants of {@linkcode muonUpdate}. */
export type MuonUpdateShape = MuonSizes & {
  /** Weight decay. */
  readonly decay: number;
};

/** Root mean square of an update at the learning rate 1. */
const updateSize = 0.2;

/** What an orthogonal direction is multiplied by. */
function directionScale({ rows, columns }: MuonSizes): number {
  return updateSize * Math.sqrt(Math.max(rows, columns));
}

/** Where number i of a parameter stands in its direction. */
function directionIndex({ rows, columns, matrices }: MuonSizes, i: number): number {
  const [row, column] = [Math.floor(i / (matrices * columns)), i % (matrices * columns)];
  return (Math.floor(column / columns) * rows + row) * columns + column % columns;
}

/** A thread computes value i of the parameter; `at` is where it stands in the direction. */
function eachValue(sizes: MuonSizes, operands: string[], lines: (type: string) => string) {
  const { rows, columns, matrices } = sizes;
  const { type, count, vectors } = rowVectors(columns);
  const length = rows * matrices * count;
  const groups = divideUp(length, workgroupThreads);
  const source = wgsl`
@compute @workgroup_size(${workgroupThreads})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let i = (group.y * ${foldWidth(groups)}u + group.x) * ${workgroupThreads}u + thread;
  if (i >= ${length}u) { return; }
  let row = i / ${matrices * count}u;
  let column = i % ${matrices * count}u;
  let at = (column / ${count}u * ${rows}u + row) * ${count}u + column % ${count}u;
  ${lines(type)}
}`;
  return [{ source, workgroups: foldWorkgroups(groups), vectors: vectors(...operands) }];
}

/** The momentum, and the direction that it gives. */
export const muonMomentum: Kernel<MuonMomentumShape, "gradient" | "moment" | "norm" | "direction"> = {
  name: "muonMomentum",
  operands({ rows, columns, matrices }) {
    const length = rows * columns * matrices;
    return { gradient: read(length), moment: update(length), norm: read(2), direction: write(length) };
  },
  dispatches: (shape) =>
    eachValue(shape, ["gradient", "moment", "direction"], (type) =>
      wgsl`let before = moment[i];
  var g = ${type}();
  var m = before;
  if (norm[1] >= 0.0) {
    g = gradient[i] * norm[1];
    m = ${shape.momentum} * before + g;
  }
  moment[i] = m;
  direction[at] = g + ${shape.momentum} * m;`),
  assembly: ({ rows, columns, matrices, momentum }) => [{
    function: "muonMomentum",
    arguments: ["gradient", "moment", "norm", "direction", rows, columns, matrices, momentum],
  }],
  reference(shape, { gradient, moment, norm, direction }) {
    const dropped = norm[1]! < 0;
    for (let i = 0; i < moment.length; i++) {
      const g = dropped ? 0 : gradient[i]! * norm[1]!;
      if (!dropped) moment[i] = shape.momentum * moment[i]! + g;
      direction[directionIndex(shape, i)] = g + shape.momentum * moment[i]!;
    }
  },
  cost({ rows, columns, matrices }) {
    const length = rows * columns * matrices;
    return { flops: 5 * length, bytes: 16 * length };
  },
  tolerance: { absolute: 1e-9, relative: 5e-7, reason: "five f32 operations on each element" },
};

/** One step along the orthogonal direction. */
export const muonUpdate: Kernel<MuonUpdateShape, "parameter" | "direction" | "norm", "step"> = {
  name: "muonUpdate",
  operands({ rows, columns, matrices }) {
    const length = rows * columns * matrices;
    return {
      step: read(stepLength, "u32"),
      parameter: update(length),
      direction: read(length),
      norm: read(2),
    };
  },
  // The decay is subtracted rather than multiplied in: in f32, 1 − 1e-4 · 0.01 is wrong by 1 % of the decay.
  dispatches: (shape) =>
    eachValue(shape, ["parameter", "direction"], () =>
      wgsl`if (norm[1] < 0.0) { return; }
  let p = parameter[i];
  let change = ${shape.decay} * p + ${directionScale(shape)} * direction[at];
  parameter[i] = p - ${stepWgsl("learningRate")} * change;`),
  assembly(shape) {
    const { rows, columns, matrices, decay } = shape;
    const sizes = [rows, columns, matrices];
    return [{
      function: "muonUpdate",
      arguments: ["step", "parameter", "direction", "norm", ...sizes, decay, directionScale(shape)],
    }];
  },
  reference(shape, { step, parameter, direction, norm }) {
    if (norm[1]! < 0) return;
    const [rate, scale] = [stepValue(step, "learningRate"), directionScale(shape)];
    for (let i = 0; i < parameter.length; i++) {
      const change = shape.decay * parameter[i]! + scale * direction[directionIndex(shape, i)]!;
      parameter[i]! -= rate * change;
    }
  },
  cost({ rows, columns, matrices }) {
    const length = rows * columns * matrices;
    return { flops: 5 * length, bytes: 12 * length };
  },
  tolerance: { absolute: 1e-9, relative: 5e-7, reason: "five f32 operations on each element" },
};
