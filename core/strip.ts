/**
 * Packs files back to back into a strip of patches: one batch, without padding between files.
 * @module
 */
import { endOfPatch } from "./patches.ts";
import type { Sample } from "./sample.ts";

/** Where a sample lies in a strip. */
export interface StripSample {
  /** Its first patch. */
  readonly firstPatch: number;
  /** Its patches. */
  readonly patchCount: number;
  /** Number of its class, where it has one. */
  readonly label?: number;
}

/** A batch as the plan reads it. Patches behind the last file are padding: files of one empty patch, in no loss. */
export interface Strip {
  /** Token of every byte; P · S of them, each below V. */
  readonly patches: Uint32Array; // [P, S]
  /** Position in the strip of the first patch of each patch's file. */
  readonly fileStart: Uint32Array; // [P]
  /** The patch that each patch's feature predicts: the next one of its file. */
  readonly nextPatches: Uint32Array; // [P, S]
  /** Weight of each predicted byte in the loss: 0 where there is no next patch, or where it is given. */
  readonly lossWeights: Float32Array; // [P, S]
  /** The samples in the strip. */
  readonly samples: readonly StripSample[];
  /** Patches of those samples. */
  readonly patchCount: number;
  /** Bytes of the files in them: extensions, padding and ends left out. */
  readonly byteCount: number;
  /** Σ lossWeights: S for every predicted patch. */
  readonly lossWeight: number;
  /** Patches before it, where it is a part of a longer strip; 0 by default. */
  readonly firstPatch?: number;
}

/**
 * Lays samples out in a strip, in the given order.
 * @param samples whole patches each
 * @param patchCapacity P: patches of the strip
 * @param patchSize S: bytes of a patch
 * @throws {RangeError} when they do not fit
 */
export function packStrip(samples: readonly Sample[], patchCapacity: number, patchSize: number): Strip {
  const tokenCount = patchCapacity * patchSize;
  const patches = new Uint32Array(tokenCount).fill(endOfPatch);
  const nextPatches = new Uint32Array(tokenCount).fill(endOfPatch);
  const lossWeights = new Float32Array(tokenCount);
  const fileStart = Uint32Array.from({ length: patchCapacity }, (_, p) => p);
  const placed: StripSample[] = [];
  let patchCount = 0;
  let byteCount = 0;
  let lossWeight = 0;
  for (const { tokens, givenPatches = 1, label } of samples) {
    const samplePatches = tokens.length / patchSize;
    const end = patchCount + samplePatches;
    if (end > patchCapacity) {
      throw new RangeError(
        `Cannot pack ${end} patches into a strip of ${patchCapacity}: give it fewer files`,
      );
    }
    patches.set(tokens, patchCount * patchSize);
    fileStart.fill(patchCount, patchCount, end);
    nextPatches.set(tokens.subarray(patchSize), patchCount * patchSize);
    // The feature of patch p predicts patch p + 1.
    const [firstScored, lastScored] = [patchCount + givenPatches - 1, end - 1];
    lossWeights.fill(1, firstScored * patchSize, lastScored * patchSize);
    lossWeight += Math.max(0, lastScored - firstScored) * patchSize;
    for (let i = patchSize; i < tokens.length; i++) if (tokens[i] !== endOfPatch) byteCount++;
    placed.push({ firstPatch: patchCount, patchCount: samplePatches, ...(label !== undefined && { label }) });
    patchCount = end;
  }
  return { patches, fileStart, nextPatches, lossWeights, samples: placed, patchCount, byteCount, lossWeight };
}
