import type { RandomStream } from "./random.ts";

/** The one token that is no byte: padding, the first position of a byte row, the end of a file. */
export const endOfPatch = 256;

/** Which patches of a file that is too long are kept; a body starts at `startPatch`, counted with the extension patch. */
export type Cut = { part: "head" } | { part: "body"; startPatch: number } | { part: "tail" };

/** How a file becomes patches. */
export interface PatchOptions {
  /** Bytes of a patch, S. */
  patchSize: number;
  /** The most patches of a file, the extension and the end patch included. */
  patchLength: number;
  /** What to keep of a file that is too long; the head if absent. A file that fits is always whole. */
  cut?: Cut;
}

/** What stands after the last `.` of the whole path, case kept; a path without a dot is its own extension. */
export function fileExtension(path: string): string {
  return path.slice(path.lastIndexOf(".") + 1);
}

/** How many patches a file of `byteLength` bytes has before any cut: its extension, its bytes, its end. */
export function patchCountOf(byteLength: number, patchSize: number): number {
  return Math.ceil(byteLength / patchSize) + 2;
}

/**
 * The patch that opens a file: the extension in UTF-8, cut to the patch size (inside a character, if need be).
 *
 * @returns tokens [S]
 */
export function extensionPatch(extension: string, patchSize: number): Uint16Array {
  const tokens = new Uint16Array(patchSize).fill(endOfPatch);
  tokens.set(new TextEncoder().encode(extension).subarray(0, patchSize));
  return tokens;
}

/**
 * A file as patches: `[extension][bytes, padded with 256][end, all 256]`, cut to the patch length as the published
 * program cuts. A head loses the end patch, a tail the extension patch; the last possible body is the tail.
 *
 * @param bytes the whole file
 * @returns tokens [P, S], without the padding of a batch
 * @throws RangeError if a size is no positive integer, or a body starts outside of the file
 * @example
 * ```ts
 * import { fileExtension, filePatches } from "@bgpt/core";
 * const bytes = new TextEncoder().encode("Hello");
 * const tokens = filePatches(bytes, fileExtension("a.txt"), { patchSize: 16, patchLength: 512 }); // [3, 16]
 * ```
 */
export function filePatches(bytes: Uint8Array, extension: string, options: PatchOptions): Uint16Array {
  const { patchSize, patchLength, cut = { part: "head" } } = options;
  checkPositive("patchSize", patchSize);
  checkPositive("patchLength", patchLength);
  const patchCount = patchCountOf(bytes.length, patchSize);
  const firstPatch = patchCount <= patchLength ? 0 : firstPatchOf(cut, patchCount - patchLength);
  const tokens = new Uint16Array(Math.min(patchCount, patchLength) * patchSize).fill(endOfPatch); // [P, S]
  if (firstPatch === 0) {
    tokens.set(extensionPatch(extension, patchSize));
    tokens.set(bytes.subarray(0, tokens.length - patchSize), patchSize);
  } else {
    const firstByte = (firstPatch - 1) * patchSize;
    tokens.set(bytes.subarray(firstByte, firstByte + tokens.length));
  }
  return tokens;
}

/**
 * Draws what training keeps of a file, as published: head, body or tail alike, and any start of a body alike.
 * A file that fits draws nothing.
 */
export function randomCut(
  byteLength: number,
  options: { patchSize: number; patchLength: number },
  random: RandomStream,
): Cut {
  const surplus = patchCountOf(byteLength, options.patchSize) - options.patchLength;
  if (surplus <= 0) return { part: "head" };
  const part = (["head", "body", "tail"] as const)[random.below(3)] ?? "head";
  return part === "body" ? { part, startPatch: 1 + random.below(surplus) } : { part };
}

/**
 * The bytes that tokens stand for: all before the first 256, which ends a file wherever it stands.
 * The extension patch is no part of a file's bytes: pass `tokens.subarray(patchSize)`.
 *
 * @throws RangeError if a token is larger than 256
 */
export function bytesOfPatches(tokens: Uint16Array): Uint8Array {
  const end = tokens.indexOf(endOfPatch);
  const values = end < 0 ? tokens : tokens.subarray(0, end);
  const wrong = values.find((token) => token > endOfPatch);
  if (wrong !== undefined) {
    throw new RangeError(`Cannot turn token ${wrong} into a byte: tokens are 0 to 256`);
  }
  return Uint8Array.from(values);
}

function firstPatchOf(cut: Cut, surplus: number): number {
  if (cut.part === "head") return 0;
  if (cut.part === "tail") return surplus;
  const { startPatch } = cut;
  if (Number.isInteger(startPatch) && startPatch >= 1 && startPatch <= surplus) return startPatch;
  throw new RangeError(
    `Cannot cut the body of a file at patch ${startPatch}: it must start at an integer from 1 to ${surplus}`,
  );
}

function checkPositive(name: string, value: number): void {
  if (Number.isInteger(value) && value > 0) return;
  throw new RangeError(`Cannot make patches with ${name} ${value}: it must be a positive integer`);
}
