import { assert, assertEquals, assertNotEquals } from "@std/assert";
import {
  type Config,
  decodeCheckpoint,
  encodeCheckpoint,
  isLinearMatrix,
  meanLossNats,
  modelConfig,
  parameterTable,
  type Strip,
  Trainer,
  trainingPlan,
} from "@bgpt/core";
import { type Engine, ReferenceEngine } from "@bgpt/kernels";
import { cpu, engineTest } from "../engines.ts";
import { assertClose } from "../kernels/compare.ts";
import { bytesOf, smallCapacity, smallConfig, smallStrip } from "./small_checkpoint.ts";

const config: Config = {
  ...smallConfig,
  steps: 100,
  warmup: 4,
  schedule: "constant",
  learningRate: 3e-3,
  dropout: 0.1,
  optimizer: "muon",
};
const table = parameterTable(config);
const matrices = table.parameters.filter(({ name }) => isLinearMatrix(name));

function trainerOf(engine: Engine, changes: Partial<Config> = {}): Promise<Trainer> {
  const own = { ...config, ...changes };
  return Trainer.create(engine, own, trainingPlan(own, smallCapacity));
}

/** The state before and after one step for each strip, and the losses. */
async function trained(engine: Engine, changes: Partial<Config>, strips: readonly Strip[]) {
  const trainer = await trainerOf(engine, changes);
  const before = await trainer.state();
  for (const strip of strips) trainer.train([strip]);
  const losses = (await trainer.metrics()).map(({ totals }) => meanLossNats(totals));
  const state = await trainer.state();
  trainer.destroy();
  return { before, state, losses };
}

type Matrix = number[][];

/** One of the matrices that stand side by side. */
function matrixOf(
  values: Float32Array,
  [rows, stride]: readonly number[],
  first: number,
  columns: number,
): Matrix {
  const start = (row: number) => row * stride! + first;
  return Array.from({ length: rows! }, (_, row) => [...values.subarray(start(row), start(row) + columns)]);
}

function transposed(matrix: Matrix): Matrix {
  return matrix[0]!.map((_, column) => matrix.map((row) => row[column]!));
}

function product(a: Matrix, b: Matrix): Matrix {
  const columns = transposed(b);
  return a.map((row) => columns.map((column) => dot(row, column)));
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, x, k) => sum + x * b[k]!, 0);
}

/** ‖x‖_F. */
function norm(matrix: Matrix): number {
  return Math.hypot(...matrix.flat());
}

/** Of the rows, which are turned against each other until all are orthogonal (one-sided Jacobi). */
function singularValues(matrix: Matrix): number[] {
  const rows = matrix.length <= matrix[0]!.length ? structuredClone(matrix) : transposed(matrix);
  for (let sweep = 0; sweep < 6; sweep++) {
    for (const [i, a] of rows.entries()) {
      for (const b of rows.slice(i + 1)) {
        const angle = Math.atan2(2 * dot(a, b), dot(a, a) - dot(b, b)) / 2;
        const [c, s] = [Math.cos(angle), Math.sin(angle)];
        for (const k of a.keys()) [a[k], b[k]] = [c * a[k]! + s * b[k]!, c * b[k]! - s * a[k]!];
      }
    }
  }
  return rows.map((row) => Math.hypot(...row));
}

engineTest("twenty steps with Muon follow the reference engine", async (engine) => {
  const strips = Array.from({ length: 20 }, (_, i) => smallStrip(i % 4));
  const expected = await trained(new ReferenceEngine(), {}, strips);
  const actual = await trained(engine, {}, strips);
  assertClose(actual.losses, expected.losses, { absolute: 0, relative: 1e-4 }, "losses");
  for (const { name, offset, length } of table.parameters) {
    const of = ({ parameters }: typeof actual.state) => parameters.subarray(offset, offset + length);
    // Twenty updates of up to 0.003 for each number.
    assertClose(of(actual.state), of(expected.state), { absolute: 1e-4, relative: 1e-4 }, name);
  }
});

Deno.test("one step goes along the momentum with all its singular values made about 1", async () => {
  const changes = { weightDecay: 0, warmup: 0, learningRate: 0.01 };
  const { before, state } = await trained(new ReferenceEngine(), changes, [smallStrip(1)]);
  for (const { name, offset, length, shape } of matrices) {
    const of = (values: Float32Array) => values.subarray(offset, offset + length);
    const difference = of(before.parameters).map((value, i) => value - of(state.parameters)[i]!);
    const count = name.endsWith("c_attn.weight") ? 3 : 1;
    const [rows, columns] = [shape[0]!, shape[1]! / count];
    for (let part = 0; part < count; part++) {
      // After one step from 0, the momentum has the singular vectors of the gradient, X = U·S·Vᵀ, and the change is
      // D = U·f·Vᵀ with f from 0.68 to 1.21, or less where S is next to nothing.
      const X = matrixOf(of(state.moment1), shape, part * columns, columns);
      const D = matrixOf(difference, shape, part * columns, columns)
        .map((row) => row.map((value) => value / (0.01 * 0.2 * Math.sqrt(Math.max(rows, columns)))));
      const symmetric = product(D, transposed(X)); // U·f·S·Uᵀ
      assertClose(symmetric.flat(), transposed(symmetric).flat(), { absolute: 0, relative: 1e-4 }, name);
      const trace = symmetric.reduce((sum, row, i) => sum + row[i]!, 0);
      assert(trace > 0.68 * norm(X), `${name} ${part}: ${trace} of ${norm(X)}, the step goes another way`);
      const large = singularValues(X).filter((value) => value > 0.002 * norm(X)).length;
      const ones = singularValues(D).filter((value) => value > 0.68);
      assert(
        large >= 3 && ones.length >= large,
        `${name} ${part}: ${ones.length} of ${large} singular values`,
      );
      assert(Math.max(...ones) < 1.21, `${name} ${part}: ${Math.max(...ones)}`);
    }
  }
});

Deno.test("what is no matrix that vectors are multiplied with takes the step that AdamW takes", async () => {
  const strips = [smallStrip(1)];
  const muon = await trained(new ReferenceEngine(), {}, strips);
  const adamw = await trained(new ReferenceEngine(), { optimizer: "adamw" }, strips);
  for (const { name, offset, length } of table.parameters) {
    for (const kind of ["parameters", "moment1", "moment2"] as const) {
      const of = (state: typeof muon.state) => state[kind].subarray(offset, offset + length);
      if (isLinearMatrix(name)) assertNotEquals(of(muon.state), of(adamw.state), `${name} ${kind}`);
      else assertEquals(of(muon.state), of(adamw.state), `${name} ${kind}`);
    }
  }
});

Deno.test("with Muon a run that stopped goes on from its checkpoint with the same bits", async () => {
  const strips = [1, 2, 3, 4].map(smallStrip);
  const { state: expected } = await trained(cpu, {}, strips);
  const { state } = await trained(cpu, {}, strips.slice(0, 2));
  const { parameters } = state;
  const files = bytesOf(
    encodeCheckpoint({ model: modelConfig(config), config, parameters, optimizer: state }),
  );
  const checkpoint = await decodeCheckpoint((name) => Promise.resolve(files.get(name)), "a test");
  assertEquals(checkpoint.config, config);
  const resumed = await trainerOf(cpu);
  resumed.restore(checkpoint.optimizer!);
  for (const strip of strips.slice(2)) resumed.train([strip]);
  assertEquals(await resumed.state(), expected);
  resumed.destroy();
});

engineTest(
  "with Muon a gradient that is not finite leaves weights and moments as they were",
  async (engine) => {
    const { state } = await trained(engine, {}, [smallStrip(1)]);
    const broken = { ...state, parameters: state.parameters.slice() };
    broken.parameters[table.parameters.at(-1)!.offset] = NaN;
    const trainer = await trainerOf(engine);
    trainer.restore(broken);
    trainer.train([smallStrip(2)]);
    assertEquals((await trainer.metrics()).map(({ dropped }) => dropped), [true]);
    const { parameters, moment1, moment2 } = await trainer.state();
    assertEquals(parameters.join(), broken.parameters.join());
    assertEquals([moment1, moment2], [state.moment1, state.moment2]);
    trainer.destroy();
  },
);
