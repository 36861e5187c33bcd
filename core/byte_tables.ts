/**
 * How tables of bytes can start: with what bits say of a byte, so that bytes with the same bits are alike before anything
 * is learnt. Arithmetic, shifts, the order of samples and the letters of either case are then no matter of 256 unrelated
 * rows; what it is worth is measured in docs/learning.md.
 * @module
 */
import type { RandomStream } from "./random.ts";
import { vocabularySize } from "./vocabulary.ts";

/** Bits of a byte. */
const bitCount = 8;
/** Share of a row's deviation that is its own, so that no two bytes are sums of the same eight vectors. */
const ownShare = 0.1;

/**
 * Fills tables of bytes, one below the other: a row is the sum of a random vector for each bit, added where the bit is 1
 * and subtracted where it is 0, and a tenth of a random vector of its own. The special id's row is random.
 * @param tables [any number of tables, V, C]
 * @param columns C
 * @param deviation the rows' standard deviation, whatever their bits
 */
export function fillByBits(
  tables: Float32Array,
  columns: number,
  deviation: number,
  random: RandomStream,
): void {
  const bitScale = deviation * Math.sqrt((1 - ownShare ** 2) / bitCount);
  for (let first = 0; first < tables.length; first += vocabularySize * columns) {
    const bitVectors = Float32Array.from({ length: bitCount * columns }, () => bitScale * random.normal());
    for (let id = 0; id < vocabularySize; id++) {
      const isByte = id < 256;
      for (let column = 0; column < columns; column++) {
        let value = deviation * (isByte ? ownShare : 1) * random.normal();
        for (let bit = 0; isByte && bit < bitCount; bit++) {
          value += (id >> bit & 1 ? 1 : -1) * bitVectors[bit * columns + column]!;
        }
        tables[first + id * columns + column] = value;
      }
    }
  }
}
