/**
 * Which rows a row of `attention.ts` sees: those of its file up to itself, with a window only the latest of them,
 *
 *   k = max(fileStart[q], q + 1 − window) … q.
 *
 * @module
 */

/** What of a shape says which rows are seen; without a window a row sees all of its file. */
export interface Windowed {
  /** Rows of the strip. */
  readonly P: number;
  /** Rows that a row sees. */
  readonly window?: number;
}

/** The window held to the P rows there are, which hides nothing where there is none. */
export function windowRows({ P, window = P }: Windowed): number {
  return Math.min(window, P);
}

/** The first row that row q sees. */
export function firstKey(shape: Windowed, fileStart: Uint32Array, q: number): number {
  return Math.max(fileStart[q]!, q + 1 - windowRows(shape));
}

/** The same in WGSL, given the WGSL of q. */
export function firstKeyWgsl(shape: Windowed, q: string): string {
  const start = `fileStart[${q}]`;
  const rows = windowRows(shape);
  return shape.window === undefined ? start : `max(${start}, max(${q} + 1u, ${rows}u) - ${rows}u)`;
}

/** Pairs of a query and a key in one file that fills the strip. */
export function pairsOf(shape: Windowed): number {
  const rows = windowRows(shape);
  return rows * (rows + 1) / 2 + (shape.P - rows) * rows;
}

/** @throws {RangeError} when the window is no whole number of rows, at least 1 */
export function checkWindow({ window = 1 }: Windowed): void {
  if (!Number.isInteger(window) || window < 1) {
    throw new RangeError(
      `Cannot plan attention with a window of ${window} rows: it must be a whole number, at least 1. Leave it out for all rows`,
    );
  }
}
