/**
 * Which row a sequence is at, by its state (see sequences.ts): within its slot of L rows, held to it,
 *
 *   lastPatch   patches so far − 1
 *   nextByte    bytes in the patch being made
 *
 * and where that row stands in its file, whose rows at the byte level are those of all patches with S bytes each. A row
 * of bytes predicts the patch behind it, so the next byte's is one of the last patch:
 *
 *   lastPatch   patches so far − 1
 *   nextByte    (patches so far − 1) · S + bytes in the patch being made, at most S − 1
 *
 * @module
 */

/** At the patch level the last patch, at the byte level the byte that comes next. */
export type SequenceRow = "lastPatch" | "nextByte";

/**
 * The row within the slot of sequence b.
 * @param sequences states [B, 4]
 * @param L rows of a slot
 */
export function rowInSlot(row: SequenceRow, sequences: Uint32Array, b: number, L: number): number {
  const at = row === "nextByte" ? sequences[4 * b + 1]! : Math.max(sequences[4 * b]!, 1) - 1;
  return Math.min(at, L - 1);
}

/** The same in WGSL, where `sequences` is an array of `vec4<u32>`. */
export function rowInSlotWgsl(row: SequenceRow, b: string, L: number): string {
  const at = row === "nextByte" ? `sequences[${b}].y` : `max(sequences[${b}].x, 1u) - 1u`;
  return `min(${at}, ${L - 1}u)`;
}

/**
 * The row of its file that sequence b is at.
 * @param sequences states [B, 4]
 * @param S bytes of a patch
 */
export function rowInFile(row: SequenceRow, sequences: Uint32Array, b: number, S: number): number {
  const patch = Math.max(sequences[4 * b]!, 1) - 1;
  return row === "lastPatch" ? patch : patch * S + Math.min(sequences[4 * b + 1]!, S - 1);
}

/** The same in WGSL, where `sequences` is an array of `vec4<u32>`. */
export function rowInFileWgsl(row: SequenceRow, b: string, S: number): string {
  const patch = `(max(sequences[${b}].x, 1u) - 1u)`;
  return row === "lastPatch" ? patch : `${patch} * ${S}u + min(sequences[${b}].y, ${S - 1}u)`;
}

/** A row for the assembly, which takes 1 for the next byte. */
export function assemblyRow(row: SequenceRow): number {
  return Number(row === "nextByte");
}
