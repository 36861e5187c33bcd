/**
 * The frames of a container, which container.ts defines: blocks in, bytes out, and back.
 * @module
 */
import { crc32c } from "@bgpt/core";
import type { ByteReader } from "./byte_reader.ts";
import {
  blockCountOf,
  blockLength,
  ContainerError,
  type ContainerHeader,
  encodeHeader,
} from "./container.ts";

/** A block as it lies in a container. */
export interface StoredBlock {
  /** Its place in the file, counted in blocks. */
  readonly index: number;
  /** Its bytes in the file. */
  readonly byteLength: number;
  /** What is stored of it; absent where the head of its frame is damaged. */
  readonly stored?: Uint8Array;
  /** The check of its bytes and of what is stored of them, u32. */
  readonly check: number;
}

const marker = Uint8Array.of(0x62, 0x6c, 0x6b, 0x73);
/** Blocks of a frame, the last one excepted. */
const frameBlocks = 32;
/** Stored length and check of a block. */
const entryBytes = 7;
/** Marker and number of a frame. */
const openingBytes = 8;

/**
 * Blocks, and bytes of the file, that may be lost where nothing of the container stands for them: as many as make good a
 * piece that was cut out, too few for a small container to fill a disk with zeros.
 */
const mostLostBlocks = 2 ** 13;
const mostLostBytes = 2 ** 26;

/** What the head of a frame says. */
interface FrameHead {
  readonly number: number;
  readonly entries: readonly { readonly storedLength: number; readonly check: number }[];
}

/** The check of a block: of its bytes, then of what is stored of them. */
export function blockCheck(bytes: Uint8Array, stored: Uint8Array): number {
  return crc32c(stored, crc32c(bytes));
}

/** The frames of blocks that come in their order. */
export async function* encodeFrames(
  header: ContainerHeader,
  blocks: AsyncIterable<StoredBlock & { readonly stored: Uint8Array }>,
): AsyncGenerator<Uint8Array> {
  const count = blockCountOf(header);
  let frame: (StoredBlock & { readonly stored: Uint8Array })[] = [];
  for await (const block of blocks) {
    frame.push(block);
    if (frame.length < frameBlocks && block.index + 1 < count) continue;
    yield encodeHead(header, frame);
    for (const { stored } of frame) yield stored;
    frame = [];
  }
}

/**
 * The blocks of a container behind its header, in their order, as far as it goes.
 * @throws {ContainerError} at the end, when blocks are missing there or bytes stand where none belong
 */
export async function* readFrames(reader: ByteReader, header: ContainerHeader): AsyncGenerator<StoredBlock> {
  const count = blockCountOf(header);
  const frames = Math.ceil(count / frameBlocks);
  let surplus = 0;
  let lost = false;
  for (let number = 0; number < frames;) {
    const { head, skipped } = await findHead(reader, header, number);
    surplus += skipped;
    const first = number * frameBlocks;
    if (head === undefined) {
      throw new ContainerError(
        `Cannot decompress: the container ends before block ${first} of ${count}. Copy it again`,
      );
    }
    checkLost(header, first, head.number * frameBlocks, skipped);
    for (let index = first; index < head.number * frameBlocks; index++) {
      lost = true;
      yield { index, byteLength: blockLength(header, index), check: 0 };
    }
    for (const [i, { storedLength, check }] of head.entries.entries()) {
      const index = head.number * frameBlocks + i;
      const stored = await reader.take(storedLength);
      yield { index, byteLength: blockLength(header, index), stored, check };
    }
    number = head.number + 1;
  }
  for (let rest = await reader.take(65536); rest.length > 0; rest = await reader.take(65536)) {
    surplus += rest.length;
  }
  // What is left of a damaged frame is no news.
  if (surplus > 0 && !lost) {
    throw new ContainerError(
      `Cannot decompress: ${surplus} of the container's bytes belong to no block. Copy it again`,
    );
  }
}

function encodeHead(
  header: ContainerHeader,
  blocks: readonly (StoredBlock & { readonly stored: Uint8Array })[],
): Uint8Array {
  const length = openingBytes + entryBytes * blocks.length;
  const bytes = new Uint8Array(length + 4);
  const view = new DataView(bytes.buffer);
  bytes.set(marker);
  view.setUint32(4, Math.floor(blocks[0]!.index / frameBlocks), true);
  for (const [i, { stored, check }] of blocks.entries()) {
    const at = openingBytes + entryBytes * i;
    view.setUint16(at, stored.length, true);
    view.setUint8(at + 2, stored.length >> 16);
    view.setUint32(at + 3, check, true);
  }
  view.setUint32(length, headCheck(header, bytes.subarray(0, length)), true);
  return bytes;
}

/** Of lost blocks, those whose frames lie damaged in the bytes that were skipped may be any number. */
function checkLost(header: ContainerHeader, first: number, end: number, skipped: number): void {
  const leastFrameBytes = openingBytes + entryBytes * frameBlocks + 4;
  const missing = end - first - Math.floor(skipped / leastFrameBytes) * frameBlocks;
  if (missing <= mostLostBlocks && missing * header.blockBytes <= mostLostBytes) return;
  throw new ContainerError(
    `Cannot decompress: blocks ${first} to ${end - 1} of ${
      blockCountOf(header)
    } are missing. Copy the container again`,
  );
}

/** Frames of another container have another check. */
function headCheck(header: ContainerHeader, bytes: Uint8Array): number {
  const encoded = encodeHeader(header);
  return crc32c(bytes, new DataView(encoded.buffer).getUint32(encoded.length - 4, true));
}

/** Takes the next head of a frame from `number` on, and the bytes before it. */
async function findHead(
  reader: ByteReader,
  header: ContainerHeader,
  number: number,
): Promise<{ head?: FrameHead; skipped: number }> {
  for (let skipped = 0;;) {
    const head = await headHere(reader, header, number);
    if (head !== undefined) return { head, skipped };
    // To the next byte that can begin a marker, within what is there at once.
    const ahead = await reader.peek(65536);
    if (ahead.length === 0) return { skipped };
    const next = ahead.indexOf(marker[0]!, 1);
    skipped += (await reader.take(next < 0 ? ahead.length : next)).length;
  }
}

async function headHere(
  reader: ByteReader,
  header: ContainerHeader,
  from: number,
): Promise<FrameHead | undefined> {
  const opening = await reader.peek(openingBytes);
  if (opening.length < openingBytes || marker.some((byte, i) => opening[i] !== byte)) return undefined;
  const number = new DataView(opening.buffer, opening.byteOffset).getUint32(4, true);
  const blocks = Math.min(frameBlocks, blockCountOf(header) - number * frameBlocks);
  if (number < from || blocks < 1) return undefined;
  const length = openingBytes + entryBytes * blocks;
  const bytes = await reader.peek(length + 4);
  if (bytes.length < length + 4) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.getUint32(length, true) !== headCheck(header, bytes.subarray(0, length))) return undefined;
  const entries = Array.from({ length: blocks }, (_, i) => {
    const at = openingBytes + entryBytes * i;
    const storedLength = view.getUint16(at, true) + 65536 * view.getUint8(at + 2);
    return { storedLength, check: view.getUint32(at + 3, true) };
  });
  // No block is stored in more bytes than it has.
  if (entries.some(({ storedLength }, i) => storedLength > blockLength(header, number * frameBlocks + i))) {
    return undefined;
  }
  await reader.take(length + 4);
  return { number, entries };
}
