/**
 * How an operand of a product on tensor cores comes to its units, in WGSL: through workgroup memory, which takes anything,
 * or straight from storage, which has to be f16 and whole tiles.
 * @module
 */
import { divideUp, type SubgroupMatrix } from "../kernel.ts";
import type { MatmulShape } from "./matmul.ts";
import { each, fetchWgsl, plus } from "./matmul_staging.ts";
import { type SubgroupTile, threadsOf, tilePadding } from "./matmul_subgroup_tile.ts";

/** One operand on its way to the units. */
export interface UnitOperand {
  /** Functions and variables of the module. */
  readonly declarations: string;
  /** Variables for what is fetched. */
  readonly fetched: string;
  /** Statements that fetch the thread's share of the stop at `k`. */
  fetch(k: string): string;
  /** Statements that put it into workgroup memory. */
  readonly store: string;
  /** Names of the variables that were fetched. */
  readonly names: readonly string[];
  /** The WGSL that loads the unit at this place of the tile, `term` terms from the stop. */
  unit(place: string, term: number): string;
}

/** What both ways of loading an operand know of it. */
function facts(name: "a" | "b", { layout, M, N }: MatmulShape, tile: SubgroupTile, matrix: SubgroupMatrix) {
  // Whether a row in storage runs along K.
  const alongK = name === "a" ? layout !== "TN" : layout === "NT";
  // A unit of `a` has its terms across, one of `b` down.
  const order = alongK === (name === "a") ? "row_major" : "col_major";
  const unit = name === "a"
    ? `subgroup_matrix_left<f16, ${matrix.K}, ${matrix.M}>`
    : `subgroup_matrix_right<f16, ${matrix.N}, ${matrix.K}>`;
  const [size, extent, origin] = name === "a" ? [M, tile.rows, "row0"] : [N, tile.columns, "column0"];
  return { alongK, load: `subgroupMatrixLoad<${unit}, ${order}>`, size, extent, origin } as const;
}

/** An operand whose units are loaded from storage as it lies there, in f16. */
export function directOperand(
  name: "a" | "b",
  shape: MatmulShape,
  tile: SubgroupTile,
  matrix: SubgroupMatrix,
): UnitOperand {
  const { alongK, load, size, origin } = facts(name, shape, tile, matrix);
  return {
    declarations: "",
    fetched: "",
    fetch: () => "",
    store: "",
    names: [],
    unit(place, term) {
      const [across, along] = [`(${origin} + ${place})`, plus("k", term)];
      const [row, column, stride] = alongK ? [across, along, shape.K] : [along, across, size];
      return `${load}(&${name}, ${row} * ${stride}u + ${column}, ${stride}u)`;
    },
  };
}

/** The staging of `a` or `b` in workgroup memory. */
export function stagedOperand(
  name: "a" | "b",
  shape: MatmulShape,
  tile: SubgroupTile,
  matrix: SubgroupMatrix,
): UnitOperand {
  const { alongK, load, size, extent, origin } = facts(name, shape, tile, matrix);
  // Fetched as it is stored, so that what is f16 already is not turned to and fro.
  const type = `${name}Scalar`;
  const [lines, width] = alongK ? [extent, tile.depth] : [tile.depth, extent];
  const [across, along] = [[size, extent], [shape.K, tile.depth]] as [[number, number], [number, number]];
  const stride = width + tilePadding;
  const quads = width / 4;
  const threads = threadsOf(tile, matrix);
  const passes = divideUp(lines * quads, threads);
  const quadOf = (p: number) => plus("lane", p * threads);
  const inside = (p: number, body: string) =>
    (p + 1) * threads > lines * quads ? `if (${quadOf(p)} < ${lines * quads}u) { ${body} }` : `{ ${body} }`;
  const names = Array.from({ length: passes }, (_, p) => `${name}Fetched${p}`);
  return {
    declarations: `var<workgroup> ${name}Tile: array<f16, ${lines * stride}>;\n` +
      (alongK ? fetchWgsl(name, type, across, along) : fetchWgsl(name, type, along, across)),
    fetched: names.map((fetched) => `var ${fetched}: vec4<${type}>;`).join("\n"),
    fetch: (k) =>
      each(passes, (p) => {
        const [line, column] = [`${quadOf(p)} / ${quads}u`, `4u * (${quadOf(p)} % ${quads}u)`];
        const place = alongK
          ? `${origin} + ${line}, ${k} + ${column}`
          : `${k} + ${line}, ${origin} + ${column}`;
        return inside(p, `${names[p]} = ${name}Fetch(${place});`);
      }),
    store: each(passes, (p) => {
      const at = `let i = ${quadOf(p)} / ${quads}u * ${stride}u + 4u * (${quadOf(p)} % ${quads}u);`;
      const halves = `let halves = vec4<f16>(${names[p]});`;
      const stores = each(4, (i) => `${name}Tile[i + ${i}u] = halves.${"xyzw"[i]};`);
      return inside(p, `${at} ${halves} ${stores}`);
    }),
    names,
    unit(place, term) {
      const offset = alongK ? `(${place}) * ${stride}u + ${term}u` : `${term * stride}u + ${place}`;
      return `${load}(&${name}Tile, ${offset}, ${stride}u)`;
    },
  };
}
