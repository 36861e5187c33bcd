import { fail } from "./torch_checkpoint_error.ts";

/** The bytes of a pickle; reading beyond their end fails. */
export class PickleInput {
  /** The next byte to read. */
  offset = 0;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  uint8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  uint16(): number {
    return this.#view.getUint16(this.#take(2), true);
  }

  int32(): number {
    return this.#view.getInt32(this.#take(4), true);
  }

  uint32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  /** The only big-endian field. */
  float64(): number {
    return this.#view.getFloat64(this.#take(8));
  }

  /** An integer of as many bytes as its first byte says, two's complement. */
  long(): number {
    const byteLength = this.uint8();
    const start = this.#take(byteLength);
    let value = 0n;
    for (let i = 0; i < byteLength; i++) value |= BigInt(this.#view.getUint8(start + i)) << BigInt(8 * i);
    const number = Number(BigInt.asIntN(8 * byteLength, value));
    return Number.isSafeInteger(number) ? number : fail(`its pickle has an integer of ${byteLength} bytes`);
  }

  text(byteLength: number): string {
    const start = this.#take(byteLength);
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(
      this.#bytes.subarray(start, start + byteLength),
    );
  }

  line(): string {
    const end = this.#bytes.indexOf(0x0a, this.offset);
    if (end < 0) fail("its pickle is cut off. Copy or download it again");
    const line = this.text(end - this.offset);
    this.offset++;
    return line;
  }

  #take(byteLength: number): number {
    const start = this.offset;
    this.offset += byteLength;
    if (this.offset > this.#bytes.length) fail("its pickle is cut off. Copy or download it again");
    return start;
  }
}
