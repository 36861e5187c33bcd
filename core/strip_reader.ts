/**
 * From files to strips: a seeded order that can be resumed at any strip, packed greedily.
 * @module
 */
import { fileExtension, filePatches, patchCountOf, randomCut } from "./patches.ts";
import { RandomStream } from "./random.ts";
import { packStrip, type Strip } from "./strip.ts";

/** Where bytes come from: a folder, a tar, memory. */
export interface FileSource {
  /** Paths decide the extension patch; sizes decide what fits into a strip before anything is read. */
  readonly files: readonly { readonly path: string; readonly byteLength: number }[];
  /** The bytes of one file. */
  read(index: number): Promise<Uint8Array>;
}

/** The next file to be read: which pass over the files, and how far in that pass's order. */
export interface DataPosition {
  /** Passes done. */
  readonly epoch: number;
  /** Files of this pass's order that were read. */
  readonly index: number;
}

/** A strip, the files in it, and where to go on after it. */
export interface StripAt {
  /** The batch. */
  readonly strip: Strip;
  /** Its files. */
  readonly paths: readonly string[];
  /** The position behind it. */
  readonly next: DataPosition;
}

/** How files become strips. */
export interface StripOptions {
  /** S: bytes of a patch. */
  readonly patchSize: number;
  /** L: most patches of a file. */
  readonly patchLength: number;
  /** P: patches of a strip. */
  readonly patchCapacity: number;
  /** What is kept of a file that is too long. */
  readonly cut: "head" | "random";
  /** Seed of order and cuts. */
  readonly seed: number;
}

/** Random streams of this file: the order of each epoch, and the cut of each file. */
const orderStream = 0x2000_0000;
const cutStream = 0x3000_0000;

/** Patches that a file takes in a strip. */
export function stripPatchCount(
  byteLength: number,
  options: { patchSize: number; patchLength: number },
): number {
  return Math.min(patchCountOf(byteLength, options.patchSize), options.patchLength);
}

/**
 * Patches of a strip with room for `batch` of the longest files: what a plan is built for.
 * @param batch files of full length
 */
export function stripCapacity(
  source: FileSource,
  options: { readonly batch: number; readonly patchSize: number; readonly patchLength: number },
): number {
  const longest = source.files.reduce((most, { byteLength }) => Math.max(most, byteLength), 0);
  return options.batch * stripPatchCount(longest, options);
}

/** Every file once, in the given order: for evaluation. */
export async function* stripsOnce(source: FileSource, options: StripOptions): AsyncGenerator<StripAt> {
  let index = 0;
  while (index < source.files.length) {
    const at = await nextStrip(source, { ...options, cut: "head" }, { epoch: 0, index }, (i) => i, false);
    yield at;
    index = at.next.epoch > 0 ? source.files.length : at.next.index;
  }
}

/** Strips of shuffled files without end, from a position on: for training. */
export async function* shuffledStrips(
  source: FileSource,
  options: StripOptions,
  position: DataPosition = { epoch: 0, index: 0 },
): AsyncGenerator<StripAt> {
  const order = epochOrder(source.files.length, options.seed);
  // The next strip is read while the device works on this one.
  let pending = nextStrip(source, options, position, order, true);
  while (true) {
    const at = await pending;
    pending = nextStrip(source, options, at.next, order, true);
    // A failure is thrown when its turn comes, not while nobody waits for it.
    pending.catch(() => {});
    yield at;
  }
}

/** The file that stands at a place of an epoch's order; keeps the latest order. */
function epochOrder(fileCount: number, seed: number): (index: number, epoch: number) => number {
  let current = -1;
  let order: number[] = [];
  return (index, epoch) => {
    if (epoch !== current) {
      order = Array.from({ length: fileCount }, (_, i) => i);
      new RandomStream(seed, orderStream + epoch).shuffle(order);
      current = epoch;
    }
    return order[index]!;
  };
}

async function nextStrip(
  source: FileSource,
  options: StripOptions,
  position: DataPosition,
  fileAt: (index: number, epoch: number) => number,
  wraps: boolean,
): Promise<StripAt> {
  const chosen: { file: number; epoch: number }[] = [];
  let { epoch, index } = position;
  let patchCount = 0;
  while (true) {
    const file = fileAt(index, epoch);
    const { path, byteLength } = source.files[file]!;
    const filePatches = stripPatchCount(byteLength, options);
    if (filePatches > options.patchCapacity) {
      throw new RangeError(
        `Cannot pack "${path}": it takes ${filePatches} patches, a strip holds ${options.patchCapacity}. ` +
          "Use the files that the run was started with",
      );
    }
    patchCount += filePatches;
    if (patchCount > options.patchCapacity) break;
    chosen.push({ file, epoch });
    index++;
    if (index === source.files.length) {
      epoch++;
      index = 0;
      if (!wraps) break;
    }
  }
  const tokens = await Promise.all(
    chosen.map(({ file, epoch }) => readPatches(source, options, file, epoch)),
  );
  const paths = chosen.map(({ file }) => source.files[file]!.path);
  const strip = packStrip(tokens, options.patchCapacity, options.patchSize);
  return { strip, paths, next: { epoch, index } };
}

async function readPatches(
  source: FileSource,
  options: StripOptions,
  file: number,
  epoch: number,
): Promise<Uint16Array> {
  const { path, byteLength } = source.files[file]!;
  const bytes = await source.read(file);
  if (bytes.length !== byteLength) {
    throw new Error(
      `Cannot use "${path}": it had ${byteLength} bytes when it was found and has ${bytes.length} now. ` +
        "Leave the files alone while they are read",
    );
  }
  const { patchSize, patchLength, seed } = options;
  // A cut is a function of file and epoch, so that a resumed run cuts alike.
  const random = new RandomStream(seed, cutStream + epoch, file * 2);
  const cut = options.cut === "random"
    ? randomCut(bytes.length, { patchSize, patchLength }, random)
    : undefined;
  return filePatches(bytes, fileExtension(path), { patchSize, patchLength, ...(cut && { cut }) });
}
