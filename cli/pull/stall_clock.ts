/** Aborts what has not been heard of for a while: a connection can die without a word. */
export class StallClock implements Disposable {
  readonly #abort = new AbortController();
  readonly #stallMs: number;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(stallMs: number) {
    this.#stallMs = stallMs;
    this.restart();
  }

  /** What aborts. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Something has been heard. */
  restart(): void {
    clearTimeout(this.#timer);
    const reason = new Error(`nothing came for ${this.#stallMs / 1000} s`);
    this.#timer = setTimeout(() => this.#abort.abort(reason), this.#stallMs);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}
