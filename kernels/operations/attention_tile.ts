/**
 * The tile that every attention kernel is made of: a lane keeps four rows × four columns (a vec4 a row) in registers,
 * so that eight 16-byte loads feed 64 multiply-adds, where one row and one column would take 32 loads. Loops are
 * unrolled here, because naga puts a counter into every WGSL loop and clamps every dynamic index.
 * @module
 */
import { divideUp, wgsl } from "../kernel.ts";
import { randomWgsl } from "../random.ts";
import { dropoutWgsl, maskStartWgsl } from "./dropout.ts";

const components = ["x", "y", "z", "w"] as const;

/** `line` for 0 … count − 1, one below the other. */
export function unroll(count: number, line: (i: number) => string): string {
  return Array.from({ length: count }, (_, i) => line(i)).join("\n");
}

/** `expression` for 0 … 3 as a vec4. */
export function vec4(expression: (i: number) => string): string {
  return `vec4f(${[0, 1, 2, 3].map(expression).join(", ")})`;
}

/** Component `i` of a vec4. */
export function component(vector: string, i: number): string {
  return `${vector}.${components[i]}`;
}

/** The largest component of a vec4. */
export function largest(vector: string): string {
  return `max(max(${vector}.x, ${vector}.y), max(${vector}.z, ${vector}.w))`;
}

/**
 * sum(i, c) += Σⱼ left(i)ⱼ · right(j, c) for four rows i, four inner positions j and `width` vec4 of columns c.
 * @param left vec4 of row i at the inner positions 0 … 3
 * @param right vec4 c of columns at the inner position j
 */
export function accumulate(
  width: number,
  sum: (i: number, c: number) => string,
  left: (i: number) => string,
  right: (j: number, c: number) => string,
): string {
  return wgsl`{
${unroll(4, (i) => `let left${i} = ${left(i)};`)}
${unroll(4, (j) => unroll(width, (c) => `let right${j}_${c} = ${right(j, c)};`))}
${
    unroll(4, (j) =>
      unroll(width, (c) =>
        unroll(4, (i) => `${sum(i, c)} += ${component(`left${i}`, j)} * right${j}_${c};`)))
  }
}`;
}

/** Largest of 4, 2 and 1 that divides `count`: how often a loop of that many rounds is unrolled. */
export function unrollFactor(count: number): number {
  return count % 4 === 0 ? 4 : count % 2 === 0 ? 2 : 1;
}

/** Rows (queries or keys) of a workgroup's tile, and its columns (keys or queries): one lane for 4 × 4. */
export const tileSize = 32;

/** Lanes side by side in a tile: four columns each. */
export const tileWidth: number = tileSize / 4;

/** Lanes of a workgroup. */
export const tileLanes: number = tileWidth * tileWidth;

/** The sizes that the tile functions of the patch level need; vec4 are counted, not numbers. */
export interface TileShape {
  readonly P: number;
  /** D / 4, at most 16: with more the columns of a tile would not fit 16 KiB beside its weights. */
  readonly depth: number;
}

/** vec4 of a row of channels that one lane keeps. */
export function laneDepth({ depth }: TileShape): number {
  return divideUp(depth, tileWidth);
}

/** Workgroup memory of a tile: 8 KiB and 4 KiB at D = 64. Quarters of a warp read 128 bytes in a row of both. */
export function tileMemory({ depth }: TileShape): string {
  return wgsl`
var<workgroup> columns: array<vec4f, ${4 * depth * tileWidth}>; // [D, 32]
var<workgroup> weights: array<vec4f, ${tileSize * tileWidth}>; // [32 rows, 32 columns]`;
}

/**
 * WGSL function that fills `columns` with 32 rows of a matrix, transposed on the way.
 * @param stride vec4 from one row to the next
 */
export function stageFunction(name: string, matrix: string, stride: number, { P, depth }: TileShape): string {
  const units = depth * tileWidth;
  return wgsl`
fn ${name}(first: u32, offset: u32, lane: u32) {
${
    unroll(divideUp(units, tileLanes), (n) => {
      const guard = (n + 1) * tileLanes > units ? `if (lane + ${n * tileLanes}u < ${units}u) ` : "";
      return wgsl`  ${guard}{
    let row = first + 4u * (lane % ${tileWidth}u);
    let d = (lane + ${n * tileLanes}u) / ${tileWidth}u;
${
        unroll(
          4,
          (i) => `    let x${i} = vec4f(${matrix}[min(row + ${i}u, ${P - 1}u) * ${stride}u + offset + d]);`,
        )
      }
${
        unroll(4, (j) =>
          `    columns[(4u * d + ${j}u) * ${tileWidth}u + lane % ${tileWidth}u] = ` +
          `${vec4((i) => component(`x${i}`, j))};`)
      }
  }`;
    })
  }
}`;
}

/**
 * sumᵢ = Σ_d rowᵢ[d] · columns[d], the lane's 4 × 4 of a tile's products.
 * @param row vec4 `d` of row i, given the WGSL of d
 */
export function tileProducts(
  { depth }: TileShape,
  sum: string,
  row: (i: number, d: string) => string,
): string {
  const factor = unrollFactor(depth);
  return wgsl`
${unroll(4, (i) => `var ${sum}${i} = vec4f();`)}
for (var d = 0u; d < ${depth}u; d += ${factor}u) {
${
    unroll(factor, (n) =>
      accumulate(
        1,
        (i) => `${sum}${i}`,
        (i) => row(i, `d + ${n}u`),
        (j) => `columns[(4u * d + ${4 * n + j}u) * ${tileWidth}u + column]`,
      ))
  }
}`;
}

/**
 * sumᵢ_c += Σₖ weights[rowᵢ, k] · matrix[first + k, c]: the tile's weights times 32 rows of a matrix.
 * @param offset vec4 in a matrix row before the head's channels
 */
export function tileWeighted(
  shape: TileShape,
  sum: string,
  matrix: { name: string; stride: number; first: string; offset: string },
): string {
  const { name, stride, first, offset } = matrix;
  return wgsl`
for (var k = 0u; k < ${tileWidth}u; k += 2u) {
${
    unroll(2, (n) => {
      const rowIndex = (j: number) => `min(${first} + 4u * k + ${4 * n + j}u, ${shape.P - 1}u)`;
      return wgsl`{
${unroll(4, (j) => `let at${j} = ${rowIndex(j)} * ${stride}u + ${offset};`)}
${
        accumulate(
          laneDepth(shape),
          (i, c) => `${sum}${i}_${c}`,
          (i) => `weights[(4u * row + ${i}u) * ${tileWidth}u + k + ${n}u]`,
          (j, c) => `vec4f(${name}[at${j} + ${channel(shape, c)}])`,
        )
      }
}`;
    })
  }
}`;
}

/** Which vec4 of the channels a lane's c-th one is; lanes beyond the last read the last and write nothing. */
export function channel({ depth }: TileShape, c: number): string {
  const index = `column + ${c * tileWidth}u`;
  return (c + 1) * tileWidth > depth ? `min(${index}, ${depth - 1}u)` : index;
}

/**
 * Writes a lane's four rows of channels.
 * @param value WGSL of the vec4 c of row i
 */
export function storeRows(
  shape: TileShape,
  target: { name: string; stride: number; offset: string; first: string },
  value: (i: number, c: number) => string,
): string {
  const { name, stride, offset, first } = target;
  return unroll(4, (i) =>
    wgsl`if (${first} + ${i}u < ${shape.P}u) {
${
      unroll(laneDepth(shape), (c) => {
        const partial = (c + 1) * tileWidth > shape.depth;
        const guard = partial ? `if (column + ${c * tileWidth}u < ${shape.depth}u) ` : "";
        return `  ${guard}{ ${name}[(${first} + ${i}u) * ${stride}u + ${offset} + ${channel(shape, c)}] = ` +
          `${name}Element(${value(i, c)}); }`;
      })
    }
}`);
}

/** Below every score; finite, because WGSL promises nothing about infinities. */
export const lowest = "-1e30";

/** WGSL literal of 1 / √D. */
export function scale(D: number): string {
  return `${1 / Math.sqrt(D)}f`;
}

/** WGSL functions of the dropout mask, or none. */
export function maskWgsl(
  { dropout, stream, maskStride }: { dropout: boolean; stream: number; maskStride?: number },
): string {
  if (!dropout) return "";
  return wgsl`${randomWgsl}${dropoutWgsl}
fn maskOf(i: u32, stride: u32) -> vec4f {
  return ${vec4((j) => `dropoutFactor(i + ${j}u * stride${maskStartWgsl(maskStride)}, ${stream}u)`)};
}`;
}

/** `value` times the four dropout factors from `index` on, `stride` apart. */
export function masked(
  { dropout }: { dropout: boolean },
  value: string,
  index: string,
  stride: number,
): string {
  return dropout ? `maskOf(${index}, ${stride}u) * ${value}` : value;
}

/** @throws {RangeError} when the kernels have no tile for D channels a head */
export function checkChannels({ D }: { D: number }): void {
  if (D % 4 !== 0 || D < 4 || D > 64) {
    throw new RangeError(
      `Cannot plan attention with ${D} channels a head: it must be a multiple of 4 and at most 64`,
    );
  }
}
