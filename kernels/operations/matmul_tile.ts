/**
 * How a matrix product is divided: a workgroup computes a tile of the output, a thread a small block of that tile in
 * registers.
 * @module
 */
import { divideUp } from "../kernel.ts";

/** A division of the work. All five sizes are multiples of 4. */
export interface MatmulTile {
  /** Output rows of a workgroup. */
  readonly rows: number;
  /** Output columns of a workgroup. */
  readonly columns: number;
  /** Terms of the sum that are staged in workgroup memory at a time. */
  readonly depth: number;
  /** Output rows of a thread. */
  readonly threadRows: number;
  /** Output columns of a thread. */
  readonly threadColumns: number;
}

/**
 * The tiles to choose from, with the arithmetic rate that each reaches on a full GPU, relative to the best. The rates
 * are estimates, from how often a thread reads workgroup memory for a multiply-add.
 */
const candidates: readonly (readonly [MatmulTile, number])[] = [
  [{ rows: 128, columns: 128, depth: 16, threadRows: 8, threadColumns: 8 }, 1],
  [{ rows: 128, columns: 64, depth: 16, threadRows: 8, threadColumns: 8 }, 0.95],
  [{ rows: 128, columns: 64, depth: 16, threadRows: 8, threadColumns: 4 }, 0.85],
  [{ rows: 64, columns: 64, depth: 16, threadRows: 8, threadColumns: 8 }, 0.85],
  [{ rows: 64, columns: 64, depth: 16, threadRows: 8, threadColumns: 4 }, 0.75],
  [{ rows: 32, columns: 32, depth: 16, threadRows: 4, threadColumns: 4 }, 0.45],
];

/** The tiles that {@linkcode matmulTile} chooses from, largest first. */
export const matmulTiles: readonly MatmulTile[] = candidates.map(([tile]) => tile);

/** Processors of the GPU that is planned for: an H200 has 132. */
export const processors = 128;

/** Threads that a processor needs at a time to be busy: 8 warps, as each thread has many independent sums. */
const threadsToFill = 256;

/** How many tiles a tuner measures. */
const tunedTiles = 4;

/** The tiles that may be the fastest, by estimate, the best first. */
export function likelyTiles(M: number, N: number, splits = 1): MatmulTile[] {
  return candidates.map(([tile, rate]) => [tile, estimatedTime(tile, rate, M, N, splits)] as const)
    .sort(([, a], [, b]) => a - b).slice(0, tunedTiles).map(([tile]) => tile);
}

/** Relative to that of others. */
function estimatedTime(tile: MatmulTile, rate: number, M: number, N: number, splits: number): number {
  const workgroups = divideUp(splits * workgroupCount(tile, M, N), processors);
  const fullness = Math.min(1, workgroups * threadCount(tile) / threadsToFill);
  return workgroups * tile.rows * tile.columns / (rate * fullness);
}

/**
 * The default tile: the one with the least estimated time on the busiest processor, that is
 * (its workgroups) · (elements of a tile) / (rate · how full of threads the processor is).
 *
 * Large outputs thus get large tiles, small ones tiles that keep every processor busy, and an output such as [M, 257]
 * the tile that wastes least at its edge. A tuner can measure instead.
 */
export function matmulTile(M: number, N: number, splits = 1): MatmulTile {
  return likelyTiles(M, N, splits)[0]!;
}

/** Number of tiles that cover the output. */
export function workgroupCount(
  { rows, columns }: Pick<MatmulTile, "rows" | "columns">,
  M: number,
  N: number,
): number {
  return divideUp(M, rows) * divideUp(N, columns);
}

/** Threads of a workgroup. */
export function threadCount(tile: MatmulTile): number {
  return tile.rows / tile.threadRows * (tile.columns / tile.threadColumns);
}

/** Blocks of four columns that neighbouring threads stage, of `quads` in all. */
export function neighbouringQuads(quads: number): number {
  return quads % 8 === 0 ? 8 : 4;
}

/**
 * Refuses a tile that the generated WGSL cannot have.
 * @throws {RangeError} naming the rule it breaks
 */
export function checkMatmulTile(tile: MatmulTile): void {
  const { rows, columns, depth, threadRows, threadColumns } = tile;
  const threads = threadCount(tile);
  const sides = [rows, columns];
  const multiple = (n: number, of: number) => n > 0 && n % of === 0;
  const rules: [boolean, string][] = [
    [sides.every((side) => multiple(side, 16)), "rows and columns are multiples of 16"],
    [[depth, threadRows, threadColumns].every((n) => multiple(n, 4)), "the other sizes are multiples of 4"],
    [multiple(rows, threadRows) && multiple(columns, threadColumns), "a thread's block divides the tile"],
    [threads <= 256, "it has at most 256 threads"],
    [(rows + columns) * depth * 4 <= 16384, "it stages at most 16 KiB"],
    [
      sides.every((side) => multiple(threads, side / 4)),
      "its threads are a multiple of rows / 4 and columns / 4",
    ],
    [
      sides.every((side) => multiple(threads, neighbouringQuads(side / 4) * depth / 4)),
      "its threads are a multiple of 2 · depth",
    ],
  ];
  for (const [kept, rule] of rules) {
    if (!kept) {
      throw new RangeError(`Cannot multiply with tile ${JSON.stringify(tile)}: use one where ${rule}`);
    }
  }
}
