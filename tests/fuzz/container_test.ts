import { fuzzTests } from "./fuzz.ts";
import { type Checkpoint, crc32c, initialParameters, parameterTable } from "@bgpt/core";
import { Container, ContainerError } from "@bgpt/tasks";
import { assertRejects } from "@std/assert";
import { ByteReader } from "../../tasks/compression/byte_reader.ts";
import { encodeHeader, readHeader } from "../../tasks/compression/container.ts";
import { chunksOf, pack } from "../tasks/compression/pack.ts";
import { stillEngine } from "../tasks/compression/still_engine.ts";
import { joined, mutate } from "./mutate.ts";

const model = { patchSize: 1, patchLength: 13, hidden: 64, patchLayers: 1, byteLayers: 1 };
const checkpoint: Checkpoint = { model, parameters: initialParameters(parameterTable(model), 1) };
const blockBytes = 12;
const headerBytes = 65;
/** A few blocks that are coded, and such that are stored as they are; one frame, and two. */
const contents = [3, 33].map((blocks) =>
  Uint8Array.from({ length: blocks * blockBytes - 5 }, (_, i) => i % 120 < 24 ? 97 + i % 26 : i * i)
);
const seeds = await Promise.all(contents.map((bytes) => pack(stillEngine, checkpoint, bytes, { batch: 2 })));

async function unpack(bytes: Uint8Array): Promise<void> {
  const container = await Container.open(chunksOf(bytes, 1000));
  for await (const _ of container.blocks(stillEngine, checkpoint, { batch: 2 }));
}

/** Makes the checks of header and heads true again, so that what they say is believed. */
function checked(bytes: Uint8Array): Uint8Array {
  const length = 60 + (bytes[59] ?? 0);
  if (bytes.length < length + 4) return bytes;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const headerCheck = crc32c(bytes.subarray(0, length));
  view.setUint32(length, headerCheck, true);
  const blockCount = Math.ceil(Number(view.getBigUint64(47, true)) / Math.max(1, view.getUint32(55, true)));
  for (let at = length + 4; at + 12 <= bytes.length; at++) {
    if (view.getUint32(at) !== 0x626c6b73) continue;
    const end = at + 8 + 7 * Math.max(1, Math.min(32, blockCount - 32 * view.getUint32(at + 4, true)));
    if (end + 4 <= bytes.length) view.setUint32(end, crc32c(bytes.subarray(at, end), headerCheck), true);
  }
  return bytes;
}

fuzzTests({
  format: "container",
  seeds,
  read: unpack,
  isOwnError: (error) =>
    error instanceof ContainerError ||
    error.message.startsWith("Cannot code ") && error instanceof RangeError,
  mutateOwn: (random, seed) => {
    // The header and the head of the first frame, where a number decides on much.
    const head = mutate(random, seed.slice(0, headerBytes + 40), seeds);
    return checked(joined(head, seed.subarray(headerBytes + 40)));
  },
  // The hash of the checkpoint, and the blocks that may be lost.
  mostBytes: { fixed: (64 + 8) << 20, perByte: 256 },
});

Deno.test("a frame whose number is a million ahead is no reason to fill a disk with zeros", async () => {
  const { header } = await Container.open(chunksOf(seeds[0]!));
  const bytes = joined(encodeHeader({ ...header, byteLength: 2 ** 46 }), seeds[1]!.subarray(headerBytes));
  const start = bytes.subarray(headerBytes);
  new DataView(start.buffer, start.byteOffset).setUint32(4, 1_000_000, true);
  await assertRejects(() => unpack(checked(bytes)), ContainerError, "blocks 0 to 31999999 of");
});

Deno.test("a hundred thousand bytes that each may begin a frame are read in time", async () => {
  const bytes = joined(seeds[1]!.subarray(0, headerBytes), new Uint8Array(100_000).fill(0x62));
  const start = performance.now();
  await assertRejects(() => unpack(bytes), ContainerError, "ends before block 0");
  const ms = performance.now() - start;
  if (ms > 5000) throw new Error(`it took ${ms} ms`);
  await readHeader(new ByteReader(chunksOf(bytes)));
});
