import { note, writeNote } from "./terminal.ts";
import { formatDuration } from "./units.ts";

/** How a progress line starts and is shown. */
export interface ProgressOptions {
  /** How much was already done before, as in a resumed run; 0 by default. */
  readonly done?: number;
  /** Whether stderr is a terminal, whose last line can be rewritten. */
  readonly terminal?: boolean;
  /** The time, in milliseconds. */
  readonly now?: () => number;
}

/** A terminal's line is rewritten at most ten times a second. */
const rewriteMs = 100;
/** A log gets its first line after two seconds, then one whenever the time gone has grown by half, at least each minute. */
const firstLogMs = 2000;
const longestLogMs = 60_000;

/**
 * One line on stderr that tells how far the work is and how long it will still take: rewritten in place in a terminal,
 * a plain line now and then elsewhere.
 *
 * @example
 * ```ts ignore
 * using progress = new ProgressLine("Training", 1000, "steps");
 * for (let step = 1; step <= 1000; step++) progress.update(step, "1.93 bits/byte, 12.0 kB/s");
 * ```
 */
export class ProgressLine implements Disposable {
  readonly #title: string;
  readonly #total: number | undefined;
  readonly #unit: string;
  readonly #terminal: boolean;
  readonly #now: () => number;
  readonly #start: number;
  readonly #doneBefore: number;
  #done: number;
  #remark = "";
  #nextShow: number;
  /** Whether the terminal's last line is ours. */
  #open = false;

  /**
   * @param title what is being done: `Training`
   * @param total how much there is to do; undefined where only the end will tell, as in a stream
   * @param unit what is counted, in the plural: `steps`
   */
  constructor(title: string, total: number | undefined, unit: string, options: ProgressOptions = {}) {
    this.#title = title;
    this.#total = total;
    this.#unit = unit;
    this.#terminal = options.terminal ?? Deno.stderr.isTerminal();
    this.#now = options.now ?? (() => performance.now());
    this.#start = this.#now();
    this.#doneBefore = this.#done = options.done ?? 0;
    this.#nextShow = this.#start + (this.#terminal ? rewriteMs : firstLogMs);
  }

  /** How much is done. */
  get done(): number {
    return this.#done;
  }

  /**
   * Tells how much is done by now; cheap enough for every step.
   *
   * @param remark more to show, such as the loss; the last one stays when not given
   */
  update(done: number, remark: string = this.#remark): void {
    this.#done = done;
    this.#remark = remark;
    const now = this.#now();
    if (now < this.#nextShow) return;
    this.#show();
    const elapsed = now - this.#start;
    this.#nextShow = now + (this.#terminal ? rewriteMs : Math.min(longestLogMs, elapsed / 2));
  }

  /** Prints a line of its own, above the status line. */
  note(text: string): void {
    if (this.#open) writeNote("\r\x1b[K");
    note(text);
    if (this.#open) this.#show();
  }

  /** Removes the status line from a terminal. What was done is said by the command, in its summary. */
  [Symbol.dispose](): void {
    if (this.#open) writeNote("\r\x1b[K");
    this.#open = false;
  }

  #show(): void {
    const line = this.#line();
    if (!this.#terminal) return note(line);
    writeNote(`\r${line.slice(0, columns() - 1)}\x1b[K`);
    this.#open = true;
  }

  #line(): string {
    const remark = this.#remark === "" ? "" : `, ${this.#remark}`;
    const done = this.#done.toLocaleString("en");
    if (this.#total === undefined) return `${this.#title}: ${done} ${this.#unit}${remark}`;
    const seconds = (this.#now() - this.#start) / 1000;
    const rate = (this.#done - this.#doneBefore) / seconds;
    const left = this.#done >= this.#total ? 0 : (this.#total - this.#done) / rate;
    const percent = this.#total === 0 ? 100 : Math.floor((100 * this.#done) / this.#total);
    const count = `${done} of ${this.#total.toLocaleString("en")} ${this.#unit}`;
    const time = Number.isFinite(left) ? `, ${formatDuration(left)} left` : "";
    return `${this.#title} ${String(percent).padStart(3)} %: ${count}${remark}${time}`;
  }
}

function columns(): number {
  try {
    return Deno.consoleSize().columns;
  } catch {
    return 80;
  }
}
