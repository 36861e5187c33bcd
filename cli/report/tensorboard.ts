/**
 * TensorBoard's event files, for scalars. A file is a series of TFRecords: the length of the data as u64, the masked
 * CRC-32C of that length, the data, the masked CRC-32C of the data, all little-endian. The data is an `Event` message
 * of TensorFlow's `event.proto` in protobuf's wire format: wall_time = 1 (double), step = 2 (int64), file_version = 3
 * (string), summary = 5 (`Summary`: value = 1, repeated; of it tag = 1, string, and simple_value = 2, float),
 * session_log = 7 (`SessionLog`: status = 1, START = 1), which drops all earlier events from its step on.
 * @module
 */
import { crc32c } from "@bgpt/core";
import { diskReason } from "@bgpt/core/files";
import { join } from "@std/path";

/** Writes the scalars of a run to an event file, which TensorBoard shows when given the folder. */
export class TensorBoardWriter implements Disposable {
  readonly #file: Deno.FsFile;
  readonly #now: () => number;

  /**
   * @param folder where to make the file; TensorBoard joins all files of a folder to one run
   * @param resumeStep the step of the checkpoint to go on from, whose later events are dropped; not given for a new run
   * @param now the time, in milliseconds since 1970
   */
  constructor(folder: string, resumeStep?: number, now: () => number = Date.now) {
    this.#now = now;
    // TensorBoard reads the files of a folder in the order of their names.
    const [seconds, step] = [Math.floor(now() / 1000), resumeStep ?? 0].map((value) =>
      String(value).padStart(10, "0")
    );
    const name = `events.out.tfevents.${seconds}.${step}.${Deno.pid}.bgpt`;
    Deno.mkdirSync(folder, { recursive: true });
    this.#file = Deno.openSync(join(folder, name), { write: true, create: true, truncate: true });
    this.#write(text(3, "brain.Event:2"));
    if (resumeStep !== undefined) this.#write([...varint(2, resumeStep + 1), ...message(7, varint(1, 1))]);
  }

  /**
   * Writes scalars measured at one step.
   *
   * @param step a whole number, 0 or more
   * @param scalars the values by their tags, such as `train/bpb`; a slash groups the charts
   */
  write(step: number, scalars: Readonly<Record<string, number>>): void {
    const values = Object.entries(scalars).flatMap(([tag, value]) =>
      message(1, [...text(1, tag), ...float(2, value)])
    );
    this.#write([...varint(2, step), ...message(5, values)]);
  }

  /** Puts what was written on the disk. */
  sync(): void {
    this.#file.syncSync();
  }

  /** Closes the file. */
  [Symbol.dispose](): void {
    this.#file.close();
  }

  /** One record of one event. */
  #write(fields: readonly number[]): void {
    const data = Uint8Array.from([...double(1, this.#now() / 1000), ...fields]);
    const record = new Uint8Array(16 + data.length);
    const view = new DataView(record.buffer);
    view.setBigUint64(0, BigInt(data.length), true);
    view.setUint32(8, maskedCrc(record.subarray(0, 8)), true);
    record.set(data, 12);
    view.setUint32(12 + data.length, maskedCrc(data), true);
    try {
      for (let written = 0; written < record.length;) {
        written += this.#file.writeSync(record.subarray(written));
      }
    } catch (error) {
      throw new Error(`Cannot write TensorBoard events: ${diskReason(error)}`, { cause: error });
    }
  }
}

/** TFRecord's mask, so that the check of data that holds its own check stays useful. */
function maskedCrc(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

// Protobuf fields: a key of field number and wire type (0 varint, 1 64 bits, 2 length and bytes, 5 32 bits), the value.

function key(field: number, wireType: number): number[] {
  return base128((field << 3) | wireType);
}

function varint(field: number, value: number): number[] {
  return [...key(field, 0), ...base128(value)];
}

function double(field: number, value: number): number[] {
  return [...key(field, 1), ...new Uint8Array(Float64Array.of(value).buffer)];
}

function float(field: number, value: number): number[] {
  return [...key(field, 5), ...new Uint8Array(Float32Array.of(value).buffer)];
}

function message(field: number, bytes: readonly number[]): number[] {
  return [...key(field, 2), ...base128(bytes.length), ...bytes];
}

function text(field: number, value: string): number[] {
  return message(field, [...new TextEncoder().encode(value)]);
}

/** Groups of seven bits, the lowest first, the high bit set on all but the last. */
function base128(value: number): number[] {
  const groups: number[] = [];
  for (; value >= 128; value = Math.floor(value / 128)) groups.push((value % 128) + 128);
  return [...groups, value];
}
