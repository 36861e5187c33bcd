/**
 * The byte before each byte that is predicted, where the bytes of a file are one run. Row r = n·S + t of the byte level
 * predicts byte t of the patch that feature n foretells:
 *
 *   previous(n, 0) = patches[n, S − 1], previous(n, t) = tokens[n, t − 1]
 *
 * patches and tokens [N, S]: each patch, and the one behind it
 * @module
 */
import { wgsl } from "../kernel.ts";

/** The byte before the one that a row predicts. */
export function previousByte(S: number, tokens: Uint32Array, patches: Uint32Array, row: number): number {
  return row % S === 0 ? patches[row + S - 1]! : tokens[row - 1]!;
}

/** The same as a WGSL function `previousByte(row)`, for kernels with the operands `tokens` and `patches`. */
export function previousByteWgsl(S: number): string {
  return wgsl`
fn previousByte(row: u32) -> u32 {
  if (row % ${S}u == 0u) { return patches[row + ${S - 1}u]; }
  return tokens[row - 1u];
}`;
}

/**
 * WGSL for `belongs` of row_sums.ts, where rows of the target are those of a table of V bytes for each of the S positions
 * one below the other, and items are patches: whether the byte before that position is the row's.
 */
export function belongsToPreviousByteWgsl(S: number, V: number): string {
  const first = `patches[item * ${S}u + ${S - 1}u]`;
  const others = `tokens[item * ${S}u + max(row / ${V}u, 1u) - 1u]`;
  return `select(${others}, ${first}, row < ${V}u) == row % ${V}u`;
}
