/**
 * An order-3 byte model: what a model has to beat.
 * @module
 */

/** Bytes of context that the longest order sees. */
const longestContext = 3;

/**
 * Bits per byte of an adaptive order-3 byte model: it counts which byte followed the last three, two, one and none, and
 * interpolates each order with the one below it by Witten and Bell's weights (1991; method C of Moffat 1990), the
 * lowest with 1/256 for every byte. It learns from all bytes of the training files, then from each evaluated byte once
 * it has been paid for. Contexts do not reach into the file before; ends of files cost nothing.
 * @param training files that are learnt from
 * @param evaluation files whose bits are counted
 * @throws {RangeError} when there is no byte to evaluate
 */
export function order3BitsPerByte(training: Iterable<Uint8Array>, evaluation: Iterable<Uint8Array>): number {
  const model = new ByteModel();
  for (const bytes of training) model.learn(bytes);
  let bits = 0;
  let byteCount = 0;
  for (const bytes of evaluation) {
    bits += model.learn(bytes);
    byteCount += bytes.length;
  }
  if (byteCount > 0) return bits / byteCount;
  throw new RangeError(
    "Cannot count bits per byte: there is no byte to evaluate. Name files that are not empty",
  );
}

class ByteModel {
  /** How often each byte followed each context, by order. */
  readonly #counts = byOrder();
  /** How many bytes followed each context. */
  readonly #totals = byOrder();
  /** How many different ones. */
  readonly #kinds = byOrder();

  /** Learns a file and returns the bits that it cost. */
  learn(bytes: Uint8Array): number {
    let bits = 0;
    for (let i = 0; i < bytes.length; i++) bits -= Math.log2(this.#learnByte(bytes, i));
    return bits;
  }

  /** The probability that byte `i` had before it was learnt. */
  #learnByte(bytes: Uint8Array, i: number): number {
    let probability = 1 / 256;
    let context = 0;
    for (let order = 0; order <= Math.min(longestContext, i); order++) {
      if (order > 0) context |= bytes[i - order]! << 8 * (order - 1);
      const total = this.#totals[order]!.add(context, 1);
      const count = this.#counts[order]!.add(context << 8 | bytes[i]!, 1);
      const kinds = this.#kinds[order]!.add(context, count === 0 ? 1 : 0);
      // A context that was never seen says nothing.
      if (total > 0) probability = (count + kinds * probability) / (total + kinds);
    }
    return probability;
  }
}

function byOrder(): readonly CountTable[] {
  return Array.from({ length: longestContext + 1 }, () => new CountTable());
}

/** Counts by 32-bit keys, in open addressing: a `Map` takes ten times the memory, and at most 2²⁴ keys. */
class CountTable {
  /** log₂ of the slots. */
  #sizeBits = 10;
  #keys = new Uint32Array(2 ** this.#sizeBits);
  /** 0 where a slot is empty. */
  #counts = new Uint32Array(2 ** this.#sizeBits);
  #used = 0;

  /** Adds to a key's count, and returns what it was before. */
  add(key: number, amount: number): number {
    const slot = this.#slotOf(key >>> 0);
    const before = this.#counts[slot]!;
    this.#keys[slot] = key;
    this.#counts[slot] = before + amount;
    if (before === 0 && amount > 0 && ++this.#used * 2 > this.#keys.length) this.#grow();
    return before;
  }

  #slotOf(key: number): number {
    const mask = this.#keys.length - 1;
    // Fibonacci hashing (Knuth, volume 3): the high bits of the product are well mixed.
    let slot = Math.imul(key, 0x9e3779b1) >>> 32 - this.#sizeBits;
    while (this.#counts[slot] !== 0 && this.#keys[slot] !== key) slot = (slot + 1) & mask;
    return slot;
  }

  #grow(): void {
    const [keys, counts] = [this.#keys, this.#counts];
    this.#sizeBits++;
    this.#keys = new Uint32Array(2 ** this.#sizeBits);
    this.#counts = new Uint32Array(2 ** this.#sizeBits);
    for (const [i, count] of counts.entries()) {
      if (count === 0) continue;
      const slot = this.#slotOf(keys[i]!);
      this.#keys[slot] = keys[i]!;
      this.#counts[slot] = count;
    }
  }
}
