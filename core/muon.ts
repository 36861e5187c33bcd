/**
 * The part of an update that is Muon's: the matrices that vectors are multiplied with. Of each the momentum is made
 * orthogonal, by products on the device, and a step taken along it; everything else in the model AdamW updates.
 *
 * Queries, keys and values stand side by side in one parameter, but are three matrices, and are made orthogonal apart.
 * @module
 */
import {
  matmul,
  muonMomentum,
  type MuonSizes,
  muonUpdate,
  newtonSchulz,
  type PlanBuilder,
  type Tensor,
  unitNorm,
  unitNormScratchLength,
} from "@bgpt/kernels";
import { declareWindows, type Model } from "./model.ts";
import { isLinearMatrix } from "./parameters.ts";

/** μ, as published. */
const momentum = 0.95;

/** Steps of the iteration that makes a matrix orthogonal, as published. */
const newtonSchulzSteps = 5;

/** Adds the update of all matrices to the current program. */
export function updateMatrices(
  plan: PlanBuilder,
  model: Model,
  decay: number,
  tensors: {
    readonly norm: Tensor; // [2]
    readonly moment1: Tensor; // flat, as the parameters
    gradient(name: string): Tensor;
  },
): void {
  const { table, step } = model;
  const { norm } = tensors;
  const parameters = table.parameters.filter(({ name }) => isLinearMatrix(name));
  const moments = declareWindows(plan, { ...table, parameters }, tensors.moment1, "momentum.");
  for (const { name, shape } of parameters) {
    const matrices = name.endsWith(".c_attn.weight") ? 3 : 1;
    const sizes = { rows: shape[0]!, columns: shape[1]! / matrices, matrices };
    const declare = (what: string) => plan.tensor(`${name}.${what}`, [matrices, sizes.rows, sizes.columns]);
    const [direction, orthogonal] = [declare("direction"), declare("orthogonal")];
    const moment = moments.get(name)!;
    const operands = { gradient: tensors.gradient(name), moment, norm, direction };
    plan.call(muonMomentum, { ...sizes, momentum }, operands, `${name}.momentum`);
    for (let i = 0; i < matrices; i++) orthogonalise(plan, sizes, i, direction, orthogonal, `${name}.${i}`);
    const parameter = model.parameter(name);
    plan.call(
      muonUpdate,
      { ...sizes, decay },
      { step, parameter, direction: orthogonal, norm },
      `${name}.update`,
    );
  }
}

/** Matrix i of `orthogonal` becomes that of `direction` with singular values of about 1; the latter is lost. */
function orthogonalise(
  plan: PlanBuilder,
  { rows, columns }: MuonSizes,
  i: number,
  direction: Tensor, // [matrices, rows, columns]
  orthogonal: Tensor, // as the direction
  label: string,
): void {
  const length = rows * columns;
  const window = (of: Tensor) => plan.window(`${of.name}.${i}`, of, i * length, [rows, columns]);
  // An odd number of steps, so that the last one ends in the second.
  let [x, next] = [window(direction), window(orthogonal)];
  const scratch = plan.tensor(`${label}.scratch`, [unitNormScratchLength({ length })]);
  plan.call(unitNorm, { length }, { x, scratch }, `${label}.norm`);
  const wide = rows <= columns;
  const n = Math.min(rows, columns);
  const gram = plan.tensor(`${label}.gram`, [n, n]);
  const square = plan.tensor(`${label}.square`, [n, n]);
  const multiply = (
    layout: "NN" | "NT" | "TN",
    K: number,
    a: Tensor,
    b: Tensor,
    out: Tensor,
    what: string,
  ) => {
    const [M, N] = out.shape as [number, number];
    plan.call(matmul, { layout, M, N, K, epilogue: "none" }, { a, b, out }, `${label}.${what}`);
  };
  for (let step = 1; step <= newtonSchulzSteps; step++) {
    if (wide) multiply("NT", columns, x, x, gram, `gram ${step}`);
    else multiply("TN", rows, x, x, gram, `gram ${step}`);
    multiply("NN", n, gram, gram, square, `square ${step}`);
    plan.call(newtonSchulz, { n }, { gram, square }, `${label}.polynomial ${step}`);
    if (wide) multiply("NN", n, square, x, next, `step ${step}`);
    else multiply("NN", n, x, square, next, `step ${step}`);
    [x, next] = [next, x];
  }
}
