import type { Config } from "@bgpt/core";
import { labelsOf } from "@bgpt/tasks";
import { openTrainingData, type TrainingData } from "./data.ts";
import { labelledFiles } from "./labelled_files.ts";

/** What `bgpt train` says of its data. */
export interface TaskRequest {
  readonly data: readonly string[];
  readonly evalData: readonly string[];
  readonly config: Config;
  /** Most samples of each source to train on. */
  readonly limit?: number;
  /** The classes of the run that goes on. */
  readonly labels?: readonly string[];
}

/** What a task learns from; with labels it learns classes, else bytes. */
export interface TaskData extends TrainingData {
  /** Names of the classes by their numbers. */
  readonly labels?: readonly string[];
}

/** What a model can be trained for, by the word of `--task`. */
export const trainingTasks = {
  generation: { open: (request: TaskRequest): Promise<TaskData> => openTrainingData(...dataOf(request)) },
  classification: { open: openClassification },
} as const;

/** The option that chooses one. */
export const taskOption = {
  kind: "choice",
  choices: Object.keys(trainingTasks) as (keyof typeof trainingTasks)[],
  default: "generation",
  help: "learn to generate files, or to classify them by the labels in their names (LABEL_1.wav)",
} as const;

async function openClassification(request: TaskRequest): Promise<TaskData> {
  let labels: readonly string[] = request.labels ?? [];
  const data = await openTrainingData(...dataOf(request), (sources) => {
    labels = request.labels ?? labelsOf(sources.flatMap(({ files }) => files.map(({ path }) => path)));
    return labelledFiles(labels);
  });
  return { ...data, labels };
}

function dataOf({ data, evalData, config, limit }: TaskRequest) {
  return [data, evalData, { ...config, ...(limit !== undefined && { limit }) }] as const;
}
