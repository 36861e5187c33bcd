import { randomUint32 } from "@bgpt/kernels";

/**
 * A seeded stream of random numbers whose whole state is one counter, so that a resumed run goes on where it stopped.
 *
 * @example
 * ```ts
 * import { RandomStream } from "@bgpt/core";
 * const random = new RandomStream(42, 0);
 * const order = random.shuffle([0, 1, 2, 3]);
 * ```
 */
export class RandomStream {
  /** The seed. */
  readonly seed: number;
  /** Which stream of the seed. */
  readonly stream: number;
  /** How many numbers were drawn; store it to resume. */
  counter: number;

  /**
   * Begins, or goes on, at a number of a stream.
   * @param seed the run's seed, u32
   * @param stream which of the run's independent streams, u32
   * @param counter how many numbers were already drawn
   */
  constructor(seed: number, stream = 0, counter = 0) {
    this.seed = seed;
    this.stream = stream;
    this.counter = counter;
  }

  /** An integer in [0, 2³²). */
  uint32(): number {
    return randomUint32(this.counter++, this.stream, this.seed);
  }

  /** A number in [0, 1) with 32 random bits. */
  uniform(): number {
    return this.uint32() * 2 ** -32;
  }

  /** An integer in [0, bound); the bias of at most bound / 2³² is accepted. */
  below(bound: number): number {
    return Math.floor(this.uniform() * bound);
  }

  /** A standard normal number (Box and Muller 1958, the cosine half). */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    return radius * Math.cos(2 * Math.PI * this.uniform());
  }

  /** Shuffles in place (Fisher and Yates) and returns the same array. */
  shuffle<T>(items: T[]): T[] {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      [items[i], items[j]] = [items[j]!, items[i]!];
    }
    return items;
  }
}
