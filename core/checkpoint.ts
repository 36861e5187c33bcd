/**
 * Between the flat storages of a plan and named tensors in published layout: what a checkpoint's files hold.
 *
 * A checkpoint is a folder: `model.safetensors` (names as published), `config.json`, and for a run that can go on
 * `optimizer.safetensors` and `trainer.json`. Reading and writing the folder is `@bgpt/core/files`.
 * @module
 */
import { checkConfig, checkModelConfig, type Config, type ModelConfig, modelConfig } from "./config.ts";
import { isCount } from "./is_count.ts";
import { isObject } from "./is_object.ts";
import { flatTensors, namedTensors } from "./named_tensors.ts";
import { byteTableName, type ParameterTable, parameterTable, tiedHeadName } from "./parameters.ts";
import { quotedValue } from "./quoted_value.ts";
import { parseSafetensors, safetensorsChunks, type SafetensorsFile } from "./safetensors.ts";
import type { DataPosition } from "./strip_reader.ts";
import type { LossScaling, OptimizerState } from "./trainer.ts";

/** Throws what is wrong with a checkpoint, naming it. */
type Refuse = (why: string) => never;

/** Version of the folder's layout, in `config.json`. */
const checkpointFormat = 1;

/** What a run needs besides its tensors to go on; `trainer.json`. */
export interface RunState {
  /** Optimizer steps taken. */
  readonly step: number;
  /** The next file to be read. */
  readonly position: DataPosition;
  /** Patches of a strip, which decide how files are packed. */
  readonly patchCapacity: number;
  /** Samples of the training data; another number means other data. */
  readonly sampleCount: number;
  /** Of the training data's kinds, sizes, order and weights; absent in a run that an earlier version began. */
  readonly sampleDigest?: number;
  /** What a sample is, in the words of its task, such as `{ pairs: "abc->mid" }`; absent where it is a file. */
  readonly sampleKind?: Readonly<Record<string, string>>;
  /** The best evaluation so far; by its accuracy, where classes are learnt. */
  readonly best?: { readonly step: number; readonly lossNats: number; readonly accuracy?: number };
}

/** A checkpoint in memory. */
export interface Checkpoint {
  /** Sizes of the model. */
  readonly model: ModelConfig;
  /** Names of the classes by their numbers; there is no byte-level decoder then, but a classifier. */
  readonly labels?: readonly string[];
  /** How it was trained; absent in an imported one. */
  readonly config?: Config;
  /** Flat, in the order of the parameter table. */
  readonly parameters: Float32Array;
  /** Weights and moments; absent where no training can go on. */
  readonly optimizer?: OptimizerState;
  /** Where the run stands; absent in an imported one. */
  readonly run?: RunState;
}

/**
 * What of a checkpoint is read: all that a run goes on from, or what its model needs. `weights` leaves out the optimizer's
 * state, and a best evaluation that is damaged.
 */
export type CheckpointParts = "all" | "weights";

/** The files of a checkpoint folder by name. */
export type CheckpointFiles = Readonly<Record<string, Uint8Array | Iterable<Uint8Array>>>;

/**
 * Encodes a checkpoint.
 * @returns pieces that are views of its parameters and moments where they can be: leave those alone until they are written
 */
export function encodeCheckpoint(checkpoint: Checkpoint): CheckpointFiles {
  const { config, labels, optimizer, run } = checkpoint;
  const table = tableOf(checkpoint);
  const tensors = namedTensors(table, checkpoint.parameters);
  const tied = tensors.get(byteTableName);
  if (tied !== undefined) tensors.set(tiedHeadName, tied);
  const files: Record<string, Uint8Array | Iterable<Uint8Array>> = {
    "config.json": encodeJson({
      format: checkpointFormat,
      model: checkpoint.model,
      ...(labels && { labels }),
      ...(config && { config }),
    }),
    "model.safetensors": safetensorsChunks(tensors, { format: "pt" }),
  };
  if (optimizer !== undefined) {
    const moments = new Map([
      ...namedTensors(table, optimizer.moment1, "exp_avg."),
      ...namedTensors(table, optimizer.moment2, "exp_avg_sq."),
    ]);
    const { scale, goodSteps } = optimizer.lossScaling ?? {};
    files["optimizer.safetensors"] = safetensorsChunks(moments, {
      step: String(optimizer.step),
      ...(optimizer.lossScaling && { lossScale: String(scale), goodSteps: String(goodSteps) }),
    });
  }
  if (run !== undefined) files["trainer.json"] = encodeJson(run);
  return files;
}

/**
 * Decodes a checkpoint.
 * @param read the bytes of a file of the folder, or `undefined` when it is not there
 * @param source the folder, for errors
 * @param parts what is needed of it
 * @throws {SyntaxError} when a file is missing, damaged or foreign
 * @throws {TypeError} when the configuration lacks a field, or has one that is unknown
 * @throws {RangeError} when a field of it has a value that cannot be
 */
export async function decodeCheckpoint(
  read: (name: string) => Promise<Uint8Array | undefined>,
  source: string,
  parts: CheckpointParts = "all",
): Promise<Checkpoint> {
  const refuse: Refuse = (why) => {
    throw new SyntaxError(`Cannot read checkpoint "${source}": ${why}`);
  };
  const require = async (name: string) => await read(name) ?? refuse(`${name} is missing`);

  const header = decodeJson(await require("config.json"), "config.json", refuse);
  if (header["format"] !== checkpointFormat) {
    refuse(
      `config.json has format ${quotedValue(header["format"])}, this program reads ${checkpointFormat}`,
    );
  }
  const model = checkModelConfig(header["model"], `config.json of "${source}"`);
  const config = header["config"] === undefined
    ? undefined
    : checkConfig(header["config"], `config.json of "${source}"`);
  if (config !== undefined) checkSameSizes(model, modelConfig(config), refuse);
  const labels = header["labels"] === undefined ? undefined : checkLabels(header["labels"], refuse);
  const table = tableOf({ model, ...(labels && { labels }) });
  const stored = tensorsOf(await require("model.safetensors"), "model.safetensors", refuse);
  const parameters = flatTensors(table, stored.tensors, "", `model.safetensors of "${source}"`);

  const runBytes = await read("trainer.json");
  const run = runBytes && checkRunState(decodeJson(runBytes, "trainer.json", refuse), parts, refuse);
  const readOptimizer = async () => {
    const bytes = run ? await require("optimizer.safetensors") : await read("optimizer.safetensors");
    return bytes && optimizerOf(table, parameters, bytes, source, refuse);
  };
  const optimizer = parts === "weights" ? undefined : await readOptimizer();
  if (run !== undefined && optimizer !== undefined && run.step !== optimizer.step) {
    refuse(`trainer.json is of step ${run.step}, optimizer.safetensors of step ${optimizer.step}`);
  }
  return {
    model,
    parameters,
    ...(labels && { labels }),
    ...(config && { config }),
    ...(optimizer && { optimizer }),
    ...(run && { run }),
  };
}

/** The parameters of a checkpoint's model. */
export function tableOf({ model, labels }: Pick<Checkpoint, "model" | "labels">): ParameterTable {
  return parameterTable(model, labels?.length);
}

function optimizerOf(
  table: ParameterTable,
  parameters: Float32Array,
  bytes: Uint8Array,
  source: string,
  refuse: Refuse,
): OptimizerState {
  const { tensors, metadata } = tensorsOf(bytes, "optimizer.safetensors", refuse);
  const step = Number(metadata["step"] ?? NaN);
  if (!isCount(step)) {
    refuse(`optimizer.safetensors has step ${quotedValue(metadata["step"])}, not a number of steps`);
  }
  const what = `optimizer.safetensors of "${source}"`;
  const lossScaling = lossScalingOf(metadata, refuse);
  return {
    step,
    ...(lossScaling && { lossScaling }),
    parameters,
    moment1: flatTensors(table, tensors, "exp_avg.", what),
    moment2: flatTensors(table, tensors, "exp_avg_sq.", what),
  };
}

function lossScalingOf(
  { lossScale, goodSteps }: SafetensorsFile["metadata"],
  refuse: Refuse,
): LossScaling | undefined {
  if (lossScale === undefined) return undefined;
  const [scale, steps] = [Number(lossScale), Number(goodSteps ?? NaN)];
  if (!(scale >= 1 && scale < Infinity && isCount(steps))) {
    refuse(
      `optimizer.safetensors has lossScale ${lossScale} after ${goodSteps} good steps, no scale of losses`,
    );
  }
  return { scale, goodSteps: steps };
}

/** Sizes stand in the file twice, and a run goes on with those of its configuration. */
function checkSameSizes(model: ModelConfig, configured: ModelConfig, refuse: Refuse): void {
  for (const name of Object.keys({ ...model, ...configured }) as (keyof ModelConfig)[]) {
    const [own, other] = [model[name], configured[name]].map(quotedValue);
    if (own === other) continue;
    refuse(
      `config.json has ${name} ${own} in "model" and ${other} in "config", which must be the same. Copy it again`,
    );
  }
}

function checkLabels(value: unknown, refuse: Refuse): readonly string[] {
  const isList = Array.isArray(value) && value.length > 0 &&
    value.every((label) => typeof label === "string");
  return isList && new Set(value).size === value.length
    ? value
    : refuse("config.json has labels that are no list of different texts");
}

function checkRunState(value: Record<string, unknown>, parts: CheckpointParts, refuse: Refuse): RunState {
  const run = value as unknown as RunState;
  const counts = {
    "step": run.step,
    "position.epoch": run.position?.epoch,
    "position.index": run.position?.index,
    "patchCapacity": run.patchCapacity,
    "sampleCount": run.sampleCount,
    ...(run.sampleDigest !== undefined && { "sampleDigest": run.sampleDigest }),
  };
  for (const [name, count] of Object.entries(counts)) {
    if (!isCount(count)) refuse(`trainer.json has ${name} ${quotedValue(count)}, not a whole number`);
  }
  const { sampleKind = {} } = run;
  if (!isObject(sampleKind) || !Object.values(sampleKind).every((value) => typeof value === "string")) {
    refuse(`trainer.json has sampleKind ${quotedValue(sampleKind)}, which is not in words`);
  }
  const { best, ...withoutBest } = run;
  if (best === undefined || isBest(best)) return run;
  if (parts === "weights") return withoutBest;
  return refuse(
    `trainer.json has a best evaluation of ${quotedValue(best)}, which needs a step and a loss, in numbers`,
  );
}

function isBest(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { step, lossNats, accuracy = 0 } = value;
  return isCount(step) && typeof lossNats === "number" && typeof accuracy === "number";
}

function tensorsOf(bytes: Uint8Array, name: string, refuse: Refuse): SafetensorsFile {
  try {
    return parseSafetensors(bytes);
  } catch (error) {
    return refuse(`${name} is damaged, ${(error as Error).message.replace("Cannot read safetensors: ", "")}`);
  }
}

function encodeJson(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value, null, 2) + "\n");
}

function decodeJson(bytes: Uint8Array, name: string, refuse: Refuse): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    return refuse(`${name} is not JSON (${(error as Error).message.replace(/\s+/g, " ")})`);
  }
  return isObject(value) ? value : refuse(`${name} is no object`);
}
