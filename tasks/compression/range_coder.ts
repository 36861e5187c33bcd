/**
 * Arithmetic coding by ranges (Martin 1979): a message is a number within [low, low + range), and every symbol narrows
 * the range to its share.
 *
 *   q = ⌊range / T⌋,  low += q · cumulative,  range = q · frequency,  and while range < 2^40 a byte leaves at the top
 *
 * Numbers are whole and below 2^50, which f64 holds exactly. With at least 40 bits of range and 24 of frequencies the
 * shares are off by less than 2^−16 of themselves. A carry out of the top runs back through the bytes that have left.
 * @module
 */
import { frequencyTotal } from "./frequencies.ts";

const top = 2 ** 48;
const bottom = 2 ** 40;

/** Codes symbols into bytes. */
export class RangeEncoder {
  #low = 0;
  #range = top;
  readonly #bytes: number[] = [];

  /** Adds a symbol that has the frequencies from `cumulative` on, `frequency` of them. */
  encode(cumulative: number, frequency: number): void {
    const unit = Math.floor(this.#range / frequencyTotal);
    this.#low += unit * cumulative;
    this.#range = unit * frequency;
    this.#carry();
    while (this.#range < bottom) {
      const byte = Math.floor(this.#low / bottom);
      this.#bytes.push(byte);
      this.#low = (this.#low - byte * bottom) * 256;
      this.#range *= 256;
    }
  }

  /** The bytes, as few as tell the message apart; behind them a decoder reads zeros. */
  finish(): Uint8Array {
    // The range has at least 2^40 numbers, so one of them ends in 40 zeros.
    const byte = Math.ceil(this.#low / bottom);
    this.#low = byte * bottom;
    this.#carry();
    this.#bytes.push(Math.floor(this.#low / bottom));
    let length = this.#bytes.length;
    while (length > 0 && this.#bytes[length - 1] === 0) length--;
    return Uint8Array.from(this.#bytes.slice(0, length));
  }

  #carry(): void {
    if (this.#low < top) return;
    this.#low -= top;
    let at = this.#bytes.length - 1;
    while (this.#bytes[at] === 255) this.#bytes[at--] = 0;
    this.#bytes[at]!++;
  }
}

/** Reads what {@linkcode RangeEncoder} made. Any bytes decode to something. */
export class RangeDecoder {
  readonly #bytes: Uint8Array;
  #at = 0;
  #range = top;
  /** The number that was read, less the low end of the range. */
  #offset = 0;

  /** Begins to read. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    for (let i = 0; i < 6; i++) this.#offset = this.#offset * 256 + this.#next();
  }

  /**
   * The next symbol.
   * @param cumulative cumulative frequencies of the symbols, from 0 to the total
   */
  decode(cumulative: Uint32Array): number {
    const unit = Math.floor(this.#range / frequencyTotal);
    // The part of the range that no symbol has is met in damaged bytes only.
    const place = Math.min(Math.floor(this.#offset / unit), frequencyTotal - 1);
    let symbol = 0;
    let end = cumulative.length - 1;
    while (end - symbol > 1) {
      const middle = (symbol + end) >> 1;
      if (cumulative[middle]! <= place) symbol = middle;
      else end = middle;
    }
    this.#offset -= unit * cumulative[symbol]!;
    this.#range = unit * (cumulative[end]! - cumulative[symbol]!);
    // Held within the range, so that numbers stay exact whatever the bytes are.
    this.#offset = Math.min(this.#offset, this.#range - 1);
    while (this.#range < bottom) {
      this.#offset = this.#offset * 256 + this.#next();
      this.#range *= 256;
    }
    return symbol;
  }

  #next(): number {
    return this.#at < this.#bytes.length ? this.#bytes[this.#at++]! : 0;
  }
}
