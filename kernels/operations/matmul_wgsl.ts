/**
 * The WGSL of a matrix product, generated for a shape and a tile.
 *
 * A workgroup walks along K. At each stop its threads stage `depth` terms of both operands in workgroup memory (see
 * matmul_staging.ts), then every thread adds the outer products of its rows and columns. These are unrolled four terms at
 * a time, with one name per accumulator, because naga counts every loop and clamps every dynamic index: one clamp then
 * serves four terms. Unrolling all sixteen made Mesa 22.3 compile for many seconds. Bounds are checked only where the
 * tile does not divide the shape.
 * @module
 */
import { type Dispatch, divideUp, foldWidth, foldWorkgroups, wgsl } from "../kernel.ts";
import { geluWgsl } from "./gelu.ts";
import type { MatmulShape } from "./matmul.ts";
import { partColumnSums, partsLength, partTerms } from "./matmul_split.ts";
import { each, plus, straightStaging, termIndex, turnedStaging } from "./matmul_staging.ts";
import { checkMatmulTile, type MatmulTile, threadCount, workgroupCount } from "./matmul_tile.ts";

/**
 * The function that turns four neighbouring sums into output.
 * @param partial whether they are of a part of the terms only, and go to `scratch` as they are
 */
export function finishWgsl(
  { M, N, epilogue }: MatmulShape,
  tile: Pick<MatmulTile, "rows" | "columns">,
  partial = false,
): string {
  const vector = N % 4 === 0;
  const type = vector ? "vec4<f32>" : "f32";
  const statements = {
    none: "out[i] = outElement(sum);",
    bias: "out[i] = outElement(sum + bias[j]);",
    biasGelu:
      "let before = sum + bias[j];\n  pre[i] = preElement(before);\n  out[i] = outElement(gelu(before));",
    biasResidual: "out[i] = outElement(residual[i] + (sum + bias[j]));",
    geluGradient: `out[i] = outElement(sum * geluGradient(${type}(pre[i])));`,
    accumulate: "out[i] += sum;",
    accumulateBias: "out[i] += sum;",
  };
  const outside = [
    M % tile.rows === 0 ? [] : [`row >= ${M}u`],
    N % tile.columns === 0 ? [] : [`column >= ${N}u`],
  ].flat();
  return wgsl`
${epilogue === "biasGelu" || epilogue === "geluGradient" ? geluWgsl(type) : ""}
fn ${vector ? "finish" : "finishOne"}(row: u32, column: u32, sum: ${type}) {
  ${outside.length === 0 ? "" : `if (${outside.join(" || ")}) { return; }`}
  let j = ${vector ? "column / 4u" : "column"};
  let i = row * ${vector ? N / 4 : N}u + j;
  ${partial ? `scratch[part * ${M * N / (vector ? 4 : 1)}u + i] = sum;` : statements[epilogue]}
}` + (vector ? "" : wgsl`
fn finish(row: u32, column: u32, sum: vec4<f32>) {
${each(4, (i) => `  finishOne(row, column + ${i}u, sum.${"xyzw"[i]});`)}
}`);
}

/** The outer products of one stop. */
function productWgsl({ rows, columns, depth, threadRows, threadColumns }: MatmulTile): string {
  const [rowQuads, columnQuads] = [threadRows / 4, threadColumns / 4];
  const [threadsDown, threadsAcross] = [rows / threadRows, columns / threadColumns];
  const multiplyAdd = (r: number, j: number) => {
    const factor = `a${r >> 2}.${"xyzw"[r & 3]}`;
    return `sum${r}${j} = fma(vec4<f32>(${factor}), b${j}, sum${r}${j});`;
  };
  const term = (k: number) =>
    `{
${each(rowQuads, (i) => `let a${i} = aTile[four][${k}][${plus("threadRow", i * threadsDown)}];`)}
${each(columnQuads, (j) => `let b${j} = bTile[four][${k}][${plus("threadColumn", j * threadsAcross)}];`)}
${each(threadRows, (r) => each(columnQuads, (j) => multiplyAdd(r, j)))}
}`;
  return `for (var four = 0u; four < ${depth / 4}u; four++) {\n${each(4, term)}\n}`;
}

/** The sums of b's columns: each thread adds up what it stages, and the first row of tiles adds these together. */
function columnSums(shape: MatmulShape, tile: MatmulTile, splits: number): { add: string; finish: string } {
  const { N } = shape;
  const threads = threadCount(tile);
  const quads = tile.columns / 4;
  const perPass = threads / quads;
  const passes = divideUp(tile.depth, perPass);
  const partials = Math.min(perPass, tile.depth);
  return {
    add: each(passes, (p) => `    columnSum += bFetched${p};`),
    finish: wgsl`
  workgroupBarrier();
  if (bTerm < ${partials}u) { bTile${termIndex("bTerm")}[bQuad] = columnSum; }
  workgroupBarrier();
  let j = column0 + 4u * lane;
  if (row0 == 0u && lane < ${quads}u && j < ${N}u) {
    var total = bTile[0][0][lane];
${each(partials - 1, (i) => `    total += bTile[${(i + 1) >> 2}][${(i + 1) & 3}][lane];`)}
    ${storeColumnSums(shape, splits)}
  }`,
  };
}

/** Adds `total`, the sums of b's four columns from `j` on, to the output, or puts it where the parts' sums are. */
export function storeColumnSums(shape: MatmulShape, splits: number): string {
  const { N } = shape;
  const [sums, assign] = splits === 1 ? ["dBias", "+="] : ["scratch", "="];
  const first = splits === 1 ? "" : `${partColumnSums(shape, splits)} + `;
  return N % 4 === 0
    ? `${sums}[(${first}j) / 4u] ${assign} total;`
    : each(4, (i) => `if (j + ${i}u < ${N}u) { ${sums}[${first}j + ${i}u] ${assign} total.${"xyzw"[i]}; }`);
}

/** How a workgroup finds its tile, and which part of the terms it sums. */
export function placeWgsl(
  { M, N, K }: MatmulShape,
  tile: Pick<MatmulTile, "rows" | "columns">,
  splits: number,
): { readonly globals: string; readonly place: string; readonly first: string; readonly end: string } {
  const tiles = workgroupCount(tile, M, N);
  const count = tiles * splits;
  const across = divideUp(N, tile.columns);
  const terms = partTerms(K, splits);
  return {
    globals: splits === 1 ? "" : "var<private> part: u32;",
    place: wgsl`
  let index = group.y * ${foldWidth(count)}u + group.x;
  ${count % foldWidth(count) === 0 ? "" : `if (index >= ${count}u) { return; }`}
  ${
      splits === 1 ? "" : `part = index / ${tiles}u;
  let firstTerm = index / ${tiles}u * ${terms}u;
  let endTerm = min(firstTerm + ${terms}u, ${K}u);`
    }
  let row0 = index ${splits === 1 ? "" : `% ${tiles}u `}/ ${across}u * ${tile.rows}u;
  let column0 = index % ${across}u * ${tile.columns}u;`,
    first: splits === 1 ? "0u" : "firstTerm",
    end: splits === 1 ? `${K}u` : "endTerm",
  };
}

/**
 * The WGSL of a product with this tile.
 * @param splits parts that its terms are divided in: with several, their sums go to `scratch`
 * @throws {RangeError} when the tile is impossible
 */
export function matmulSource(shape: MatmulShape, tile: MatmulTile, splits = 1): string {
  checkMatmulTile(tile);
  const { rows, columns, depth, threadRows, threadColumns } = tile;
  const threads = threadCount(tile);
  const threadsAcross = columns / threadColumns;
  const { globals, place, first, end } = placeWgsl(shape, tile, splits);
  const a = (shape.layout === "TN" ? straightStaging : turnedStaging)("a", shape, tile);
  const b = (shape.layout === "NT" ? turnedStaging : straightStaging)("b", shape, tile);
  const sums = shape.epilogue === "accumulateBias" ? columnSums(shape, tile, splits) : undefined;
  const columnQuads = threadColumns / 4;
  return wgsl`
var<workgroup> aTile: array<array<array<vec4<f32>, ${rows / 4}>, 4>, ${depth / 4}>;
var<workgroup> bTile: array<array<array<vec4<f32>, ${columns / 4}>, 4>, ${depth / 4}>;
${a.functions}
${b.functions}
${globals}
${finishWgsl(shape, tile, splits > 1)}
@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
${place}
  let threadRow = lane / ${threadsAcross}u;
  let threadColumn = lane % ${threadsAcross}u;
${a.place}
${b.place}
${each(threadRows, (r) => each(columnQuads, (j) => `  var sum${r}${j}: vec4<f32>;`))}
  ${sums === undefined ? "" : "var columnSum: vec4<f32>;"}
  for (var k = ${first}; k < ${end}; k += ${depth}u) {
${a.fetch}
${b.fetch}
${sums?.add ?? ""}
    workgroupBarrier();
${a.store}
${b.store}
    workgroupBarrier();
${productWgsl(tile)}
  }
  // A loop over a copy, because code for every accumulator would be most of the program and of its compilation.
  var blocks = array<vec4<f32>, ${threadRows * columnQuads}>(
${each(threadRows, (r) => each(columnQuads, (j) => `    sum${r}${j},`))}
  );
  for (var i = 0u; i < ${threadRows * columnQuads}u; i++) {
    let r = i / ${columnQuads}u;
    let row = row0 + 4u * (threadRow + (r >> 2u) * ${rows / threadRows}u) + (r & 3u);
    let column = column0 + 4u * (threadColumn + i % ${columnQuads}u * ${threadsAcross}u);
    finish(row, column, blocks[i]);
  }
${sums?.finish ?? ""}
}`;
}

/** The operands of a product that are declared as vectors: those whose rows are a multiple of four. */
export function matmulVectors({ layout, M, N, K }: MatmulShape): string[] {
  const strides = { a: layout === "TN" ? M : K, b: layout === "NT" ? K : N };
  const vectors = ["out", "bias", "residual", "pre", "dBias", "scratch"].filter(() => N % 4 === 0);
  if (strides.a % 4 === 0) vectors.push("a");
  if (strides.b % 4 === 0) vectors.push("b");
  return vectors;
}

/** The dispatch of a product with this tile; with several splits, {@linkcode sumParts} has to follow. */
export function matmulDispatch(shape: MatmulShape, tile: MatmulTile, splits = 1): Dispatch {
  return {
    source: matmulSource(shape, tile, splits),
    workgroups: foldWorkgroups(splits * workgroupCount(tile, shape.M, shape.N)),
    vectors: matmulVectors(shape),
    ...(splits > 1 && { scratchLength: partsLength(shape, splits) }),
  };
}

/** The dispatch that adds the parts up and finishes the output. */
export function sumParts(shape: MatmulShape, splits: number): Dispatch {
  const { M, N, epilogue } = shape;
  const width = N % 4 === 0 ? 4 : 1;
  const type = width === 4 ? "vec4<f32>" : "f32";
  const [outputs, columns] = [M * N / width, epilogue === "accumulateBias" ? N / width : 0];
  const groups = divideUp(outputs + columns, 256);
  const source = wgsl`
${finishWgsl(shape, { rows: 1, columns: width })}
fn sumOf(first: u32, step: u32) -> ${type} {
  var sum = scratch[first];
  for (var part = 1u; part < ${splits}u; part++) { sum += scratch[first + part * step]; }
  return sum;
}
@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * ${foldWidth(groups)}u + group.x) * 256u + lane;
  if (i < ${outputs}u) {
    ${width === 4 ? "finish" : "finishOne"}(i / ${N / width}u, i % ${
    N / width
  }u * ${width}u, sumOf(i, ${outputs}u));
  }
  ${
    columns === 0 ? "" : `else if (i < ${outputs + columns}u) {
    let j = i - ${outputs}u;
    dBias[j] += sumOf(${splits * outputs}u + j, ${columns}u);
  }`
  }
}`;
  return {
    source,
    workgroups: foldWorkgroups(groups),
    vectors: matmulVectors(shape),
    scratchLength: partsLength(shape, splits),
  };
}
