import { fuzzTests } from "./fuzz.ts";
import {
  importTorchCheckpoint,
  readTorchCheckpoint,
  type StoredTensor,
  TorchCheckpointError,
} from "@bgpt/core";
import { assertThrows } from "@std/assert";
import { bytesOf, little, py, zipOf } from "../core/torch/torch_bytes.ts";
import { mutate } from "./mutate.ts";

const storage = (key: string, count: number) => py.storage("FloatStorage", key, count);
const data: [string, Uint8Array][] = [["a/data/0", new Uint8Array(24)], [
  "a/data/1",
  new Uint8Array(4).fill(1),
]];
const model = py.dict({
  "a": py.tensor(storage("0", 6), 0, [2, 3], [3, 1]),
  "b": py.tensor(storage("0", 6), 1, [2, 2], [1, 2]),
});
const adam = py.dict({
  "step": py.tensor(storage("1", 1), 0, [], []),
  "exp_avg": py.tensor(storage("0", 6), 0, [6], [1]),
  "exp_avg_sq": py.tensor(storage("0", 6), 0, [6], [1]),
});
const pickles = [
  py.dict({ model, epoch: py.int(3), min_eval_loss: py.int(2) }),
  py.dict({
    model,
    labels: py.dict({ cat: py.int(0), dog: py.int(1) }),
    optimizer: py.dict({ state: py.dict({ 0: adam }), param_groups: py.list() }),
  }),
].map(py.pickle);

const fileOf = (pickle: Uint8Array, zip64 = false) => zipOf([["a/data.pkl", pickle], ...data], { zip64 });

fuzzTests({
  format: "torch",
  seeds: pickles.flatMap((pickle) => [fileOf(pickle), fileOf(pickle, true)]),
  read: readTorchCheckpoint,
  isOwnError: (error) => error instanceof TorchCheckpointError,
  mutateOwn: (random) => fileOf(mutate(random, pickles[random.below(2)]!, pickles)),
  // A storage is copied four times at most.
  mostBytes: { fixed: 1 << 16, perByte: 16 },
});

const refused = (pickle: Uint8Array, problem: string) =>
  assertThrows(() => readTorchCheckpoint(fileOf(py.pickle(pickle))), TorchCheckpointError, problem);
const inModel = (tensor: Uint8Array) => py.dict({ model: py.dict({ a: tensor }) });

Deno.test("a count that is a tuple of two hundred thousand levels is refused", () => {
  const deep = bytesOf(")", new Uint8Array(200_000).fill(0x85));
  const id = py.tuple(
    py.text("storage"),
    py.global("torch", "FloatStorage"),
    py.text("0"),
    py.text("cpu"),
    deep,
  );
  refused(inModel(bytesOf(id, "Q")), "persistent id that is no storage");
});

Deno.test("a tensor of ten thousand dimensions of one element is refused", () => {
  const ones = Array<number>(10_000).fill(1);
  refused(inModel(py.tensor(storage("0", 6), 0, [2, 3, ...ones], [1, 2, ...ones])), "has 10002 dimensions");
});

Deno.test("a function with a hundred thousand arguments is not called", () => {
  const items = bytesOf(
    "](",
    new Uint8Array(90_000).fill(0x4e),
    "e(",
    new Uint8Array(90_000).fill(0x4e),
    "e",
  );
  refused(bytesOf(py.global("collections", "OrderedDict"), items, "R"), "gives a function 180000 arguments");
});

Deno.test("files of a zip that share their bytes are refused", () => {
  const bytes = zipOf([["a/data.pkl", pickles[0]!], ["a/data/0", new Uint8Array(24)], [
    "a/data/1",
    new Uint8Array(24),
  ]]);
  // The second entry of data says that it lies where the first one does.
  const text = new TextDecoder("latin1").decode(bytes);
  const entry = (name: string) => text.lastIndexOf(name) - 46;
  bytes.set(bytes.slice(entry("a/data/0") + 42, entry("a/data/0") + 46), entry("a/data/1") + 42);
  assertThrows(
    () => readTorchCheckpoint(bytes),
    TorchCheckpointError,
    '"a/data/0" and "a/data/1" of its zip overlap',
  );
});

Deno.test("a step that is a large tensor is refused", () => {
  const state = py.dict({ step: py.tensor(storage("0", 6), 0, [6], [1]) });
  const optimizer = py.dict({ state: py.dict({ 0: state }), param_groups: py.list() });
  refused(py.dict({ model, optimizer }), "step is no number of F32");
});

Deno.test("labels with a number beyond the others make no list of that length", () => {
  const torch = {
    model: new Map<string, StoredTensor>([
      ["classifier.weight", { dtype: "F32", shape: [2, 64], data: new Uint8Array(512) }],
      ["patch_level_decoder.patch_embedding.weight", {
        dtype: "F32",
        shape: [64, 257],
        data: new Uint8Array(4 * 64 * 257),
      }],
      ["patch_level_decoder.base.wpe.weight", { dtype: "F32", shape: [8, 64], data: new Uint8Array(2048) }],
      ["patch_level_decoder.base.h.0.ln_1.weight", { dtype: "F32", shape: [64], data: new Uint8Array(256) }],
    ]),
    optimizer: undefined,
    epoch: undefined,
    bestEpoch: undefined,
    minEvalLoss: undefined,
    maxEvalAccuracy: undefined,
    labels: new Map([["a", 0], ["b", 2 ** 32 - 2]]),
  };
  assertThrows(
    () => importTorchCheckpoint(torch, "w.pth"),
    SyntaxError,
    "its labels are not numbered from 0 up",
  );
});

Deno.test("a length of a text beyond the pickle is refused", () => {
  refused(bytesOf("X", little(2 ** 31 - 1, 4)), "its pickle is cut off");
});
