/**
 * How a matrix product on tensor cores is divided: a workgroup computes a tile of the output, a subgroup a part of that
 * tile in units of the size that the device multiplies.
 * @module
 */
import type { SubgroupMatrix } from "../kernel.ts";
import type { MatmulShape } from "./matmul.ts";
import { processors, workgroupCount } from "./matmul_tile.ts";

/** A division of the work. */
export interface SubgroupTile {
  /** Output rows of a workgroup. */
  readonly rows: number;
  /** Output columns of a workgroup. */
  readonly columns: number;
  /** Terms of the sum that are staged in workgroup memory at a time. */
  readonly depth: number;
  /** Subgroups beneath each other in the tile. */
  readonly subgroupsDown: number;
  /** Subgroups beside each other in the tile. */
  readonly subgroupsAcross: number;
  /** Whether units are loaded straight from storage, for products that {@linkcode isDirect} allows. */
  readonly direct?: boolean;
}

/**
 * The tiles to choose from, largest first. A subgroup of the first has 64 x 32 sums: on NVIDIA 64 registers of a thread
 * besides 32 for what it fetches, and 8 products for 6 units that it loads. Not measured on a GPU yet.
 */
export const subgroupTiles: readonly SubgroupTile[] = [
  { rows: 128, columns: 128, depth: 32, subgroupsDown: 2, subgroupsAcross: 4 },
  { rows: 64, columns: 64, depth: 32, subgroupsDown: 2, subgroupsAcross: 2 },
  { rows: 32, columns: 32, depth: 32, subgroupsDown: 2, subgroupsAcross: 2 },
];

/** More for a tuner to measure: other shapes, and more terms a stop. */
const furtherTiles: readonly SubgroupTile[] = [
  { rows: 128, columns: 64, depth: 32, subgroupsDown: 4, subgroupsAcross: 2 },
  { rows: 64, columns: 128, depth: 32, subgroupsDown: 2, subgroupsAcross: 4 },
  { rows: 64, columns: 64, depth: 64, subgroupsDown: 2, subgroupsAcross: 2 },
];

/** Without workgroup memory there are fewer barriers, and no copying; the cache has to do. */
const directTiles: readonly SubgroupTile[] = [
  { rows: 128, columns: 128, depth: 32, subgroupsDown: 2, subgroupsAcross: 4, direct: true },
  { rows: 64, columns: 64, depth: 32, subgroupsDown: 2, subgroupsAcross: 2, direct: true },
];

/** Whether a product can have its units straight from storage: its operands are f16, and nothing of a tile is beyond them. */
export function isDirect(
  { M, N, K, epilogue }: MatmulShape,
  { rows, columns, depth }: SubgroupTile,
  halves: ReadonlySet<string>,
): boolean {
  return halves.has("a") && halves.has("b") && M % rows === 0 && N % columns === 0 && K % depth === 0 &&
    epilogue !== "accumulateBias"; // The sums of b's columns are made on the way through workgroup memory.
}

/** The tiles that may be the fastest, the default one first; none where the device can have none. */
export function likelySubgroupTiles(
  shape: MatmulShape,
  matrix: SubgroupMatrix,
  splits: number,
  halves: ReadonlySet<string>,
): SubgroupTile[] {
  const first = subgroupTile(shape.M, shape.N, matrix, splits);
  if (first === undefined) return [];
  const others = [
    ...subgroupTiles,
    ...furtherTiles,
    ...directTiles.filter((tile) => isDirect(shape, tile, halves)),
  ];
  const possible = others.filter((tile) => tile !== first && brokenRule(tile, matrix) === undefined);
  return [first, ...possible];
}

/** What a row in workgroup memory is longer than the tile by, in f16: 16 bytes, which units are aligned to. */
export const tilePadding = 8;

/** f32 of the scratch that units pass through, and the column sums of all threads. */
export function scratchLength(
  { subgroupsDown, subgroupsAcross }: SubgroupTile,
  { M, N, lanes }: SubgroupMatrix,
): number {
  return subgroupsDown * subgroupsAcross * Math.max(M * N, 4 * lanes);
}

/** Threads of a workgroup. */
export function threadsOf(
  { subgroupsDown, subgroupsAcross }: SubgroupTile,
  { lanes }: SubgroupMatrix,
): number {
  return subgroupsDown * subgroupsAcross * lanes;
}

/** The rule that a tile breaks on this device, if it breaks one. */
function brokenRule(tile: SubgroupTile, matrix: SubgroupMatrix): string | undefined {
  const { rows, columns, depth, subgroupsDown, subgroupsAcross } = tile;
  const threads = subgroupsDown * subgroupsAcross * matrix.lanes;
  const stagedBytes = 2 * Math.max(rows * (depth + tilePadding), depth * (rows + tilePadding)) +
    2 * Math.max(columns * (depth + tilePadding), depth * (columns + tilePadding));
  const rules: [boolean, string][] = [
    [
      rows % (subgroupsDown * matrix.M) === 0 && columns % (subgroupsAcross * matrix.N) === 0 &&
      depth % matrix.K === 0,
      "units divide a subgroup's part",
    ],
    [[rows, columns, depth].every((size) => size % 8 === 0), "all sizes are multiples of 8"],
    [threads <= 256, "it has at most 256 threads"],
    [threads % (columns / 4) === 0, "its threads are a multiple of columns / 4"],
    [stagedBytes + 4 * scratchLength(tile, matrix) <= 32768, "it takes at most 32 KiB"],
  ];
  return rules.find(([kept]) => !kept)?.[1];
}

/**
 * Refuses a tile that the generated WGSL cannot have.
 * @throws {RangeError} naming the rule it breaks
 */
export function checkSubgroupTile(tile: SubgroupTile, matrix: SubgroupMatrix): void {
  const rule = brokenRule(tile, matrix);
  if (rule !== undefined) {
    throw new RangeError(
      `Cannot multiply with tile ${JSON.stringify(tile)} in units of ${
        JSON.stringify(matrix)
      }: use one where ${rule}`,
    );
  }
}

/**
 * The default tile: the largest of which there are enough to keep every processor busy, else the smallest; `undefined`
 * where the device can have none. A tuner can measure instead.
 */
function subgroupTile(
  M: number,
  N: number,
  matrix: SubgroupMatrix,
  splits = 1,
): SubgroupTile | undefined {
  const possible = subgroupTiles.filter((tile) => brokenRule(tile, matrix) === undefined);
  return possible.find((tile) => splits * workgroupCount(tile, M, N) >= processors) ?? possible.at(-1);
}
