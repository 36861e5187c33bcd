import type { Checkpoint } from "@bgpt/core";
import type { Engine } from "@bgpt/kernels";
import { type CodingOptions, compress, Container } from "@bgpt/tasks";

/** A stream of chunks that follow no boundary of the format. */
export async function* chunksOf(bytes: Uint8Array, chunkBytes = 37): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    yield await Promise.resolve(bytes.subarray(at, at + chunkBytes));
  }
}

/** All in one. */
export function joined(chunks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(chunks.reduce((length, chunk) => length + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

/** Bytes to a container. */
export async function pack(
  engine: Engine,
  checkpoint: Checkpoint,
  bytes: Uint8Array,
  options: CodingOptions = {},
): Promise<Uint8Array> {
  const input = { bytes: chunksOf(bytes), byteLength: bytes.length, extension: "txt" };
  return joined(await Array.fromAsync(compress(engine, checkpoint, input, options)));
}

/** A container to bytes, and the numbers of damaged blocks. */
export async function unpack(
  engine: Engine,
  checkpoint: Checkpoint,
  packed: Uint8Array,
  options: CodingOptions = {},
): Promise<{ bytes: Uint8Array; damaged: number[] }> {
  const container = await Container.open(chunksOf(packed));
  const blocks = await Array.fromAsync(container.blocks(engine, checkpoint, options));
  const damaged = blocks.filter((block) => block.damaged).map(({ index }) => index);
  return { bytes: joined(blocks.map(({ bytes }) => bytes)), damaged };
}
