/**
 * Pairs of files as samples to learn from.
 * @module
 */
import {
  fileExtension,
  type FileSource,
  holdOutIndexes,
  type PatchSizes,
  readUnchanged,
  type SampleSource,
  type Split,
} from "@bgpt/core";
import {
  type ConversionFile,
  givenPatchCount,
  leavesRoom,
  pairPatchCount,
  pairPatches,
} from "./pair_patches.ts";
import { type FilePair, reversed } from "./pairs.ts";

/** What is in the loss: source and target, as published, or the target alone. */
export type PairLoss = "pair" | "target";

/** How pairs become samples. */
export interface PairSampleOptions extends PatchSizes {
  /** Whether a pair is a sample in each direction. */
  readonly bothWays: boolean;
  /** What is in the loss. */
  readonly loss: PairLoss;
}

/** What could not be made a sample. */
export interface LeftOutPairs {
  /** Paths of the sources that leave no room for a patch of their target. */
  readonly tooLong: readonly string[];
}

/** Pairs as samples. */
export interface PairSamples extends LeftOutPairs {
  /** One for each pair that fits. */
  readonly samples: SampleSource;
  /** The pair of each sample. */
  readonly pairs: readonly FilePair[];
}

/**
 * Every pair as a sample: source without end, then target; the head of it where that is longer than the patch length.
 * @throws {RangeError} when no source leaves room for its target
 */
export function pairSamples(
  files: FileSource,
  pairs: readonly FilePair[],
  options: PairSampleOptions,
): PairSamples {
  const { kept, tooLong } = fittingPairs(files, pairs, options);
  const fitting = kept.flat();
  return { samples: samplesOf(files, fitting, options.loss), pairs: fitting, tooLong };
}

/**
 * As {@linkcode pairSamples}, with a share of the pairs held out; both directions of a pair stay together.
 * @throws {RangeError} when no source leaves room for its target
 */
export function splitPairSamples(
  files: FileSource,
  pairs: readonly FilePair[],
  options: PairSampleOptions & { readonly evalShare: number; readonly seed: number },
): Split<SampleSource> & LeftOutPairs {
  const { kept, tooLong } = fittingPairs(files, pairs, options);
  const { training, evaluation } = holdOutIndexes(kept.length, options.evalShare, options.seed);
  const samples = (indexes: readonly number[]) =>
    samplesOf(files, indexes.flatMap((index) => kept[index]!), options.loss);
  return { training: samples(training), ...(evaluation && { evaluation: samples(evaluation) }), tooLong };
}

/** A file of a source, read. */
export async function readConversionFile(files: FileSource, index: number): Promise<ConversionFile> {
  return {
    extension: fileExtension(files.files[index]!.path),
    bytes: await readUnchanged(files, index),
  };
}

/** The directions of each pair that can be learnt, at least one of each. */
function fittingPairs(
  { files }: FileSource,
  pairs: readonly FilePair[],
  options: PairSampleOptions,
): { readonly kept: readonly (readonly FilePair[])[] } & LeftOutPairs {
  const tooLong: string[] = [];
  const fits = ({ source }: FilePair): boolean => {
    const { path, byteLength } = files[source]!;
    if (leavesRoom(byteLength, options)) return true;
    tooLong.push(path);
    return false;
  };
  const kept = pairs
    .map((pair) => (options.bothWays ? [pair, reversed(pair)] : [pair]).filter(fits))
    .filter(({ length }) => length > 0);
  if (kept.length > 0) return { kept, tooLong };
  throw new RangeError(
    `Cannot use ${pairs.length} pairs: each source, such as "${
      tooLong[0]
    }", fills the ${options.patchLength} patches ` +
      "of the model and leaves no room for its target. Use shorter files or a greater patch length",
  );
}

function samplesOf(files: FileSource, pairs: readonly FilePair[], loss: PairLoss): SampleSource {
  const found = (index: number) => {
    const { source, target } = pairs[index]!;
    return { source: files.files[source]!, target: files.files[target]! };
  };
  return {
    count: pairs.length,
    name: (index) => `${found(index).source.path} -> ${fileExtension(found(index).target.path)}`,
    patchCount(index, { patchSize, patchLength }) {
      const { source, target } = found(index);
      return Math.min(pairPatchCount(source.byteLength, target.byteLength, patchSize), patchLength);
    },
    async read(index, sizes) {
      const { source, target } = pairs[index]!;
      const [from, to] = await Promise.all([
        readConversionFile(files, source),
        readConversionFile(files, target),
      ]);
      return {
        tokens: pairPatches(from, to, sizes),
        ...(loss === "target" && { givenPatches: givenPatchCount(from.bytes.length, sizes.patchSize) }),
      };
    },
  };
}
