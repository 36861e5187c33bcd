/**
 * Where a file surprises a model most.
 * @module
 */

/** A part of a file. */
export interface Stretch {
  /** Its first byte. */
  readonly offset: number;
  /** Its bytes. */
  readonly length: number;
  /** Mean bits of its bytes. */
  readonly bits: number;
}

/** What is looked for. */
export interface StretchOptions {
  /** Bytes of a stretch; a shorter file is one. */
  readonly length: number;
  /** Stretches start at multiples of so many bytes, such as those of a row of a hex dump; at most `length`. */
  readonly alignment: number;
  /** Most stretches. */
  readonly count: number;
}

/**
 * The stretches of most mean bits, the most surprising first, none over another.
 * @param bits of each byte, as `inspectFiles` gives them
 * @example
 * ```ts
 * import { surprisingStretches } from "@bgpt/tasks";
 * const bits = new Float32Array(1000).fill(1);
 * bits.fill(8, 320, 384);
 * surprisingStretches(bits, { length: 64, alignment: 16, count: 1 }); // [{ offset: 320, length: 64, bits: 8 }]
 * ```
 */
export function surprisingStretches(
  bits: Float32Array, // [N]
  { length, alignment, count }: StretchOptions,
): Stretch[] {
  if (bits.length === 0) return [];
  const stretchLength = Math.min(length, bits.length);
  const sums = new Float64Array(bits.length + 1); // Σ bits before each byte
  for (let i = 0; i < bits.length; i++) sums[i + 1] = sums[i]! + bits[i]!;
  const candidates: Stretch[] = [];
  // The last may be shorter, so that every byte is in one.
  for (let offset = 0; offset + stretchLength < bits.length + alignment; offset += alignment) {
    const end = Math.min(offset + stretchLength, bits.length);
    candidates.push({ offset, length: end - offset, bits: (sums[end]! - sums[offset]!) / (end - offset) });
  }
  candidates.sort((a, b) => b.bits - a.bits);
  const chosen: Stretch[] = [];
  for (const candidate of candidates) {
    if (chosen.length === count) break;
    const overlaps = chosen.some(({ offset }) => Math.abs(offset - candidate.offset) < stretchLength);
    if (!overlaps) chosen.push(candidate);
  }
  return chosen;
}
