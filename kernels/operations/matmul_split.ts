/**
 * Products whose output is small and whose sums are long: a weight gradient of 768 x 768 sums over all rows of a batch, and
 * tiles of its output alone would leave most of a large GPU idle. So the terms are divided as well: workgroups compute
 * sums of parts of them, and a second dispatch adds these up, in one order.
 *
 * In how many parts depends on the sizes alone, never on the device or the tile, so that the bits do not either.
 * @module
 */
import { divideUp } from "../kernel.ts";
import type { MatmulShape } from "./matmul.ts";
import { processors } from "./matmul_tile.ts";

/** Parts begin at multiples of so many terms: a multiple of every tile's depth. */
const partAlignment = 64;

/** Terms that a part has at least: fewer would cost more to add up than they gain. */
const leastTerms = 512;

/** Sides of the outputs of a workgroup that a split is decided by. */
const tileSide = 128;

/**
 * In how many parts the terms of a product are divided: as many as give each processor a large tile. Only products with a
 * long sum over rows are; in the others a row's bits would depend on how many others there are.
 */
export function splitsOf({ layout, M, N, K }: MatmulShape): number {
  if (layout !== "TN") return 1;
  const tiles = divideUp(M, tileSide) * divideUp(N, tileSide);
  const wanted = Math.min(divideUp(processors, tiles), Math.floor(K / leastTerms));
  return wanted <= 1 ? 1 : divideUp(K, partTerms(K, wanted));
}

/** Terms of every part but the last, which may have fewer. */
export function partTerms(K: number, splits: number): number {
  return divideUp(K, splits * partAlignment) * partAlignment;
}

/** Numbers that the parts leave: their products, and behind them their sums of b's columns. */
export function partsLength({ M, N, epilogue }: MatmulShape, splits: number): number {
  return splits * (M * N + (epilogue === "accumulateBias" ? N : 0));
}

/** WGSL index of the first of a part's sums of b's columns. */
export function partColumnSums({ M, N }: MatmulShape, splits: number): string {
  return `(${splits * M * N}u + part * ${N}u)`;
}
