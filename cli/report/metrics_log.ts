import { diskReason } from "@bgpt/core/files";

/** What is measured at one step; `NaN` and infinities are written as `null`. */
export interface MetricsRecord {
  /** The step after which it was measured. */
  readonly step: number;
  readonly [name: string]: number | string | boolean | null | readonly string[];
}

/**
 * The append-only file `metrics.jsonl` of a run: one line of JSON for each record, the same file for a stopped and a
 * resumed run. A kill leaves at most the last line torn, which the next opening drops.
 */
export class MetricsLog implements Disposable {
  readonly #path: string;
  readonly #file: Deno.FsFile;
  /** Bytes of whole lines. */
  #byteLength: number;

  /**
   * @param path the file, made when it is not there
   * @param lastStep the step of the checkpoint to go on from, 0 for a new run: later records are dropped, as these
   * steps will be taken again
   * @throws {Error} when a line in the middle is no record
   */
  constructor(path: string, lastStep: number) {
    this.#path = path;
    this.#file = Deno.openSync(path, { read: true, write: true, create: true });
    try {
      this.#byteLength = keptLength(Deno.readFileSync(path), lastStep, path);
      this.#file.truncateSync(this.#byteLength);
      this.#file.seekSync(0, Deno.SeekMode.End);
    } catch (error) {
      this.#file.close();
      throw error;
    }
  }

  /**
   * Appends one record.
   * @throws {Error} when the disk takes none of it, or only a part, which is taken back
   */
  write(record: MetricsRecord): void {
    const line = new TextEncoder().encode(`${JSON.stringify(record)}\n`);
    try {
      for (let written = 0; written < line.length;) {
        written += this.#file.writeSync(line.subarray(written));
      }
    } catch (error) {
      this.#file.truncateSync(this.#byteLength);
      throw new Error(`Cannot write metrics to "${this.#path}": ${diskReason(error)}`, { cause: error });
    }
    this.#byteLength += line.length;
  }

  /** Puts what was written on the disk; called with each checkpoint, so that no checkpoint is ahead of its metrics. */
  sync(): void {
    this.#file.syncSync();
  }

  /** Syncs and closes the file. */
  [Symbol.dispose](): void {
    this.sync();
    this.#file.close();
  }
}

/**
 * Reads the records of a `metrics.jsonl`; a torn last line is left out.
 *
 * @throws {Error} when a line in the middle is no record
 */
export function readMetrics(path: string): MetricsRecord[] {
  return [...completeLines(Deno.readFileSync(path), path)].map(({ record }) => record);
}

/** How many bytes of the file hold records up to the step. */
function keptLength(bytes: Uint8Array, lastStep: number, path: string): number {
  let kept = 0;
  for (const { record, end } of completeLines(bytes, path)) {
    if (record.step > lastStep) break;
    kept = end;
  }
  return kept;
}

/** Lines by their bytes, which a text would not count alike where some are not UTF-8. */
function* completeLines(bytes: Uint8Array, path: string): Generator<{ record: MetricsRecord; end: number }> {
  const decoder = new TextDecoder();
  let start = 0;
  for (let line = 1; start < bytes.length; line++) {
    const end = bytes.indexOf(0x0a, start) + 1;
    if (end === 0) return;
    yield { record: parseRecord(decoder.decode(bytes.subarray(start, end)), `${path}:${line}`), end };
    start = end;
  }
}

function parseRecord(line: string, place: string): MetricsRecord {
  try {
    const record: unknown = JSON.parse(line);
    if (isRecord(record)) return record;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new Error(
    `Cannot read metrics at ${place}: the line is no JSON object with a "step". Remove or repair it`,
  );
}

function isRecord(value: unknown): value is MetricsRecord {
  return typeof value === "object" && value !== null && "step" in value && typeof value.step === "number";
}
