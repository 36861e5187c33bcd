/**
 * How a tile of a matrix product's operand comes from storage to workgroup memory, in WGSL. There it always stands as
 * [four terms][term][row or column], four rows or columns to a vector: operands that run along K in storage are turned
 * round in registers, 4×4 at a time. Fetching and storing are apart, so that a workgroup's fetches overlap with its
 * arithmetic.
 * @module
 */
import { divideUp, wgsl } from "../kernel.ts";
import type { MatmulShape } from "./matmul.ts";
import { type MatmulTile, neighbouringQuads, threadCount } from "./matmul_tile.ts";

/** The WGSL lines of 0 … count − 1. */
export function each(count: number, line: (i: number) => string): string {
  return Array.from({ length: count }, (_, i) => line(i)).join("\n");
}

/** One operand on its way from storage to workgroup memory. */
export interface Staging {
  /** Functions of the module: how to fetch four neighbouring elements. */
  readonly functions: string;
  /** Statements before the loop: the thread's place. */
  readonly place: string;
  /** Statements that fetch the thread's share at `k`. */
  readonly fetch: string;
  /** Statements that put it into workgroup memory. */
  readonly store: string;
}

/** Which operand, how wide its tile is, of how much, and from where on. */
function operandTile(name: "a" | "b", shape: MatmulShape, tile: MatmulTile): [number, number, string] {
  return name === "a" ? [tile.rows, shape.M, "row0"] : [tile.columns, shape.N, "column0"];
}

/** `place + offset` in WGSL. */
export function plus(place: string, offset: number): string {
  return offset === 0 ? place : `(${place} + ${offset}u)`;
}

/** WGSL index of a term in workgroup memory. */
export function termIndex(term: string): string {
  return `[${term} >> 2u][${term} & 3u]`;
}

/** A WGSL block that only some threads run when `place + offset` of the last ones is not below `end`. */
function guarded(body: string, place: string, offset: number, step: number, end: number): string {
  return `${offset + step > end ? `if (${plus(place, offset)} < ${end}u) ` : ""}{\n${body}\n}`;
}

/** The staging of an operand whose rows run across the tile: four neighbours at a time, as they are. */
export function straightStaging(name: "a" | "b", shape: MatmulShape, tile: MatmulTile): Staging {
  const [width, size, origin] = operandTile(name, shape, tile);
  const quads = width / 4;
  const perPass = threadCount(tile) / quads;
  const passes = divideUp(tile.depth, perPass);
  const [quad, term, fetched] = [`${name}Quad`, `${name}Term`, `${name}Fetched`];
  const pass = (p: number, body: string) => guarded(body, term, p * perPass, perPass, tile.depth);
  const termOf = (p: number) => plus(term, p * perPass);
  return {
    functions: fetchWgsl(name, "f32", [shape.K, tile.depth], [size, width]),
    place: `let ${quad} = lane % ${quads}u;\nlet ${term} = lane / ${quads}u;`,
    fetch: each(passes, (p) => {
      const body = `${fetched}${p} = ${name}Fetch(k + ${termOf(p)}, ${origin} + 4u * ${quad});`;
      return `var ${fetched}${p}: vec4<f32>;\n${pass(p, body)}`;
    }),
    store: each(passes, (p) => pass(p, `${name}Tile${termIndex(termOf(p))}[${quad}] = ${fetched}${p};`)),
  };
}

/** The staging of an operand whose rows run along K: 4×4 blocks, which each thread turns round. */
export function turnedStaging(name: "a" | "b", shape: MatmulShape, tile: MatmulTile): Staging {
  const [width, size, origin] = operandTile(name, shape, tile);
  const blocksAlongK = tile.depth / 4;
  const quads = width / 4;
  const perPass = threadCount(tile) / blocksAlongK;
  const passes = divideUp(quads, perPass);
  // Neighbouring threads take blocks beside each other across the tile, so that their stores meet no memory bank twice.
  const neighbours = neighbouringQuads(quads);
  const [quad, four, fetched] = [`${name}Quad`, `${name}Four`, `${name}Fetched`];
  const pass = (p: number, body: string) => guarded(body, quad, p * perPass, perPass, quads);
  const quadOf = (p: number) => plus(quad, p * perPass);
  return {
    functions: fetchWgsl(name, "f32", [size, width], [shape.K, tile.depth]),
    place: `
let ${quad} = lane % ${neighbours}u + ${neighbours}u * (lane / ${neighbours * blocksAlongK}u);
let ${four} = lane / ${neighbours}u % ${blocksAlongK}u;`,
    fetch: each(passes, (p) => {
      const row = (i: number) =>
        `${fetched}${p}${i} = ${name}Fetch(${origin} + 4u * ${quadOf(p)} + ${i}u, k + 4u * ${four});`;
      return `${each(4, (i) => `var ${fetched}${p}${i}: vec4<f32>;`)}\n${pass(p, each(4, row))}`;
    }),
    store: each(passes, (p) => {
      const turned = (i: number) => [0, 1, 2, 3].map((j) => `${fetched}${p}${j}.${"xyzw"[i]}`).join(", ");
      return pass(
        p,
        each(4, (i) => `${name}Tile[${four}][${i}][${quadOf(p)}] = vec4<f32>(${turned(i)});`),
      );
    }),
  };
}

/**
 * A function that fetches four neighbours of a row-major matrix, zeros beyond it; each side is [size, tile].
 * @param type of a number that it returns
 */
export function fetchWgsl(
  name: string,
  type: string,
  [rows, rowStep]: [number, number],
  [columns, columnStep]: [number, number],
): string {
  const rowCheck = rows % rowStep === 0 ? "" : `if (row >= ${rows}u) { return vec4<${type}>(); }`;
  const head = `fn ${name}Fetch(row: u32, column: u32) -> vec4<${type}> {\n  ${rowCheck}`;
  if (columns % 4 === 0) {
    const columnCheck = columns % columnStep === 0
      ? ""
      : `if (column >= ${columns}u) { return vec4<${type}>(); }`;
    return wgsl`${head}${columnCheck}
  return vec4<${type}>(${name}[row * ${columns / 4}u + column / 4u]);
}`;
  }
  const one = (i: number) =>
    `select(${type}(), ${type}(${name}[start + min(column + ${i}u, ${
      columns - 1
    }u)]), column + ${i}u < ${columns}u)`;
  return wgsl`${head}
  let start = row * ${columns}u;
  return vec4<${type}>(${[0, 1, 2, 3].map(one).join(", ")});
}`;
}
