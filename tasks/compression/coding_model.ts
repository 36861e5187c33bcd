/**
 * The model as a coder has it: its engine named, its bits probed, its memory bounded.
 * @module
 */
import { type Checkpoint, codingCacheBytes, crc32c, extensionPatch, NextByte } from "@bgpt/core";
import { CpuEngine, type Engine } from "@bgpt/kernels";
import { blockCountOf, type CodingEngine, type ContainerHeader } from "./container.ts";

/** Blocks at once by default, as far as memory goes: more are hardly faster. */
const usualBatch = 64;
/** Bytes of keys and values that the default may take, and any batch. */
const usualCacheBytes = 2 ** 29;
const mostCacheBytes = 2 ** 31;

/** A model on an engine, and the check of what it computes there. */
export interface CodingModel extends Disposable {
  /** Predicts the blocks. */
  readonly predictor: NextByte;
  /** A check of its logits, u32: another engine, other kernels or another processor give another one. */
  readonly probe: number;
}

/** What a container calls an engine. */
export function codingEngineOf(engine: Engine): CodingEngine {
  return engine instanceof CpuEngine && engine.strict ? "strict cpu" : engine.name as CodingEngine;
}

/** Blocks at once where nobody chose: what memory allows, in groups of one size. */
export function defaultBatch(
  checkpoint: Checkpoint,
  sizes: Pick<ContainerHeader, "byteLength" | "blockBytes">,
): number {
  const cacheBytes = codingCacheBytes(checkpoint.model, slotPatchesOf(checkpoint, sizes));
  const most = Math.max(1, Math.min(usualBatch, Math.floor(usualCacheBytes / cacheBytes)));
  const count = Math.max(1, blockCountOf(sizes));
  return Math.ceil(count / Math.ceil(count / most));
}

/**
 * Places a checkpoint on an engine for a number of blocks at once.
 * @throws {RangeError} when so many blocks take too much memory
 */
export async function openCodingModel(
  engine: Engine,
  checkpoint: Checkpoint,
  sizes: Pick<ContainerHeader, "byteLength" | "blockBytes">,
  batch: number,
): Promise<CodingModel> {
  const { model, parameters } = checkpoint;
  const slotPatches = slotPatchesOf(checkpoint, sizes);
  const cacheBytes = batch * codingCacheBytes(model, slotPatches);
  if (cacheBytes > mostCacheBytes) {
    throw new RangeError(
      `Cannot code ${batch} blocks at once: their keys and values take ${cacheBytes} bytes, at most ${mostCacheBytes} ` +
        "are allowed. Use a smaller batch",
    );
  }
  const predictor = await NextByte.create(engine, model, parameters, { sequenceCount: batch, slotPatches });
  const probe = await probeOf(predictor, model.patchSize, Math.min(2, slotPatches));
  return { predictor, probe, [Symbol.dispose]: () => predictor.destroy() };
}

/** Patches that the last byte of a block is predicted from. */
function slotPatchesOf(
  { model }: Checkpoint,
  sizes: Pick<ContainerHeader, "byteLength" | "blockBytes">,
): number {
  return Math.max(1, Math.ceil(Math.min(sizes.blockBytes, sizes.byteLength) / model.patchSize));
}

/** The check of the first sequence's logits over some patches. */
async function probeOf(predictor: NextByte, patchSize: number, patchCount: number): Promise<number> {
  predictor.start(extensionPatch("bin", patchSize));
  let probe = 0;
  for (let step = 0; step < patchSize * patchCount; step++) {
    const logits = (await predictor.next()).subarray(0, 256);
    probe = crc32c(new Uint8Array(logits.buffer, logits.byteOffset, logits.byteLength), probe);
    predictor.push(new Uint8Array(predictor.sequenceCount).fill(97 * step));
  }
  return probe;
}
