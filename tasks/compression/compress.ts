/**
 * Lossless compression: a file's bytes arithmetically coded with the model's probabilities, in independent blocks.
 * @module
 */
import { type Checkpoint, extensionPatch } from "@bgpt/core";
import type { Engine } from "@bgpt/kernels";
import { ByteReader } from "./byte_reader.ts";
import { encodeBlocks } from "./block_coder.ts";
import { checkpointHash } from "./checkpoint_hash.ts";
import { codingEngineOf, defaultBatch, openCodingModel } from "./coding_model.ts";
import { blockCountOf, blockLength, type ContainerHeader, encodeHeader } from "./container.ts";
import { blockCheck, encodeFrames, type StoredBlock } from "./frames.ts";

/** A file to compress. */
export interface CompressionInput {
  /** Its bytes. */
  readonly bytes: AsyncIterable<Uint8Array>;
  /** How many there are. */
  readonly byteLength: number;
  /** Its extension, from which the model tells its kind. */
  readonly extension: string;
}

/** How to compress and decompress. */
export interface CodingOptions {
  /** Blocks at once. On the strict cpu engine it changes the speed only. */
  readonly batch?: number;
}

/**
 * Compresses a file to a container, as it is read. On the strict cpu engine equal inputs give equal bytes on every
 * machine, for any batch and number of threads; what another engine makes can be decompressed only where its bits are
 * the same.
 * @throws {RangeError} when the batch does not fit, or the model predicts no finite numbers
 * @throws {Error} when the input has not as many bytes as it says
 */
export async function* compress(
  engine: Engine,
  checkpoint: Checkpoint,
  input: CompressionInput,
  options: CodingOptions = {},
): AsyncGenerator<Uint8Array> {
  const { patchSize, patchLength } = checkpoint.model;
  const { byteLength } = input;
  const sizes = { byteLength, blockBytes: (patchLength - 1) * patchSize };
  const batch = options.batch ?? defaultBatch(checkpoint, sizes);
  const firstPatch = extensionPatch(input.extension, patchSize);
  const codingEngine = codingEngineOf(engine);
  const hash = await checkpointHash(checkpoint);
  using model = await openCodingModel(engine, checkpoint, sizes, batch);
  const header: ContainerHeader = {
    engine: codingEngine,
    batch: codingEngine === "strict cpu" ? 0 : batch,
    probe: model.probe,
    checkpoint: hash,
    ...sizes,
    extension: Uint8Array.from(firstPatch.filter((token) => token < 256)),
  };
  yield encodeHeader(header);
  const encode = (blocks: Uint8Array[]) => encodeBlocks(model.predictor, firstPatch, blocks);
  yield* encodeFrames(header, storedBlocks(new ByteReader(input.bytes), header, batch, encode));
}

/** Codes the blocks of a file in groups. */
async function* storedBlocks(
  reader: ByteReader,
  header: ContainerHeader,
  batch: number,
  encode: (blocks: Uint8Array[]) => Promise<Uint8Array[]>,
): AsyncGenerator<StoredBlock & { readonly stored: Uint8Array }> {
  const count = blockCountOf(header);
  for (let first = 0; first < count; first += batch) {
    const blocks: Uint8Array[] = [];
    for (let index = first; index < Math.min(first + batch, count); index++) {
      const byteLength = blockLength(header, index);
      const bytes = await reader.take(byteLength);
      if (bytes.length < byteLength) throw changedInput(header.byteLength, "fewer");
      blocks.push(bytes);
    }
    for (const [i, coded] of (await encode(blocks)).entries()) {
      const bytes = blocks[i]!;
      const stored = coded.length < bytes.length ? coded : bytes;
      yield { index: first + i, byteLength: bytes.length, stored, check: blockCheck(bytes, stored) };
    }
  }
  if ((await reader.peek(1)).length > 0) throw changedInput(header.byteLength, "more");
}

function changedInput(byteLength: number, than: string): Error {
  return new Error(
    `Cannot compress: the file was said to have ${byteLength} bytes and has ${than}. Leave it alone while it is read`,
  );
}
