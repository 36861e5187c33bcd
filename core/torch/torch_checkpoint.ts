import { dtypeBytes, float32Of, type StoredTensor } from "../stored_tensor.ts";
import { fail, quote } from "./torch_checkpoint_error.ts";
import { storageLoader, torchImports, TorchTensor } from "./torch_tensors.ts";
import { type PickleDict, unpickle } from "./unpickler.ts";
import { StoredZip } from "./zip.ts";

/** A checkpoint of the published program. */
export interface TorchCheckpoint {
  /** The state dict, mask buffers and both names of tied weights included. */
  model: Map<string, StoredTensor>;
  /** The state of AdamW, where it was saved. */
  optimizer: TorchOptimizer | undefined;
  /** The epoch after which it was saved, from 1. */
  epoch: number | undefined;
  /** The epoch with the best evaluation. */
  bestEpoch: number | undefined;
  /** The least evaluation loss, in nats a position; of generation only. */
  minEvalLoss: number | undefined;
  /** The greatest evaluation accuracy, 0 to 1; of classification only. */
  maxEvalAccuracy: number | undefined;
  /** The class id of every label; of classification only. */
  labels: Map<string, number> | undefined;
}

/** The state of PyTorch's AdamW. */
export interface TorchOptimizer {
  /** By the index of the parameter; parameters that never had a gradient have none. */
  states: Map<number, TorchAdamState>;
  /** The groups of parameters. */
  parameterGroups: TorchParameterGroup[];
}

/** What AdamW remembers of one parameter. */
export interface TorchAdamState {
  /** How often the parameter was updated. */
  step: number;
  /** The mean of its gradients, in its shape. */
  expAvg: StoredTensor;
  /** The mean of their squares, in its shape. */
  expAvgSq: StoredTensor;
}

/** Parameters that AdamW treats alike. */
export interface TorchParameterGroup {
  /** The learning rate. */
  learningRate: number;
  /** The decay rates of both means. */
  betas: [number, number];
  /** What is added to the root of the mean square. */
  epsilon: number;
  /** The decoupled weight decay. */
  weightDecay: number;
  /** The indices of its parameters, in the order of the model's parameters. */
  parameters: number[];
}

/**
 * Reads a checkpoint that the published program wrote with `torch.save` (PyTorch 1.6 or newer). No code in it can run,
 * and tensors are views of `bytes` wherever their elements stand in order.
 *
 * @param bytes the whole `.pth` file
 * @throws TorchCheckpointError naming the first thing that is wrong or not allowed
 */
export function readTorchCheckpoint(bytes: Uint8Array): TorchCheckpoint {
  const zip = new StoredZip(bytes);
  const pickles = zip.names().filter((name) => /^[^/]+\/data\.pkl$/.test(name));
  const [pickle = "", second] = pickles;
  if (pickle === "" || second !== undefined) fail(`its zip has ${pickles.length} files data.pkl, not one`);
  const folder = pickle.slice(0, pickle.indexOf("/"));
  checkByteOrder(zip, `${folder}/byteorder`);
  const root = dictOf(unpickle(zip.read(pickle), torchImports, storageLoader(zip, folder)), "its pickle");
  if (!root.has("model")) {
    fail(
      `it has no "model" but ${
        [...root.keys()].slice(0, 5).map((key) => quote(`${key}`))
      }. Use a published one`,
    );
  }
  return {
    model: tensorsOf(root.get("model"), "its model"),
    optimizer: whereSaved(root, "optimizer", optimizerOf),
    epoch: whereSaved(root, "epoch", numberOf),
    bestEpoch: whereSaved(root, "best_epoch", numberOf),
    minEvalLoss: whereSaved(root, "min_eval_loss", numberOf),
    maxEvalAccuracy: whereSaved(root, "max_eval_acc", numberOf),
    labels: whereSaved(root, "labels", labelsOf),
  };
}

/** PyTorch 2.1 and newer note the order of bytes; older ones, and nearly all machines, are little-endian. */
function checkByteOrder(zip: StoredZip, name: string): void {
  if (!zip.names().includes(name)) return;
  const order = new TextDecoder().decode(zip.read(name));
  if (order !== "little") fail(`its bytes are in ${quote(order)} order. Save it on a little-endian machine`);
}

function whereSaved<T>(
  root: PickleDict,
  key: string,
  read: (value: unknown, what: string) => T,
): T | undefined {
  return root.has(key) ? read(root.get(key), `its ${quote(key)}`) : undefined;
}

function tensorsOf(value: unknown, what: string): Map<string, StoredTensor> {
  return new Map(
    [...dictOf(value, what)].map(([name, tensor]) => [`${name}`, tensorOf(tensor, quote(`${name}`))]),
  );
}

function labelsOf(value: unknown, what: string): Map<string, number> {
  return new Map(
    [...dictOf(value, what)].map(([name, id]) => [`${name}`, numberOf(id, `${what} ${quote(`${name}`)}`)]),
  );
}

function optimizerOf(value: unknown, what: string): TorchOptimizer {
  const optimizer = dictOf(value, what);
  const states = [...dictOf(optimizer.get("state"), `${what} state`)];
  return {
    states: new Map(
      states.map((
        [index, state],
      ) => [Number(index), adamStateOf(state, `${what} state ${quote(`${index}`)}`)]),
    ),
    parameterGroups: listOf(optimizer.get("param_groups"), `${what} param_groups`).map(parameterGroupOf),
  };
}

function adamStateOf(value: unknown, what: string): TorchAdamState {
  const state = dictOf(value, what);
  const step = state.get("step"); // a number up to PyTorch 1.11, then a scalar tensor
  return {
    step: numberOf(step instanceof TorchTensor ? scalarOf(step, `${what} step`) : step, `${what} step`),
    expAvg: tensorOf(state.get("exp_avg"), `${what} exp_avg`),
    expAvgSq: tensorOf(state.get("exp_avg_sq"), `${what} exp_avg_sq`),
  };
}

function scalarOf(tensor: TorchTensor, what: string): number | undefined {
  if (tensor.dtype !== "F32" || tensor.data.length !== dtypeBytes.F32) fail(`${what} is no number of F32`);
  return float32Of(tensor)[0];
}

function parameterGroupOf(value: unknown): TorchParameterGroup {
  const group = dictOf(value, "a parameter group");
  const number = (key: string): number => numberOf(group.get(key), `a parameter group's ${key}`);
  const numbers = (key: string): number[] =>
    listOf(group.get(key), `a parameter group's ${key}`).map((item) =>
      numberOf(item, `a parameter group's ${key}`)
    );
  const [beta1 = 0, beta2 = 0] = numbers("betas");
  return {
    learningRate: number("lr"),
    betas: [beta1, beta2],
    epsilon: number("eps"),
    weightDecay: number("weight_decay"),
    parameters: numbers("params"),
  };
}

function dictOf(value: unknown, what: string): PickleDict {
  return value instanceof Map ? value : fail(`${what} is no dict`);
}

function listOf(value: unknown, what: string): unknown[] {
  return Array.isArray(value) ? value : fail(`${what} is no list`);
}

function numberOf(value: unknown, what: string): number {
  return typeof value === "number" ? value : fail(`${what} is no number`);
}

function tensorOf(value: unknown, what: string): StoredTensor {
  return value instanceof TorchTensor ? value : fail(`${what} is no tensor`);
}
