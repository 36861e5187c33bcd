import {
  type Checkpoint,
  defaultSampling,
  type EvaluationPart,
  type FileSource,
  type LossTotals,
  type ModelConfig,
} from "@bgpt/core";
import { folderSource } from "@bgpt/core/files";
import type { Engine } from "@bgpt/kernels";
import {
  type Conversion,
  type ConversionFile,
  ConversionScore,
  type ConversionScoreReport,
  convert,
  type FilePair,
  givenPatchCount,
  order3BitsPerByte,
  type PairSamples,
  pairSamples,
  readConversionFile,
  reversed,
} from "@bgpt/tasks";
import { tellingPairs, tellTooLong } from "./conversion_samples.ts";
import { evaluateParts } from "./evaluate_parts.ts";
import { ComparedTunes } from "./compared_tunes.ts";
import { ProgressLine } from "./progress.ts";
import { xzByteLength } from "./xz_size.ts";

/** What is measured. */
export interface ConversionEvaluationOptions {
  /** Files, folders and tars with the pairs. */
  readonly data: readonly string[];
  readonly conversion: Conversion;
  /** Pairs that the order-3 model learns from first; may be empty. */
  readonly baselineData: readonly string[];
  /** How many pairs are converted, to score what comes out. */
  readonly convertCount: number;
  /** Pairs of full length computed at a time. */
  readonly batch: number;
}

/** What was measured in one direction. */
export interface DirectionEvaluation {
  readonly from: string;
  readonly to: string;
  readonly pairs: number;
  /** Sources that left no room for a target. */
  readonly tooLong: number;
  /** The loss of the target alone. */
  readonly target: LossTotals;
  /** The loss of the whole pair, as published. */
  readonly pair: LossTotals;
  /** Bits per byte of the targets, as far as the model reads them. */
  readonly baselines: {
    /** Of {@linkcode order3BitsPerByte}. */
    readonly order3: number;
    /** Of `xz -9` on all targets in one; absent where xz is not installed. */
    readonly xz?: number;
  };
  /** What comes out, where files were converted. */
  readonly conversion?: ConversionScoreReport;
}

/** One direction that is to be measured. */
interface Direction {
  readonly from: string;
  readonly to: string;
  readonly target: PairSamples;
  readonly pair: PairSamples;
}

/** Measures conversions direction by direction, beside trivial baselines. */
export async function evaluateConversion(
  engine: Engine,
  checkpoint: Checkpoint,
  options: ConversionEvaluationOptions,
): Promise<readonly DirectionEvaluation[]> {
  const files = await folderSource(options.data);
  const directions = directionsOf(files, options.conversion, checkpoint.model);
  const parts = directions.flatMap(({ from, to, target, pair }): EvaluationPart[] => [
    { name: `${from}->${to}`, source: target.samples },
    { name: `${from}->${to} whole`, source: pair.samples },
  ]);
  const evaluations = await evaluateParts(engine, checkpoint, parts, options.batch);
  const results: DirectionEvaluation[] = [];
  for (const [i, { from, to, target: { pairs, tooLong } }] of directions.entries()) {
    results.push({
      from,
      to,
      pairs: pairs.length,
      tooLong: tooLong.length,
      target: evaluations[2 * i]!.totals,
      pair: evaluations[2 * i + 1]!.totals,
      baselines: await baselines(files, pairs, checkpoint.model, options, to),
      ...(options.convertCount > 0 && {
        conversion: await scoredConversions(
          engine,
          checkpoint,
          files,
          spread(pairs, options.convertCount),
          options.batch,
        ),
      }),
    });
  }
  return results;
}

function directionsOf(files: FileSource, conversion: Conversion, sizes: ModelConfig): readonly Direction[] {
  const { from, to, bothWays } = conversion;
  const found = tellingPairs(files, conversion);
  const direction = (from: string, to: string, pairs: readonly FilePair[]): Direction => {
    const options = { ...sizes, bothWays: false };
    const target = pairSamples(files, pairs, { ...options, loss: "target" });
    tellTooLong(target);
    return { from, to, target, pair: pairSamples(files, pairs, { ...options, loss: "pair" }) };
  };
  const forth = direction(from, to, found);
  return bothWays ? [forth, direction(to, from, found.map(reversed))] : [forth];
}

async function baselines(
  files: FileSource,
  pairs: readonly FilePair[],
  { patchSize, patchLength }: ModelConfig,
  { baselineData, conversion }: ConversionEvaluationOptions,
  to: string,
): Promise<DirectionEvaluation["baselines"]> {
  const targets: Uint8Array[] = [];
  for (const { source, target } of pairs) {
    // As far as the model reads it.
    const given = givenPatchCount(files.files[source]!.byteLength, patchSize);
    const { bytes } = await readConversionFile(files, target);
    targets.push(bytes.subarray(0, (patchLength - given) * patchSize));
  }
  const training: Uint8Array[] = [];
  if (baselineData.length > 0) {
    const source = await folderSource(baselineData);
    for (const pair of tellingPairs(source, conversion)) {
      const { target } = to === conversion.to ? pair : reversed(pair);
      training.push((await readConversionFile(source, target)).bytes);
    }
  }
  const byteLength = targets.reduce((sum, { length }) => sum + length, 0);
  const xz = await xzByteLength(targets);
  return {
    order3: order3BitsPerByte(training, targets),
    ...(xz !== undefined && { xz: 8 * xz / byteLength }),
  };
}

/** So many of the pairs, evenly spread; all where there are fewer. */
function spread(pairs: readonly FilePair[], count: number): readonly FilePair[] {
  const kept = Math.min(count, pairs.length);
  return Array.from({ length: kept }, (_, i) => pairs[Math.floor(i * pairs.length / kept)]!);
}

async function scoredConversions(
  engine: Engine,
  checkpoint: Checkpoint,
  files: FileSource,
  pairs: readonly FilePair[],
  batch: number,
): Promise<ConversionScoreReport> {
  const read = (index: number): Promise<ConversionFile> => readConversionFile(files, index);
  const sources = await Promise.all(pairs.map(({ source }) => read(source)));
  const to = (await read(pairs[0]!.target)).extension;
  using tunes = await ComparedTunes.open(sources[0]!.extension, to);
  const score = new ConversionScore();
  using progress = new ProgressLine(`Converting to .${to}`, pairs.length, "files");
  const options = { sampling: { ...defaultSampling, greedy: true }, batch };
  for await (const { index, bytes: actual, ended } of convert(engine, checkpoint, sources, to, options)) {
    const { bytes: expected } = await read(pairs[index]!.target);
    const music = await tunes.compare(sources[index]!.bytes, expected, actual);
    score.add({ expected, actual, ended, ...(music && { music }) });
    progress.update(progress.done + 1);
  }
  return score.report();
}
