import type { Checkpoint } from "./checkpoint.ts";
import { checkModelConfig, headSize, type ModelConfig } from "./config.ts";
import { isCount } from "./is_count.ts";
import { checkTensor, flatTensors, storeParameter } from "./named_tensors.ts";
import { byteStack, byteTableName, parameterTable, patchStack } from "./parameters.ts";
import { vocabularySize } from "./vocabulary.ts";
import { float32Of, type StoredTensor } from "./stored_tensor.ts";
import type { TorchCheckpoint } from "./torch/torch_checkpoint.ts";

/**
 * A published checkpoint as one of this project's; of a classifier, the classes keep their numbers.
 * @throws {SyntaxError} when tensors are missing or do not fit together
 */
export function importTorchCheckpoint(torch: TorchCheckpoint, source: string): Checkpoint {
  const model = modelConfigOf(torch.model, source);
  const labels = torch.model.has("classifier.weight") ? labelsById(torch.labels, source) : undefined;
  const table = parameterTable(model, labels?.length);
  const parameters = flatTensors(table, torch.model, "", source);
  const imported = { model, ...(labels && { labels }), parameters };
  if (torch.optimizer === undefined) return imported;
  const moment1 = new Float32Array(table.storageLength);
  const moment2 = new Float32Array(table.storageLength);
  let step = 0;
  // The optimizer numbers the parameters in the order of the state dict, which is the table's.
  for (const [index, parameter] of table.parameters.entries()) {
    const state = torch.optimizer.states.get(index);
    if (state === undefined) continue;
    step = state.step;
    if (!isCount(step)) {
      throw new SyntaxError(
        `Cannot import ${source}: its optimizer's step is ${step}, not a number of steps`,
      );
    }
    const moment = (tensor: StoredTensor, name: string, flat: Float32Array) => {
      const checked = checkTensor(`${name} ${parameter.name}`, parameter.shape, tensor, source);
      storeParameter(parameter, float32Of(checked), flat);
    };
    moment(state.expAvg, "exp_avg", moment1);
    moment(state.expAvgSq, "exp_avg_sq", moment2);
  }
  return { ...imported, optimizer: { step, parameters, moment1, moment2 } };
}

/** The labels of a published classifier, where its dictionary numbers each class once. */
function labelsById(ids: ReadonlyMap<string, number> | undefined, source: string): readonly string[] {
  const labels: string[] = [];
  const count = ids?.size ?? 0;
  // A number beyond the others would make a list of any length.
  for (const [label, id] of ids ?? []) if (isCount(id) && id < count) labels[id] = label;
  if (count > 0 && Object.keys(labels).length === count) return labels;
  throw new SyntaxError(
    `Cannot import ${source}: it is a classifier, and its labels are not numbered from 0 up. Use a published one`,
  );
}

/**
 * Sizes of the model that a published state dict belongs to. A classifier has no byte-level decoder, and gets the
 * least depth of one, which nothing reads.
 */
function modelConfigOf(tensors: ReadonlyMap<string, StoredTensor>, source: string): ModelConfig {
  const shapeOf = (name: string): readonly number[] => {
    const shape = tensors.get(name)?.shape;
    if (shape === undefined) throw new SyntaxError(`Cannot import ${source}: it has no tensor "${name}"`);
    return shape;
  };
  const layersOf = (stack: string) => {
    let layers = 0;
    while (tensors.has(`${stack}h.${layers}.ln_1.weight`)) layers++;
    return layers;
  };
  const classifies = tensors.has("classifier.weight");
  const [hidden, columns] = shapeOf("patch_level_decoder.patch_embedding.weight") as [number, number];
  const [patchLength] = shapeOf(`${patchStack}wpe.weight`) as [number];
  if (!classifies) shapeOf(byteTableName);
  const patchSize = columns / vocabularySize;
  if (!Number.isInteger(patchSize) || hidden % headSize !== 0) {
    throw new SyntaxError(
      `Cannot import ${source}: its patch embedding is [${hidden}, ${columns}], it must be ` +
        `[a multiple of ${headSize}, a multiple of ${vocabularySize}]`,
    );
  }
  const model = {
    patchSize,
    patchLength,
    hidden,
    patchLayers: layersOf(patchStack),
    byteLayers: classifies ? 1 : layersOf(byteStack),
  };
  try {
    return checkModelConfig(model, source);
  } catch (error) {
    const { message } = error as Error;
    throw new SyntaxError(message.replace("Cannot use", "Cannot import"), { cause: error });
  }
}
