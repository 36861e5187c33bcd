/**
 * Packs files back to back into a strip of patches: one batch, without padding between files.
 * @module
 */
import { endOfPatch } from "./patches.ts";

/** A batch as the plan reads it. Patches behind the last file are padding: files of one empty patch, in no loss. */
export interface Strip {
  /** Token of every byte; P · S of them, each below V. */
  readonly patches: Uint32Array; // [P, S]
  /** Position in the strip of the first patch of each patch's file. */
  readonly fileStart: Uint32Array; // [P]
  /** The patch that each patch's feature predicts: the next one of its file. */
  readonly nextPatches: Uint32Array; // [P, S]
  /** Weight of each predicted byte in the loss: 0 where there is no next patch. */
  readonly lossWeights: Float32Array; // [P, S]
  /** Files in the strip. */
  readonly fileCount: number;
  /** Patches of those files. */
  readonly patchCount: number;
  /** Σ lossWeights: 16 for every predicted patch. */
  readonly lossWeight: number;
}

/**
 * Lays files out in a strip, in the given order.
 * @param files the tokens of each file, whole patches
 * @param patchCapacity P: patches of the strip
 * @param patchSize S: bytes of a patch
 * @throws {RangeError} when they do not fit
 */
export function packStrip(files: readonly Uint16Array[], patchCapacity: number, patchSize: number): Strip {
  const tokenCount = patchCapacity * patchSize;
  const patches = new Uint32Array(tokenCount).fill(endOfPatch);
  const nextPatches = new Uint32Array(tokenCount).fill(endOfPatch);
  const lossWeights = new Float32Array(tokenCount);
  const fileStart = Uint32Array.from({ length: patchCapacity }, (_, p) => p);
  let patchCount = 0;
  for (const tokens of files) {
    const filePatches = tokens.length / patchSize;
    const end = patchCount + filePatches;
    if (end > patchCapacity) {
      throw new RangeError(
        `Cannot pack ${end} patches into a strip of ${patchCapacity}: give it fewer files`,
      );
    }
    patches.set(tokens, patchCount * patchSize);
    fileStart.fill(patchCount, patchCount, end);
    nextPatches.set(tokens.subarray(patchSize), patchCount * patchSize);
    lossWeights.fill(1, patchCount * patchSize, (end - 1) * patchSize);
    patchCount = end;
  }
  const lossWeight = (patchCount - files.length) * patchSize;
  return { patches, fileStart, nextPatches, lossWeights, fileCount: files.length, patchCount, lossWeight };
}
