import {
  type Config,
  type EvaluationPart,
  fileSamples,
  type FileSource,
  patchCountOf,
  type SampleSource,
} from "@bgpt/core";
import { type CpuCorpusOptions, parseStateFile, type StateFile } from "@bgpt/tasks";
import { chosenConversion, conversionSamples } from "../conversion_samples.ts";
import { cpuCorpusFile } from "../cpu_corpus.ts";
import { openTrainingData } from "../data.ts";
import { UsageError } from "../errors.ts";

/** What the variants of a study learn from, and what they are measured on. */
export interface AblationData {
  /** What tables call it, and the names of its runs begin with. */
  readonly name: string;
  /** What it is and how it is scored, in a sentence. */
  readonly note: string;
  /** What the samples are, in the plural. */
  readonly noun: string;
  readonly training: SampleSource;
  readonly evaluation: readonly EvaluationPart[];
  /** Most patches of a sample. */
  readonly patchLength: number;
  /** Programs never trained on, where the data are CPU states. */
  readonly unseen?: readonly StateFile[];
}

/** Programs that a model is scored on, and the seeds of the two corpora. */
const unseenPrograms = 100;
const trainingSeed = 1;
const unseenSeed = 2;

/** What is held out is the same in all runs, whatever their seed. */
const splitSeed = 0;

/**
 * Files by `NAME=PATH`, a share of them held out.
 * @throws {UsageError} for a word that is no `NAME=PATH`
 */
export async function namedFiles(word: string, { patchLength, evalShare }: Config): Promise<AblationData> {
  const [name, path] = namedPath(word, "--data", /^[\w-]+$/, "text=books");
  const { training, evaluation } = await openTrainingData([path], [], { evalShare, seed: splitSeed });
  return {
    name,
    note: `Files of ${path}; scored are the bytes of files held out.`,
    noun: "files",
    training,
    evaluation: heldOut(evaluation, path),
    patchLength,
  };
}

/**
 * Pairs to convert by `A->B=PATH`, a share of them held out.
 * @throws {UsageError} for a word that is no `A->B=PATH`
 */
export async function namedPairs(word: string, config: Config): Promise<AblationData> {
  const [pairs, path] = namedPath(word, "--pairs", /^[^=/]+$/, '"abc->mid=tunes"');
  const samples = conversionSamples(chosenConversion(pairs), "target", config);
  const choice = { evalShare: config.evalShare, seed: splitSeed };
  const { training, evaluation } = await openTrainingData([path], [], choice, () => samples);
  return {
    name: pairs.replaceAll(/\W+/g, "-to-"),
    note: `Pairs ${pairs} of ${path}; learnt and scored are the bytes of the targets alone.`,
    noun: "pairs",
    training,
    evaluation: heldOut(evaluation, path),
    patchLength: config.patchLength,
  };
}

/** Generated programs and their states; what is random, memory and start, is given and not scored. */
export function cpuStates(
  count: number,
  corpus: Omit<CpuCorpusOptions, "seed">,
  patchSize: number,
): AblationData {
  const [training, unseen] = [
    generatedFiles(count, { ...corpus, seed: trainingSeed }),
    generatedFiles(unseenPrograms, { ...corpus, seed: unseenSeed }),
  ];
  const memoryBytes = corpus.memoryBytes!;
  const givenPatches = 1 + memoryBytes / patchSize + 1;
  const states = unseen.files.map((_, index) =>
    parseStateFile(cpuCorpusFile(index, { ...corpus, seed: unseenSeed }))
  );
  const longest = Math.max(...[...training.files, ...unseen.files].map(({ byteLength }) => byteLength));
  return {
    name: "cpu",
    note: `${count.toLocaleString("en")} generated programs of ${corpus.minimumProgram} to ` +
      `${corpus.maximumProgram} instructions, memory ${memoryBytes} bytes, ` +
      `${corpus.instructions?.join(" ") ?? "all instructions"}, registers ${corpus.registers}` +
      `${
        corpus.unusedRegistersZero ? ", the others 0" : ""
      }. Memory and start are given; scored are the states ` +
      `behind them, each from the true bytes before it, on ${unseenPrograms} other programs. The trivial predictor ` +
      "has PC + 1, the fetched instruction and registers unchanged.",
    noun: "programs",
    training: fileSamples(training, givenPatches),
    evaluation: [{ name: "unseen programs", source: fileSamples(unseen, givenPatches) }],
    patchLength: patchCountOf(longest, patchSize),
    unseen: states,
  };
}

/** A file is a pure function of its index, so that none is kept. */
function generatedFiles(count: number, corpus: CpuCorpusOptions): FileSource {
  return {
    files: Array.from({ length: count }, (_, index) => ({
      path: `${index}.bin`,
      byteLength: cpuCorpusFile(index, corpus).length,
    })),
    read: (index) => Promise.resolve(cpuCorpusFile(index, corpus)),
  };
}

function namedPath(word: string, flag: string, name: RegExp, example: string): [string, string] {
  const at = word.indexOf("=");
  const [before, path] = [word.slice(0, at), word.slice(at + 1)];
  if (at > 0 && path !== "" && name.test(before)) return [before, path];
  throw new UsageError(`Cannot use ${flag} ${word}: a name and a path are required, such as ${example}`);
}

function heldOut(evaluation: readonly EvaluationPart[], path: string): readonly EvaluationPart[] {
  if (evaluation.length > 0) return evaluation;
  throw new UsageError(
    `Cannot study "${path}": nothing can be held out of it. Give at least two samples and --eval-share above 0`,
  );
}
