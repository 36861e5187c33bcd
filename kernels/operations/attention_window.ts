/**
 * Which rows a row of `attention.ts` sees: those of its file up to itself, with a window only the latest of them,
 *
 *   k = max(fileStart[q], q + 1 − window) … q.
 *
 * The first `globalHeads` of the heads have no window (Beltagy et al., Longformer, 2020, mixes both in other ways).
 *
 * @module
 */

/** What of a shape says which rows are seen; without a window a row sees all of its file. */
export interface Windowed {
  /** Rows of the strip. */
  readonly P: number;
  /** Heads. */
  readonly H: number;
  /** Rows that a row sees. */
  readonly window?: number;
  /** Heads without the window; absent: 0. */
  readonly globalHeads?: number;
}

/** The window held to the P rows there are, which hides nothing where there is none. */
export function windowRows({ P, window = P }: Windowed): number {
  return Math.min(window, P);
}

/** The first row that row q sees in head h. */
export function firstKey(shape: Windowed, fileStart: Uint32Array, q: number, h: number): number {
  const rows = h < (shape.globalHeads ?? 0) ? shape.P : windowRows(shape);
  return Math.max(fileStart[q]!, q + 1 - rows);
}

/** The same in WGSL, given the WGSL of q; the head is `head`. */
export function firstKeyWgsl(shape: Windowed, q: string): string {
  const { window, globalHeads = 0 } = shape;
  const start = `fileStart[${q}]`;
  if (window === undefined) return start;
  const rows = windowRows(shape);
  const latest = `max(${start}, max(${q} + 1u, ${rows}u) - ${rows}u)`;
  return globalHeads > 0 ? `select(${latest}, ${start}, head < ${globalHeads}u)` : latest;
}

/** Pairs of a query and a key, of all heads, in one file that fills the strip. */
export function pairsOf(shape: Windowed): number {
  const { P, H, globalHeads = 0 } = shape;
  const pairs = (rows: number) => rows * (rows + 1) / 2 + (P - rows) * rows;
  return globalHeads * pairs(P) + (H - globalHeads) * pairs(windowRows(shape));
}

/** @throws {RangeError} when the window is no whole number of rows, at least 1, or other heads are to do without it */
export function checkWindow({ H, window = 1, globalHeads = 0 }: Windowed): void {
  if (!Number.isInteger(globalHeads) || globalHeads < 0 || globalHeads > H) {
    throw new RangeError(
      `Cannot plan attention with ${globalHeads} of ${H} heads without a window: it must be a whole number, at most ${H}`,
    );
  }
  if (!Number.isInteger(window) || window < 1) {
    throw new RangeError(
      `Cannot plan attention with a window of ${window} rows: it must be a whole number, at least 1. Leave it out for all rows`,
    );
  }
}
