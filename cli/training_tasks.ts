import type { Config } from "@bgpt/core";
import { labelsOf, type PairLoss } from "@bgpt/tasks";
import { chosenConversion, conversionSamples } from "./conversion_samples.ts";
import { openTrainingData, type TrainingData } from "./data.ts";
import { UsageError } from "./errors.ts";
import { givenFiles } from "./given_files.ts";
import { labelledFiles } from "./labelled_files.ts";

/** What `bgpt train` says of its data. */
export interface TaskRequest {
  readonly data: readonly string[];
  readonly evalData: readonly string[];
  readonly config: Config;
  /** Most samples of each source to train on. */
  readonly limit?: number;
  /** Of generation: patches at the start of every file that are read and not scored; the first alone by default. */
  readonly given?: number;
  /** Of a conversion: from which extension to which. */
  readonly pairs?: string;
  /** Of a conversion: what is in the loss, the whole pair by default. */
  readonly loss?: PairLoss;
  /** The classes of the run that goes on. */
  readonly labels?: readonly string[];
}

/** What a task learns from; with labels it learns classes, else bytes. */
export interface TaskData extends TrainingData {
  /** Names of the classes by their numbers. */
  readonly labels?: readonly string[];
  /** What a sample is, where it is no file, in the words of the command line. */
  readonly sampleKind?: Readonly<Record<string, string>>;
}

/** What a model can be trained for, by the word of `--task`. */
export const trainingTasks = {
  generation: { open: openGeneration },
  classification: { open: openClassification },
  conversion: { open: openConversion },
} as const;

/** The option that chooses one. */
export const taskOption = {
  kind: "choice",
  choices: Object.keys(trainingTasks) as (keyof typeof trainingTasks)[],
  default: "generation",
  help:
    "learn to generate files, to classify them by the labels in their names (LABEL_1.wav), or to convert them " +
    "(--pairs)",
} as const;

async function openGeneration(request: TaskRequest): Promise<TaskData> {
  const { given = 1, config } = request;
  if (given === 1) return await openTrainingData(...dataOf(request));
  const samples = givenFiles(given, config);
  return { ...await openTrainingData(...dataOf(request), () => samples), sampleKind: { given: `${given}` } };
}

async function openClassification(request: TaskRequest): Promise<TaskData> {
  let labels: readonly string[] = request.labels ?? [];
  const data = await openTrainingData(...dataOf(request), (sources) => {
    labels = request.labels ?? labelsOf(sources.flatMap(({ files }) => files.map(({ path }) => path)));
    return labelledFiles(labels);
  });
  return { ...data, labels };
}

async function openConversion(request: TaskRequest): Promise<TaskData> {
  const { pairs, loss = "pair", config } = request;
  if (pairs === undefined) {
    throw new UsageError('Missing --pairs for --task conversion, such as --pairs "abc->mid"');
  }
  const samples = conversionSamples(chosenConversion(pairs), loss, config);
  return { ...await openTrainingData(...dataOf(request), () => samples), sampleKind: { pairs, loss } };
}

function dataOf({ data, evalData, config, limit }: TaskRequest) {
  return [data, evalData, { ...config, ...(limit !== undefined && { limit }) }] as const;
}
