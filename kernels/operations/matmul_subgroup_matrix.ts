/**
 * The WGSL of a matrix product in mixed precision on tensor cores: operands in f16, or rounded to it on the way, sums in
 * f32, the epilogues of matmul.ts.
 *
 * A workgroup computes a tile of the output, each of its subgroups a part of the tile, in units of the size that the
 * device multiplies (16 x 16 x 16 on NVIDIA, 8 x 8 x 8 on Apple and lavapipe). At each stop along K all threads round
 * their share of both operands to f16 and put it into workgroup memory as it stands in storage: units are loaded by rows or
 * by columns, so nothing is turned round. What the next stop needs is fetched while the units of this one are multiplied.
 * Rows in workgroup memory are 16 bytes longer than the tile, so that neighbouring rows lie in different banks. In the end
 * a subgroup's sums go through workgroup memory, unit after unit, because WGSL does not tell which lane holds which.
 *
 * Subgroup matrices are Dawn's `chromium_experimental_subgroup_matrix`; naga has no such thing. A magnitude beyond 65504
 * becomes infinite in f16, one below 6e-8 zero.
 * @module
 */
import {
  type Dispatch,
  divideUp,
  foldWorkgroups,
  type SubgroupMatrix,
  type Tolerance,
  wgsl,
} from "../kernel.ts";
import type { MatmulShape } from "./matmul.ts";
import { partsLength } from "./matmul_split.ts";
import { each, plus } from "./matmul_staging.ts";
import { directOperand, stagedOperand } from "./matmul_subgroup_operand.ts";
import { checkSubgroupTile, scratchLength, type SubgroupTile, threadsOf } from "./matmul_subgroup_tile.ts";
import { workgroupCount } from "./matmul_tile.ts";
import { finishWgsl, matmulVectors, placeWgsl, storeColumnSums } from "./matmul_wgsl.ts";

/** How far a product of operands up to 1 in magnitude may stand from the reference. */
export function subgroupMatrixTolerance(K: number): Tolerance {
  return {
    absolute: 1e-3 * Math.sqrt(K),
    relative: 1e-5,
    reason:
      "an operand rounded to the 11 digits of f16 is off by up to 2^-11 of it, so a term by up to 2^-10; the " +
      "signs of K terms' errors are random, so their sum grows as the root of K. Sums on tensor cores may be cut off",
  };
}

/** Adds the sums of b's columns up: the threads' own, of what each staged, over the threads that staged a column. */
function finishColumnSums(
  shape: MatmulShape,
  tile: SubgroupTile,
  matrix: SubgroupMatrix,
  splits: number,
): string {
  const { N } = shape;
  const quads = tile.columns / 4;
  const partials = threadsOf(tile, matrix) / quads;
  const sum = (i: number) =>
    Array.from({ length: partials }, (_, p) => `unitScratch[4u * lane + ${4 * p * quads + i}u]`).join(" + ");
  const total = `vec4<f32>(${[0, 1, 2, 3].map(sum).join(", ")})`;
  return wgsl`
${each(4, (i) => `  unitScratch[4u * lane + ${i}u] = columnSum.${"xyzw"[i]};`)}
  workgroupBarrier();
  let j = column0 + 4u * lane;
  if (row0 == 0u && lane < ${quads}u && j < ${N}u) {
    let total = ${total};
    ${storeColumnSums(shape, splits)}
  }
  workgroupBarrier();`;
}

/**
 * The WGSL of a product with this tile.
 * @param splits parts that its terms are divided in: with several, their sums go to `scratch`
 * @throws {RangeError} when the tile is impossible
 */
export function subgroupMatrixSource(
  shape: MatmulShape,
  tile: SubgroupTile,
  matrix: SubgroupMatrix,
  splits = 1,
): string {
  checkSubgroupTile(tile, matrix);
  const { rows, columns, depth, subgroupsDown, subgroupsAcross } = tile;
  const { M, N, K, lanes } = matrix;
  const [partRows, partColumns] = [rows / subgroupsDown, columns / subgroupsAcross];
  const [unitsDown, unitsAcross] = [partRows / M, partColumns / N];
  const { globals, place, first, end } = placeWgsl(shape, tile, splits);
  const loaded = tile.direct ? directOperand : stagedOperand;
  const [a, b] = [loaded("a", shape, tile, matrix), loaded("b", shape, tile, matrix)];
  const sumsColumns = shape.epilogue === "accumulateBias";
  const eachUnit = (line: (r: number, c: number) => string) =>
    each(unitsDown, (r) => each(unitsAcross, (c) => line(r, c)));
  const products = (term: number) =>
    `{
${each(unitsDown, (r) => `let a${r} = ${a.unit(plus("partRow", r * M), term)};`)}
${
      each(unitsAcross, (c) =>
        `let b${c} = ${b.unit(plus("partColumn", c * N), term)};
${each(unitsDown, (r) => `sum${r}_${c} = subgroupMatrixMultiplyAccumulate(a${r}, b${c}, sum${r}_${c});`)}`)
    }
}`;
  const stop = wgsl`
    workgroupBarrier();
${a.store}
${b.store}
${sumsColumns ? b.names.map((fetched) => `    columnSum += vec4<f32>(${fetched});`).join("\n") : ""}
    workgroupBarrier();
    // Behind the last stop the last is fetched again, and not used.
    let next = ${
    splits === 1
      ? `min(k + ${depth}u, ${(divideUp(shape.K, depth) - 1) * depth}u)`
      : `select(k, k + ${depth}u, k + ${depth}u < ${end})`
  };
${a.fetch("next")}
${b.fetch("next")}`;
  return wgsl`
${a.declarations}
${b.declarations}
var<workgroup> unitScratch: array<f32, ${scratchLength(tile, matrix)}>;
${globals}
${finishWgsl(shape, tile, splits > 1)}
// The unit that each subgroup has put into the scratch, from its first place there on, to its place in the output.
fn finishUnit(first: u32, subgroupLane: u32, row: u32, column: u32) {
  workgroupBarrier();
  for (var quad = subgroupLane; quad < ${M * N / 4}u; quad += ${lanes}u) {
    let i = first + 4u * quad;
    let sums = vec4<f32>(unitScratch[i], unitScratch[i + 1u], unitScratch[i + 2u], unitScratch[i + 3u]);
    finish(row + quad / ${N / 4}u, column + 4u * (quad % ${N / 4}u), sums);
  }
  workgroupBarrier();
}
@compute @workgroup_size(${threadsOf(tile, matrix)})
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
  @builtin(subgroup_id) subgroup: u32,
  @builtin(subgroup_invocation_id) subgroupLane: u32,
) {
${place}
  let partRow = subgroup / ${subgroupsAcross}u * ${partRows}u;
  let partColumn = subgroup % ${subgroupsAcross}u * ${partColumns}u;
${eachUnit((r, c) => `  var sum${r}_${c}: subgroup_matrix_result<f32, ${N}, ${M}>;`)}
  ${sumsColumns ? "var columnSum: vec4<f32>;" : ""}
${a.fetched}
${b.fetched}
${a.fetch(first)}
${b.fetch(first)}
  for (var k = ${first}; k < ${end}; k += ${depth}u) {
${tile.direct ? "" : stop}
${each(depth / K, (i) => products(i * K))}
  }
${sumsColumns ? finishColumnSums(shape, tile, matrix, splits) : ""}
  let ownScratch = subgroup * ${scratchLength(tile, matrix) / (subgroupsDown * subgroupsAcross)}u;
${
    eachUnit((r, c) =>
      `  subgroupMatrixStore<row_major>(&unitScratch, ownScratch, sum${r}_${c}, ${N}u);
  finishUnit(ownScratch, subgroupLane, row0 + ${plus("partRow", r * M)}, column0 + ${
        plus("partColumn", c * N)
      });`
    )
  }
}`;
}

/** The dispatch of a product with this tile; with several splits, {@linkcode sumParts} has to follow. */
export function subgroupMatrixDispatch(
  shape: MatmulShape,
  tile: SubgroupTile,
  matrix: SubgroupMatrix,
  splits = 1,
): Dispatch {
  return {
    source: subgroupMatrixSource(shape, tile, matrix, splits),
    workgroups: foldWorkgroups(splits * workgroupCount(tile, shape.M, shape.N)),
    vectors: matmulVectors(shape).filter((name) => !tile.direct || (name !== "a" && name !== "b")),
    ...(splits > 1 && { scratchLength: partsLength(shape, splits) }),
    extensions: ["f16", "subgroups", "chromium_experimental_subgroup_matrix"],
  };
}
