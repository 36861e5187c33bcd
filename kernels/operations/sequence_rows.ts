/**
 * Which row of its slot of L rows a sequence is at, by its state (see sequences.ts), held within the slot:
 *
 *   lastPatch   patches so far − 1
 *   nextByte    bytes in the patch being made
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

/** The same for the assembly, which takes 1 for the next byte. */
export function assemblyRow(row: SequenceRow): number {
  return Number(row === "nextByte");
}
