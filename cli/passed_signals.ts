/** Passes signals on to the process of the moment. */
export class PassedSignals implements Disposable {
  readonly #signals: readonly Deno.Signal[] = Deno.build.os === "windows"
    ? ["SIGINT"]
    : ["SIGINT", "SIGTERM"];
  readonly #listeners = this.#signals.map((signal) => () => this.#pass(signal));
  readonly #received = new AbortController();
  #process: Deno.ChildProcess | undefined;

  constructor() {
    for (const [i, signal] of this.#signals.entries()) Deno.addSignalListener(signal, this.#listeners[i]!);
  }

  /** Whether there was one. */
  get received(): boolean {
    return this.#received.signal.aborted;
  }

  /** From now on signals go to this process. */
  passTo(process: Deno.ChildProcess): void {
    this.#process = process;
  }

  /** Waits; false as soon as there is a signal. */
  none(seconds: number): Promise<boolean> {
    if (this.received) return Promise.resolve(false);
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(true), seconds * 1000);
      this.#received.signal.addEventListener("abort", () => {
        clearTimeout(timer);
        resolve(false);
      });
    });
  }

  #pass(signal: Deno.Signal): void {
    this.#received.abort();
    try {
      this.#process?.kill(signal);
    } catch {
      // It has ended.
    }
  }

  [Symbol.dispose](): void {
    for (const [i, signal] of this.#signals.entries()) Deno.removeSignalListener(signal, this.#listeners[i]!);
  }
}
