/**
 * What strips are packed from: whole files, pairs of files, labelled files, or a mixture of such sources.
 * @module
 */
import { type Cut, fileExtension, filePatches, patchCountOf, randomCut } from "./patches.ts";
import type { RandomStream } from "./random.ts";

/** One sequence of patches to learn from or to measure. */
export interface Sample {
  /** Tokens of whole patches. */
  readonly tokens: Uint16Array; // [patches, S]
  /** Patches at the start that are given and not scored; the first one never is. 1 by default. */
  readonly givenPatches?: number;
  /** Number of its class, for classification. */
  readonly label?: number;
}

/** Sizes that decide how many patches a sample takes. */
export interface PatchSizes {
  /** S: bytes of a patch. */
  readonly patchSize: number;
  /** L: most patches of a sample. */
  readonly patchLength: number;
}

/** How a sample is made of its bytes. */
export interface SampleOptions extends PatchSizes {
  /** What is kept of a file that is too long. */
  readonly cut: "head" | "random";
}

/** Samples that are read when their turn comes. */
export interface SampleSource {
  /** How many there are. */
  readonly count: number;
  /** What an error calls a sample: its path. */
  name(index: number): string;
  /** Patches that it takes in a strip, known before it is read. */
  patchCount(index: number, sizes: PatchSizes): number;
  /**
   * Its tokens.
   * @param random where cuts are drawn from: a function of seed and place, so that a resumed run cuts alike
   */
  read(index: number, options: SampleOptions, random: RandomStream): Promise<Sample>;
  /** The samples of an epoch in order, where an epoch is not simply all of them in shuffled order. */
  order?(epoch: number, seed: number): readonly number[];
}

/** Where bytes come from: a folder, a tar, memory. */
export interface FileSource {
  /** Paths decide the extension patch; sizes decide what fits into a strip before anything is read. */
  readonly files: readonly { readonly path: string; readonly byteLength: number }[];
  /** The bytes of one file. */
  read(index: number): Promise<Uint8Array>;
}

/**
 * Each file as a sample of its own: extension patch, bytes, end.
 * @param givenPatches patches at the start of every file, its extension patch included, that are read and not scored; a
 * cut that leaves some of them out has fewer. A file must have more.
 */
export function fileSamples(source: FileSource, givenPatches: number = 1): SampleSource {
  return {
    count: source.files.length,
    name: (index) => source.files[index]!.path,
    patchCount: (index, sizes) => wholePatchCount(source.files[index]!.byteLength, sizes),
    async read(index, options, random) {
      const { path } = source.files[index]!;
      const bytes = await readUnchanged(source, index);
      const { cut, firstPatch } = cutOf(bytes.length, options, random);
      return {
        tokens: filePatches(bytes, fileExtension(path), { ...options, cut }),
        ...(givenPatches > 1 && { givenPatches: Math.max(1, givenPatches - firstPatch) }),
      };
    },
  };
}

/** Which patches of a file are kept, and the first of them. */
function cutOf(
  byteLength: number,
  options: SampleOptions,
  random: RandomStream,
): { readonly cut: Cut; readonly firstPatch: number } {
  const cut: Cut = options.cut === "random" ? randomCut(byteLength, options, random) : { part: "head" };
  const { patchSize, patchLength } = options;
  const firstPatch = {
    head: 0,
    body: cut.part === "body" ? cut.startPatch : 0,
    tail: patchCountOf(byteLength, patchSize) - patchLength,
  }[cut.part];
  return { cut, firstPatch };
}

/** Some samples of a source, by their indexes. */
export function selectSamples(source: SampleSource, indexes: readonly number[]): SampleSource {
  return {
    count: indexes.length,
    name: (index) => source.name(indexes[index]!),
    patchCount: (index, sizes) => source.patchCount(indexes[index]!, sizes),
    read: (index, options, random) => source.read(indexes[index]!, options, random),
  };
}

/** Some files of a source, by their indexes. */
export function selectFiles(source: FileSource, indexes: readonly number[]): FileSource {
  return {
    files: indexes.map((index) => source.files[index]!),
    read: (index) => source.read(indexes[index]!),
  };
}

/** Patches that a file takes in a strip, extension and end included. */
export function wholePatchCount(byteLength: number, sizes: PatchSizes): number {
  return Math.min(patchCountOf(byteLength, sizes.patchSize), sizes.patchLength);
}

/** A file that vanished, or changed its size, since it was found. */
export class UnreadableFileError extends Error {
  /** `UnreadableFileError`. */
  override name = "UnreadableFileError";
  /** Its path. */
  readonly path: string;

  /**
   * An error of a file.
   * @param path the file's
   * @param message what is wrong with it
   */
  constructor(path: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.path = path;
  }
}

/**
 * The bytes of a file, of which a strip's layout already depends on the size.
 * @throws {UnreadableFileError} when it cannot be read, or has another size than it was found with
 */
export async function readUnchanged(source: FileSource, index: number): Promise<Uint8Array> {
  const { path, byteLength } = source.files[index]!;
  const bytes = await source.read(index).catch((error: Error) => {
    throw new UnreadableFileError(path, error.message, { cause: error });
  });
  if (bytes.length === byteLength) return bytes;
  throw new UnreadableFileError(
    path,
    `Cannot use "${path}": it had ${byteLength} bytes when it was found and has ${bytes.length} now. ` +
      "Leave the files alone while they are read",
  );
}
