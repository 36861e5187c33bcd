/**
 * How a pair of files becomes one sequence, as published: `[a's extension][a's bytes][b's extension][b's bytes][end]`.
 * There is no end patch after a: b's extension patch marks the turn.
 * @module
 */
import { extensionPatch, filePatches, patchCountOf, type PatchSizes } from "@bgpt/core";

/** A file without its path: its bytes, and what stands behind its dot. */
export interface ConversionFile {
  /** What its first patch says. */
  readonly extension: string;
  /** The whole file. */
  readonly bytes: Uint8Array;
}

/**
 * Patches that are given in a conversion: the source's extension and bytes, and the target's extension.
 * @param byteLength of the source
 */
export function givenPatchCount(byteLength: number, patchSize: number): number {
  return patchCountOf(byteLength, patchSize);
}

/** Whether a patch of the target fits behind a source of `byteLength` bytes. */
export function leavesRoom(byteLength: number, { patchSize, patchLength }: PatchSizes): boolean {
  return givenPatchCount(byteLength, patchSize) < patchLength;
}

/** Patches of a pair of files of these sizes, the end patch included, before any cut. */
export function pairPatchCount(sourceBytes: number, targetBytes: number, patchSize: number): number {
  return patchCountOf(sourceBytes, patchSize) - 1 + patchCountOf(targetBytes, patchSize);
}

/**
 * What a conversion starts from: the source without its end, then the target's extension patch.
 * @returns tokens [P, S], whole patches
 */
export function conversionPrefix(
  source: ConversionFile,
  targetExtension: string,
  patchSize: number,
): Uint16Array {
  const prefix = wholeFile(source, patchSize);
  // The end patch, the last, gives way to the target's extension patch.
  prefix.set(extensionPatch(targetExtension, patchSize), prefix.length - patchSize);
  return prefix;
}

/**
 * A pair as one sequence, cut at the head to the patch length; the head of a pair that is too long has no end patch.
 * @returns tokens [P, S]
 */
export function pairPatches(
  source: ConversionFile,
  target: ConversionFile,
  { patchSize, patchLength }: PatchSizes,
): Uint16Array {
  const prefix = conversionPrefix(source, target.extension, patchSize);
  const targetPatches = wholeFile(target, patchSize);
  const tokens = new Uint16Array(prefix.length - patchSize + targetPatches.length);
  tokens.set(prefix);
  tokens.set(targetPatches, prefix.length - patchSize);
  return tokens.subarray(0, patchLength * patchSize);
}

function wholeFile({ extension, bytes }: ConversionFile, patchSize: number): Uint16Array {
  const patchLength = patchCountOf(bytes.length, patchSize);
  return filePatches(bytes, extension, { patchSize, patchLength });
}
