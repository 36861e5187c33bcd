/** What the tests against the published program's values have in common. */
import { assert } from "@std/assert";
import { copyParameter, type ParameterTable } from "@bgpt/core";
import { type Engine, ReferenceEngine } from "@bgpt/kernels";
import { engines } from "../engines.ts";
import { assertClose } from "../kernels/compare.ts";
import { sharedTest } from "../shared.ts";

/** What issue A demands: 1e-4 relative in f32, 1e-6 of the f64 reference. */
export interface Demand {
  readonly name: string;
  readonly engine: Engine | undefined;
  readonly relative: number;
  /** What a gradient whose true value is 0 may be. */
  readonly noise: number;
}

const demands: readonly Demand[] = [
  { name: "reference", engine: new ReferenceEngine(), relative: 1e-6, noise: 1e-7 },
  ...engines.map((entry) => ({ ...entry, relative: 1e-4, noise: 1e-6 })),
];

/** Registers a test that reads the fixtures on every engine that is here. */
export function demandTest(name: string, run: (engine: Engine, demand: Demand) => Promise<void>): void {
  for (const entry of demands) {
    const { engine } = entry;
    if (engine === undefined) {
      Deno.test({ name: `${entry.name}: ${name} (needs a WebGPU adapter)`, ignore: true, fn: () => {} });
    } else {
      sharedTest(`${entry.name}: ${name}`, () => run(engine, entry));
    }
  }
}

/** Expected tensors by their names. */
export interface Expectations {
  expected(name: string): { readonly values: Float32Array };
  readonly expectedNames: readonly string[];
}

/** Holds all gradients of a model against those of a fixture, whole ones, every second row, or some columns. */
export function assertPublishedGradients(
  table: ParameterTable,
  flat: Float32Array,
  { expected, expectedNames }: Expectations,
  { relative, noise }: Demand,
): void {
  for (const parameter of table.parameters) {
    const { name, shape, offset, length } = parameter;
    const gradient = new Float32Array(length);
    copyParameter(parameter, flat.subarray(offset, offset + length), gradient, "toPublished");
    const [rows, width] = shape as [number, number];
    if (expectedNames.includes(`grad.${name}`)) {
      const { values } = expected(`grad.${name}`);
      // The key third of an attention bias has true gradient 0: what is there is rounding.
      assertClose(gradient, values, { absolute: noise, relative }, name);
    } else if (expectedNames.includes(`grad_rows2.${name}`)) {
      const even = Array.from({ length: rows / 2 }, (_, r) => [
        ...gradient.subarray(2 * r * width, (2 * r + 1) * width),
      ]);
      assertClose(even.flat(), expected(`grad_rows2.${name}`).values, { absolute: noise, relative }, name);
    } else if (expectedNames.includes(`grad_cols.${name}`)) {
      const columns = expected(`grad_cols_index.${name}`).values;
      const { values } = expected(`grad_cols.${name}`);
      // The columns that are not listed are zeros.
      const all = new Float32Array(length);
      for (let r = 0; r < rows; r++) {
        for (const [i, column] of columns.entries()) {
          all[r * width + column] = values[r * columns.length + i]!;
        }
      }
      assertClose(gradient, all, { absolute: noise, relative }, name);
    } else {
      assert(!parameter.trained, `the fixture has no gradient of "${name}"`);
      assert(gradient.every((value) => value === 0), `"${name}" must have no gradient`);
    }
  }
}
