import { assert, assertEquals } from "@std/assert";
import { crc32c } from "@bgpt/core";
import { join } from "@std/path";
import { TensorBoardWriter } from "../../../cli/report/tensorboard.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);

/** A protobuf message as a list of fields; what has a length stays bytes. */
type Fields = [field: number, value: number | Uint8Array][];

/** Reads protobuf's wire format, independently of the writer. */
function fieldsOf(message: Uint8Array): Fields {
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  let at = 0;
  const varint = (): number => {
    let value = 0n;
    for (let shift = 0n;; shift += 7n) {
      const byte = view.getUint8(at++);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return Number(value);
    }
  };
  const fields: Fields = [];
  while (at < message.length) {
    const key = varint();
    switch (key & 7) {
      case 0:
        fields.push([key >> 3, varint()]);
        break;
      case 1:
        fields.push([key >> 3, view.getFloat64(at, true)]);
        at += 8;
        break;
      case 2: {
        const length = varint();
        fields.push([key >> 3, message.subarray(at, at + length)]);
        at += length;
        break;
      }
      case 5:
        fields.push([key >> 3, view.getFloat32(at, true)]);
        at += 4;
        break;
      default:
        throw new Error(`Unknown wire type ${key & 7}`);
    }
  }
  assertEquals(at, message.length);
  return fields;
}

/** The data of each TFRecord, its two checks checked. */
function recordsOf(file: Uint8Array): Uint8Array[] {
  const unmasked = (at: number) => {
    const rotated = (view.getUint32(at, true) - 0xa282ead8) >>> 0;
    return ((rotated >>> 17) | (rotated << 15)) >>> 0;
  };
  const view = new DataView(file.buffer);
  const records: Uint8Array[] = [];
  let at = 0;
  while (at < file.length) {
    const length = Number(view.getBigUint64(at, true));
    const data = file.subarray(at + 12, at + 12 + length);
    assertEquals(unmasked(at + 8), crc32c(file.subarray(at, at + 8)));
    assertEquals(unmasked(at + 12 + length), crc32c(data));
    records.push(data);
    at += 16 + length;
  }
  assertEquals(at, file.length);
  return records;
}

function scalarsOf(summary: Uint8Array): Record<string, number> {
  return Object.fromEntries(
    fieldsOf(summary).map(([field, value]) => {
      assert(field === 1 && value instanceof Uint8Array);
      const [[tagField, tag], [valueField, scalar]] = fieldsOf(value) as [Fields[number], Fields[number]];
      assert(tagField === 1 && tag instanceof Uint8Array && valueField === 2);
      return [new TextDecoder().decode(tag), Number(scalar)];
    }),
  );
}

async function eventFiles(write: (folder: string) => void): Promise<Uint8Array[]> {
  const folder = await Deno.makeTempDir();
  try {
    write(folder);
    const names = [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
    for (const name of names) assert(name.includes("tfevents"), name);
    return names.map((name) => Deno.readFileSync(join(folder, name)));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("an event file decodes to the scalars that were written", async () => {
  let milliseconds = 1.7e12;
  const files = await eventFiles((folder) => {
    using board = new TensorBoardWriter(folder, undefined, () => milliseconds);
    milliseconds += 500;
    board.write(1, { "train/bpb": 8.0625, "train/größe": -1e30 });
    board.write(300_000_000_000, { "train/bpb": NaN });
  });
  assertEquals(files.length, 1);
  const [version, first, second, ...rest] = recordsOf(files[0]!).map(fieldsOf);
  assertEquals(rest, []);
  assertEquals(version, [[1, 1.7e9], [3, bytesOf("brain.Event:2")]]);
  const [time, step, [field, summary]] = first as [Fields[number], Fields[number], Fields[number]];
  assertEquals([time, step, field], [[1, 1.7e9 + 0.5], [2, 1], 5]);
  assert(summary instanceof Uint8Array);
  assertEquals(scalarsOf(summary), { "train/bpb": 8.0625, "train/größe": Math.fround(-1e30) });
  assertEquals(second?.[1], [2, 300_000_000_000]);
});

Deno.test("a resumed run's event file sorts behind and drops the steps that are taken again", async () => {
  const files = await eventFiles((folder) => {
    for (const resumeStep of [undefined, 9, 200]) {
      using board = new TensorBoardWriter(folder, resumeStep, () => 1.7e12);
      board.write((resumeStep ?? 0) + 1, { "train/bpb": 1 });
    }
  });
  const starts = files.map((file) =>
    recordsOf(file).map(fieldsOf).filter((event) => event.some(([field]) => field === 7))
  );
  assertEquals(starts, [
    [],
    [[[1, 1.7e9], [2, 10], [7, Uint8Array.of(8, 1)]]],
    [[[1, 1.7e9], [2, 201], [7, Uint8Array.of(8, 1)]]],
  ]);
});
