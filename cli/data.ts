import {
  chooseSamples,
  type EvaluationPart,
  fileSamples,
  type FileSource,
  holdOut,
  mixture,
  type MixturePart,
  type SampleSource,
  type Split,
} from "@bgpt/core";
import { folderSource } from "@bgpt/core/files";
import { note } from "./terminal.ts";
import { formatCount } from "./units.ts";

/** What a run learns from, and what it is measured on. */
export interface TrainingData {
  readonly training: SampleSource;
  /** Measured and reported one by one; empty where nothing is held out. */
  readonly evaluation: readonly EvaluationPart[];
}

/** How a task makes samples of files: of all of them, or of two parts where a share is held out. */
export interface SampleMaker {
  all(files: FileSource): SampleSource;
  split(files: FileSource, share: number, seed: number): Split<SampleSource>;
}

/** Every file is a sample. */
export const wholeFiles: SampleMaker = {
  all: (files) => fileSamples(files),
  split: (files, share, seed) => holdOut(fileSamples(files), share, seed),
};

/** Which of the data are trained on. */
export interface DataChoice {
  /** Share that is held out where no evaluation data are given. */
  readonly evalShare: number;
  /** Seed of what is held out and of what is chosen. */
  readonly seed: number;
  /** Most samples of each source to train on. */
  readonly limit?: number;
}

/** What `--data` says of one source. */
interface DataPart {
  readonly name: string;
  readonly paths: readonly string[];
  readonly weight: number;
}

/**
 * Opens what `--data` and `--eval-data` name. Every folder or tar is a source of its own with its own weight
 * (`PATH=WEIGHT`); files that are named one by one are one source together. Says which source has fewer samples than the
 * limit.
 * @param makerOf how samples are made of files, once all of `--data` are found
 * @throws {Error} when a path cannot be read or holds no file
 */
export async function openTrainingData(
  data: readonly string[],
  evalData: readonly string[],
  { evalShare, seed, limit }: DataChoice,
  makerOf: (sources: readonly FileSource[]) => SampleMaker = () => wholeFiles,
): Promise<TrainingData> {
  const parts: MixturePart[] = [];
  const evaluation: EvaluationPart[] = [];
  const found = [];
  for (const part of await dataParts(data)) found.push({ ...part, files: await openFiles(part.paths) });
  const samples = makerOf(found.map(({ files }) => files));
  for (const { name, files, weight } of found) {
    const split: Split<SampleSource> = evalData.length > 0
      ? { training: samples.all(files) }
      : samples.split(files, evalShare, seed);
    const { count } = split.training;
    if (limit !== undefined && limit > count) {
      note(
        `${name} has ${formatCount(count, "sample")} to train on, not the ${limit} of --limit: all are taken`,
      );
    }
    const source = limit !== undefined && limit < count
      ? chooseSamples(split.training, limit, seed)
      : split.training;
    parts.push({ name, source, weight });
    if (split.evaluation !== undefined) evaluation.push({ name, source: split.evaluation });
  }
  if (evalData.length > 0) evaluation.push(...await openEvaluationData(evalData, samples));
  const only = parts.length === 1 && parts[0]!.weight === 1 ? parts[0]!.source : undefined;
  return { training: only ?? mixture(parts), evaluation };
}

/** A source that is measured, and the files that its samples are made of. */
export interface EvaluationData extends EvaluationPart {
  readonly files: FileSource;
}

/** Opens what an evaluation's `--data` names, source by source. */
export async function openEvaluationData(
  data: readonly string[],
  samples: Pick<SampleMaker, "all"> = wholeFiles,
): Promise<readonly EvaluationData[]> {
  const parts = await dataParts(data);
  return await Promise.all(
    parts.map(async ({ name, paths }) => {
      const files = await openFiles(paths);
      return { name, files, source: samples.all(files) };
    }),
  );
}

/** The files of one source. Says so where a tar below a folder is one file among the others. */
async function openFiles(paths: readonly string[]): Promise<FileSource> {
  const files = await folderSource(paths);
  const tar = files.files.find(({ path }) =>
    path.endsWith(".tar") && !paths.some((own) => own.endsWith(".tar"))
  );
  if (tar !== undefined) {
    note(`${tar.path} is read as one file; to read the files in it, name it outright: --data ${tar.path}`);
  }
  return files;
}

async function dataParts(words: readonly string[]): Promise<readonly DataPart[]> {
  const parts: DataPart[] = [];
  const files: string[] = [];
  for (const word of words) {
    const { path, weight } = await weighted(word);
    const found = await Deno.stat(path).catch(() => undefined);
    if (found?.isFile && weight === 1 && !path.endsWith(".tar")) files.push(path);
    else parts.push({ name: path, paths: [path], weight });
  }
  if (files.length > 0) {
    parts.push({ name: files.length === 1 ? files[0]! : `${files.length} files`, paths: files, weight: 1 });
  }
  return parts;
}

/** Splits `PATH=WEIGHT`; a path that is really called so is taken as it is. */
async function weighted(word: string): Promise<{ path: string; weight: number }> {
  const [, path, weight] = word.match(/^(.+)=(\d*\.?\d+)$/) ?? [];
  if (path === undefined || await Deno.stat(word).then(() => true, () => false)) {
    return { path: word, weight: 1 };
  }
  return { path, weight: Number(weight) };
}
