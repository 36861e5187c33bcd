/** Takes as many bytes from a stream as are asked for, and keeps no more than that and a chunk. */
export class ByteReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #bytes = new Uint8Array();
  #ended = false;

  /** Begins to read. */
  constructor(stream: AsyncIterable<Uint8Array>) {
    this.#chunks = stream[Symbol.asyncIterator]();
  }

  /** The next bytes, fewer where the stream ends; they stay. */
  async peek(count: number): Promise<Uint8Array> {
    // At the end nothing is joined any more: who takes byte by byte there would copy all of the rest each time.
    if (this.#bytes.length < count && !this.#ended) {
      const parts = [this.#bytes];
      for (let length = this.#bytes.length; length < count;) {
        const { done, value } = await this.#chunks.next();
        if (done) {
          this.#ended = true;
          break;
        }
        parts.push(value as Uint8Array<ArrayBuffer>);
        length += value.length;
      }
      this.#bytes = await new Blob(parts).bytes();
    }
    return this.#bytes.subarray(0, count);
  }

  /** Takes the next bytes, fewer where the stream ends. */
  async take(count: number): Promise<Uint8Array> {
    const bytes = await this.peek(count);
    this.#bytes = this.#bytes.subarray(bytes.length);
    return bytes;
  }
}
