/**
 * The way back: containers to bytes, block by block, each of them checked.
 * @module
 */
import { type Checkpoint, endOfPatch } from "@bgpt/core";
import type { Engine } from "@bgpt/kernels";
import { decodeBlocks } from "./block_coder.ts";
import { ByteReader } from "./byte_reader.ts";
import { checkpointHash } from "./checkpoint_hash.ts";
import { codingEngineOf, type CodingModel, defaultBatch, openCodingModel } from "./coding_model.ts";
import type { CodingOptions } from "./compress.ts";
import { blockCountOf, ContainerError, type ContainerHeader, readHeader } from "./container.ts";
import { blockCheck, readFrames, type StoredBlock } from "./frames.ts";

/** A block of a file. */
export interface DecompressedBlock {
  /** Its place in the file, counted in blocks. */
  readonly index: number;
  /** Its bytes; zeros in a damaged one. */
  readonly bytes: Uint8Array;
  /** Whether its bytes are lost. */
  readonly damaged: boolean;
}

/** A container that was begun to be read. */
export class Container {
  /** What it says about itself. */
  readonly header: ContainerHeader;
  readonly #reader: ByteReader;

  private constructor(header: ContainerHeader, reader: ByteReader) {
    this.header = header;
    this.#reader = reader;
  }

  /**
   * Reads the header.
   * @throws {ContainerError} when there is none, or it is damaged or of another version
   */
  static async open(bytes: AsyncIterable<Uint8Array>): Promise<Container> {
    const reader = new ByteReader(bytes);
    return new Container(await readHeader(reader), reader);
  }

  /** Blocks of the file. */
  get blockCount(): number {
    return blockCountOf(this.header);
  }

  /**
   * The blocks of the file in their order. A damaged one says so and costs only itself, or its frame of 32 where the
   * frame's head is damaged; none ever has wrong bytes.
   * @throws {ContainerError} at the start, when the container was made with another checkpoint, on another engine, or
   * where the engine computes other bits; at the end, when blocks are missing there or bytes belong to none
   */
  async *blocks(
    engine: Engine,
    checkpoint: Checkpoint,
    options: CodingOptions = {},
  ): AsyncGenerator<DecompressedBlock> {
    const { header } = this;
    checkEngine(header, engine);
    await checkCheckpoint(header, checkpoint);
    const batch = header.batch > 0 ? header.batch : options.batch ?? defaultBatch(checkpoint, header);
    using model = await openCodingModel(engine, checkpoint, header, batch);
    if (model.probe !== header.probe) {
      throw new ContainerError(
        `Cannot decompress: the ${header.engine} engine computes other bits here than where the container was made. ` +
          "Decompress it there, with the same version of this program",
      );
    }
    const firstPatch = new Uint16Array(checkpoint.model.patchSize).fill(endOfPatch);
    firstPatch.set(header.extension);
    for await (const group of groupsOf(readFrames(this.#reader, header), batch)) {
      yield* decodeGroup(model, firstPatch, group);
    }
  }
}

/** Blocks in groups; what there is before a failure comes before it. */
async function* groupsOf(blocks: AsyncIterable<StoredBlock>, batch: number): AsyncGenerator<StoredBlock[]> {
  let group: StoredBlock[] = [];
  let failure: unknown;
  try {
    for await (const block of blocks) {
      group.push(block);
      if (group.length < batch) continue;
      yield group;
      group = [];
    }
  } catch (error) {
    failure = error;
  }
  if (group.length > 0) yield group;
  if (failure !== undefined) throw failure;
}

async function* decodeGroup(
  { predictor }: CodingModel,
  firstPatch: Uint16Array,
  group: readonly StoredBlock[],
): AsyncGenerator<DecompressedBlock> {
  // What is not coded is idle in its place.
  const isCoded = group.map(({ stored, byteLength }) => stored !== undefined && stored.length < byteLength);
  const decoded = await decodeBlocks(
    predictor,
    firstPatch,
    group.map(({ stored }, i) => isCoded[i] ? stored! : new Uint8Array()),
    group.map(({ byteLength }, i) => isCoded[i] ? byteLength : 0),
  );
  for (const [i, { index, byteLength, stored, check }] of group.entries()) {
    const bytes = isCoded[i] ? decoded[i] : stored;
    const good = bytes !== undefined && blockCheck(bytes, stored!) === check;
    yield { index, bytes: good ? bytes : new Uint8Array(byteLength), damaged: !good };
  }
}

function checkEngine(header: ContainerHeader, engine: Engine): void {
  const name = codingEngineOf(engine);
  if (name === header.engine) return;
  throw new ContainerError(
    `Cannot decompress on the ${name} engine: the container was made on the ${header.engine} engine, which computes ` +
      "other bits",
  );
}

async function checkCheckpoint(header: ContainerHeader, checkpoint: Checkpoint): Promise<void> {
  const hash = await checkpointHash(checkpoint);
  if (hash.some((byte, i) => header.checkpoint[i] !== byte)) {
    throw new ContainerError(
      `Cannot decompress with this checkpoint: its SHA-256 is ${hash.toHex()}, the container was made with ` +
        `${header.checkpoint.toHex()}. Name that one`,
    );
  }
  const { patchSize, patchLength } = checkpoint.model;
  if (header.blockBytes > (patchLength - 1) * patchSize || header.extension.length > patchSize) {
    throw new ContainerError(
      `Cannot decompress: blocks of ${header.blockBytes} bytes do not fit this checkpoint. Make the container again`,
    );
  }
}
