/**
 * The container of compressed blocks. All numbers are little-endian.
 *
 *   header   89 'b' 'G' 'P' 'T' 0D 0A, version u8, engine u8, batch u16, probe u32, checkpoint [32],
 *            byte length u64, block bytes u32, extension length u8, extension, CRC-32C of all that u32
 *   frames   'b' 'l' 'k' 's', number u32, for each of up to 32 blocks (stored length u24, check u32),
 *            CRC-32C of the header's CRC and all that u32, then what is stored of each block
 *
 * Block i holds the file's bytes from i · block bytes on. It is coded, or where that does not pay stored as it is, which
 * its stored length tells. Its check is the CRC-32C of its bytes followed by what is stored of them, so that no change
 * of either passes. Where the head of a frame is damaged, the next frame is found by its marker.
 * @module
 */
import { crc32c } from "@bgpt/core";
import type { ByteReader } from "./byte_reader.ts";

/** Engines that a container can be made on; their places are their numbers in the header. */
export const codingEngines = ["strict cpu", "cpu", "gpu", "reference"] as const;

/** What computes the probabilities. Only the strict cpu engine gives the same bits on every machine. */
export type CodingEngine = (typeof codingEngines)[number];

/** What a container says about itself. */
export interface ContainerHeader {
  /** What computed the probabilities. */
  readonly engine: CodingEngine;
  /** Blocks that were coded at once, where the bits may depend on it; else 0. */
  readonly batch: number;
  /** A check of logits that this engine computes with this checkpoint, u32. */
  readonly probe: number;
  /** SHA-256 of the checkpoint: [32]. */
  readonly checkpoint: Uint8Array;
  /** Bytes of the file. */
  readonly byteLength: number;
  /** Bytes of a block, the last one excepted. */
  readonly blockBytes: number;
  /** The file's extension as the model reads it, in UTF-8: at most 16 bytes. */
  readonly extension: Uint8Array;
}

/** Not a container, or a damaged one. */
export class ContainerError extends Error {
  /** The name of the class. */
  override name = "ContainerError";
}

const magic = Uint8Array.of(0x89, 0x62, 0x47, 0x50, 0x54, 0x0d, 0x0a);
const version = 1;
/** Bytes of the header before its extension. */
const fixedHeaderBytes = 60;
const mostExtensionBytes = 16;
/** Blocks that may be coded at once. */
const mostBatch = 1024;
/** The most that a stored length can tell. */
const mostBlockBytes = 2 ** 24 - 1;

/** Blocks of the file. */
export function blockCountOf(
  { byteLength, blockBytes }: Pick<ContainerHeader, "byteLength" | "blockBytes">,
): number {
  return Math.ceil(byteLength / blockBytes);
}

/** Bytes of a block in the file. */
export function blockLength(
  header: Pick<ContainerHeader, "byteLength" | "blockBytes">,
  index: number,
): number {
  return Math.min(header.blockBytes, header.byteLength - index * header.blockBytes);
}

/** Encodes a header; its last four bytes are its check. */
export function encodeHeader(header: ContainerHeader): Uint8Array {
  const length = fixedHeaderBytes + header.extension.length;
  const bytes = new Uint8Array(length + 4);
  const view = new DataView(bytes.buffer);
  bytes.set(magic);
  view.setUint8(7, version);
  view.setUint8(8, codingEngines.indexOf(header.engine));
  view.setUint16(9, header.batch, true);
  view.setUint32(11, header.probe, true);
  bytes.set(header.checkpoint, 15);
  view.setBigUint64(47, BigInt(header.byteLength), true);
  view.setUint32(55, header.blockBytes, true);
  view.setUint8(59, header.extension.length);
  bytes.set(header.extension, fixedHeaderBytes);
  view.setUint32(length, crc32c(bytes.subarray(0, length)), true);
  return bytes;
}

/**
 * Takes the header from the start of a container.
 * @throws {ContainerError} when there is none, it is damaged or of another version
 */
export async function readHeader(reader: ByteReader): Promise<ContainerHeader> {
  const fixed = await reader.peek(fixedHeaderBytes);
  if (magic.some((byte, i) => fixed[i] !== byte)) {
    throw new ContainerError("Cannot decompress: this is no container of bgpt compress");
  }
  const damaged = () => new ContainerError("Cannot decompress: the header is damaged. Copy the file again");
  if (fixed.length < fixedHeaderBytes) throw damaged();
  const length = fixedHeaderBytes + fixed[fixedHeaderBytes - 1]!;
  const bytes = await reader.take(length + 4);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.length < length + 4 || view.getUint32(length, true) !== crc32c(bytes.subarray(0, length))) {
    throw damaged();
  }
  if (bytes[7] !== version) {
    throw new ContainerError(
      `Cannot decompress: the container has version ${bytes[7]}, this program reads ${version}`,
    );
  }
  const header = {
    engine: codingEngines[bytes[8]!]!,
    batch: view.getUint16(9, true),
    probe: view.getUint32(11, true),
    checkpoint: bytes.slice(15, 47),
    byteLength: Number(view.getBigUint64(47, true)),
    blockBytes: view.getUint32(55, true),
    extension: bytes.slice(fixedHeaderBytes, length),
  };
  const strict = header.engine === "strict cpu";
  const possible = header.engine !== undefined && strict === (header.batch === 0) &&
    header.batch <= mostBatch &&
    Number.isSafeInteger(header.byteLength) && header.blockBytes >= 1 &&
    header.blockBytes <= mostBlockBytes &&
    header.extension.length <= mostExtensionBytes;
  if (!possible) {
    throw new ContainerError("Cannot decompress: the header says what no container can have. Make it again");
  }
  return header;
}
