/** Aborts on the first SIGINT or SIGTERM; a second SIGINT ends the program as usual. */
export class StopSignal implements Disposable {
  readonly #controller = new AbortController();
  readonly #listener = (): void => {
    this.#controller.abort();
    this[Symbol.dispose]();
  };
  readonly #signals: Deno.Signal[] = Deno.build.os === "windows" ? ["SIGINT"] : ["SIGINT", "SIGTERM"];

  constructor() {
    for (const signal of this.#signals) Deno.addSignalListener(signal, this.#listener);
  }

  /** Aborted by then. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  [Symbol.dispose](): void {
    for (const signal of this.#signals) Deno.removeSignalListener(signal, this.#listener);
  }
}
