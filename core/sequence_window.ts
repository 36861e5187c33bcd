/**
 * A sequence that is being generated, as much of it as the model sees.
 * @module
 */
import type { PatchSizes } from "./sample.ts";
import { windowStride } from "./windows.ts";

/**
 * The window over a sequence's patches: all of them, until they reach the patch length; from then on its extension patch
 * and the newest, as in `windowedSamples`, so that a file is generated as it is evaluated.
 */
export class SequenceWindow {
  readonly #sizes: PatchSizes;
  readonly #stride: number;
  readonly #tokens: Uint16Array; // [L, S]
  #length: number;
  #index: number;

  /** @param prefix its extension patch, then bytes, which may end inside a patch */
  constructor(prefix: Uint16Array, sizes: PatchSizes) {
    const { patchSize: S, patchLength: L } = sizes;
    this.#sizes = sizes;
    this.#stride = windowStride(L);
    this.#tokens = new Uint16Array(L * S);
    // The first window that leaves room for a patch.
    this.#index = Math.max(0, Math.ceil((Math.floor(prefix.length / S) + 1 - L) / this.#stride));
    const seen = prefix.subarray((1 + this.#index * this.#stride) * S);
    this.#tokens.set(prefix.subarray(0, S));
    this.#tokens.set(seen, S);
    this.#length = S + seen.length;
  }

  /** Its tokens; they may end inside a patch. */
  get tokens(): Uint16Array {
    return this.#tokens.subarray(0, this.#length);
  }

  /** Its whole patches. */
  get patchCount(): number {
    return Math.floor(this.#length / this.#sizes.patchSize);
  }

  /** Whether there is no room for another patch. */
  get full(): boolean {
    return this.patchCount >= this.#sizes.patchLength;
  }

  /** How many windows of this sequence came before. */
  get index(): number {
    return this.#index;
  }

  /** Adds a patch, the bytes of a begun one included. */
  push(patch: ArrayLike<number>): void {
    const start = this.patchCount * this.#sizes.patchSize;
    this.#tokens.set(patch, start);
    this.#length = start + patch.length;
  }

  /** Moves on: keeps the extension patch and the newest half of a full window. */
  slide(): void {
    const { patchSize: S } = this.#sizes;
    this.#tokens.copyWithin(S, (1 + this.#stride) * S, this.#length);
    this.#length -= this.#stride * S;
    this.#index++;
  }
}
