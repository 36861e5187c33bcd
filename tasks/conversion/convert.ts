/**
 * Files converted by a model: the source is given, the target is generated behind it.
 * @module
 */
import { type Checkpoint, generate, type Sampling } from "@bgpt/core";
import type { Engine } from "@bgpt/kernels";
import { concatenate } from "../concatenate.ts";
import { type ConversionFile, conversionPrefix } from "./pair_patches.ts";

/** How files are converted. */
export interface ConvertOptions {
  /** How bytes are drawn; greedily is usual. */
  readonly sampling: Sampling;
  /** Most bytes of an output; up to the patch length by default. */
  readonly byteLimit?: number;
  /** Files converted at a time. */
  readonly batch: number;
}

/** What a file was converted into. */
export interface ConvertedFile {
  /** Which file. */
  readonly index: number;
  /** All that the model wrote. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Whether the model ended it; it was cut off at the patch length or the byte limit otherwise. */
  readonly ended: boolean;
}

/**
 * Converts files, many at a time, and gives each as soon as it is finished.
 * @param checkpoint a generative model that was trained on pairs of these formats
 * @param targetExtension what to convert into
 * @throws {RangeError} when a source leaves no room for a patch of its target ({@linkcode leavesRoom})
 */
export async function* convert(
  engine: Engine,
  checkpoint: Pick<Checkpoint, "model" | "parameters">,
  files: readonly ConversionFile[],
  targetExtension: string,
  options: ConvertOptions,
): AsyncGenerator<ConvertedFile> {
  const { model, parameters } = checkpoint;
  const { patchSize: S, patchLength } = model;
  const { sampling, byteLimit = patchLength * S, batch } = options;
  for (let first = 0; first < files.length; first += batch) {
    const group = files.slice(first, first + batch);
    const prefixes = group.map((file) => conversionPrefix(file, targetExtension, S));
    const chunks: Uint8Array[][] = group.map(() => []);
    const byteLengths = group.map(() => 0);
    const request = { prefixes, byteLimit, sampling, firstStream: first };
    for await (const { sequence, bytes, finished } of generate(engine, model, parameters, request)) {
      chunks[sequence]!.push(bytes);
      byteLengths[sequence]! += bytes.length;
      if (!finished) continue;
      yield {
        index: first + sequence,
        bytes: concatenate(chunks[sequence]!),
        // A patch that is not filled holds the end.
        ended: bytes.length < S && byteLengths[sequence]! < byteLimit,
      };
    }
  }
}
