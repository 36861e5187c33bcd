import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "../../fast_check.ts";
import {
  elementCountOf,
  float32Of,
  parseSafetensors,
  readTorchCheckpoint,
  type StoredTensor,
  type TorchCheckpoint,
  TorchCheckpointError,
} from "@bgpt/core";
import { readGzip, readJson, sharedTest } from "../../shared.ts";
import { bytesOf, py, zipOf } from "./torch_bytes.ts";

const numbers = Float32Array.from({ length: 24 }, (_, i) => i);
const floats = py.storage("FloatStorage", "0", 24);

/** A checkpoint whose model has the tensors given, all in the one storage of 0 to 23. */
function checkpointOf(
  tensors: Record<string, Uint8Array>,
  more: Record<string, Uint8Array> = {},
  moreFiles: [string, Uint8Array][] = [],
): Uint8Array {
  return zipOf([
    ["w/data.pkl", py.pickle(py.dict({ model: py.dict(tensors), ...more }))],
    ["w/data/0", new Uint8Array(numbers.buffer)],
    ...moreFiles,
  ]);
}

function assertRefused(bytes: Uint8Array, problem: string): void {
  const error = assertThrows(() => readTorchCheckpoint(bytes), TorchCheckpointError);
  assert(error.message.startsWith(`Cannot read PyTorch checkpoint: ${problem}`), error.message);
}

function onlyTensor(tensor: Uint8Array): StoredTensor {
  return readTorchCheckpoint(checkpointOf({ a: tensor })).model.get("a")!;
}

Deno.test("a tensor in order is a view of its part of the storage", () => {
  const bytes = checkpointOf({ a: py.tensor(floats, 6, [2, 3], [3, 1]) });
  const tensor = readTorchCheckpoint(bytes).model.get("a")!;
  assertEquals({ ...tensor, data: null }, { dtype: "F32", shape: [2, 3], data: null });
  assert(tensor.data.buffer === bytes.buffer);
  assertEquals([...float32Of(tensor)], [6, 7, 8, 9, 10, 11]);
});

Deno.test("two names may share one storage", () => {
  const tensor = py.tensor(floats, 0, [24], [1]);
  const { model } = readTorchCheckpoint(checkpointOf({ a: tensor, b: tensor }));
  assertEquals(model.get("a")!.data.byteOffset, model.get("b")!.data.byteOffset);
});

Deno.test("a transposed tensor is put in order", () => {
  assertEquals([...float32Of(onlyTensor(py.tensor(floats, 0, [3, 2], [1, 3])))], [0, 3, 1, 4, 2, 5]);
});

Deno.test("any strides give the elements that they name", () => {
  const dimension = fc.record({ size: fc.nat(4), stride: fc.nat(7) });
  fc.assert(fc.property(fc.array(dimension, { maxLength: 3 }), fc.nat(5), (dimensions, offset) => {
    const [shape, strides] = [dimensions.map(({ size }) => size), dimensions.map(({ stride }) => stride)];
    let expected = [offset];
    for (const { size, stride } of dimensions) {
      expected = expected.flatMap((start) => Array.from({ length: size }, (_, i) => start + i * stride));
    }
    fc.pre(expected.length <= 24 && Math.max(0, ...expected) < 24);
    const tensor = onlyTensor(py.tensor(floats, offset, shape, strides));
    assertEquals([...float32Of(tensor)], expected);
    assertEquals(tensor.shape, shape);
  }));
});

Deno.test("tensors that reach beyond their storage are refused", () => {
  const refuse = (offset: number, shape: number[], strides: number[], problem: string): void =>
    assertRefused(checkpointOf({ a: py.tensor(floats, offset, shape, strides) }), problem);
  refuse(1, [24], [1], "a tensor of shape [24] and strides [1] reaches beyond its storage of 24 elements");
  refuse(0, [2, 2], [1, 23], "a tensor of shape [2,2] and strides [1,23] reaches beyond");
  refuse(24, [], [], "a tensor of shape [] and strides [] reaches beyond");
  refuse(
    0,
    [2 ** 30, 2 ** 30],
    [0, 0],
    "a tensor of shape [1073741824,1073741824] has more elements than its storage",
  );
  refuse(0, [-1], [1], "its pickle describes a tensor that is none");
  refuse(-1, [1], [1], "its pickle describes a tensor that is none");
  refuse(0, [2], [-1], "its pickle describes a tensor that is none");
  refuse(0, [2], [], "its pickle describes a tensor that is none");
});

Deno.test("a small file cannot ask for any number of copies", () => {
  const transposed = py.tensor(floats, 0, [6, 4], [1, 6]);
  const tensors = (count: number): Record<string, Uint8Array> =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`${i}`, transposed]));
  assertEquals(readTorchCheckpoint(checkpointOf(tensors(4))).model.size, 4);
  assertRefused(checkpointOf(tensors(5)), "its tensors ask for more than 4 copies of a storage");
});

Deno.test("storages that are missing or have another size are refused", () => {
  const tensorIn = (storage: Uint8Array): Record<string, Uint8Array> => ({
    a: py.tensor(storage, 0, [1], [1]),
  });
  const missing = py.storage("FloatStorage", "1", 24);
  assertRefused(checkpointOf(tensorIn(missing)), 'its zip has no file "w/data/1"');
  const outside = py.storage("FloatStorage", "../data.pkl", 24);
  assertRefused(checkpointOf(tensorIn(outside)), 'its zip has no file "w/data/../data.pkl"');
  const larger = py.storage("DoubleStorage", "0", 24);
  assertRefused(checkpointOf(tensorIn(larger)), 'storage "0" has 96 bytes, which are not 24 elements of F64');
  const second = py.tensor(py.storage("IntStorage", "0", 24), 0, [1], [1]);
  assertRefused(
    checkpointOf({ ...tensorIn(floats), b: second }),
    'storage "0" has 96 bytes, which are not 24 elements',
  );
  assertRefused(checkpointOf(tensorIn(py.int(1))), "its pickle describes a tensor that is none");
  assertRefused(
    checkpointOf(tensorIn(bytesOf(py.int(1), "Q"))),
    "its pickle has a persistent id that is no storage",
  );
});

Deno.test("a checkpoint that would run code is refused before anything is called", () => {
  const attacks: [Uint8Array, string][] = [
    [py.call(py.global("os", "system"), py.text("echo")), 'it imports "os.system"'],
    [py.call(py.global("builtins", "exec"), py.text("1")), 'it imports "builtins.exec"'],
    [py.call(py.global("torch", "load"), py.text("x")), 'it imports "torch.load"'],
    [py.call(py.global("torch", "FloatStorage"), py.int(1)), "its pickle calls what is not a function"],
    [py.call(py.global("collections", "OrderedDict"), py.list()), "its pickle makes an OrderedDict of items"],
  ];
  for (const [attack, problem] of attacks) assertRefused(checkpointOf({ a: attack }), problem);
});

Deno.test("zips that are no checkpoint are refused", () => {
  assertRefused(bytesOf("not a zip"), "it is not a complete zip");
  assertRefused(zipOf([["a.txt", bytesOf("text")]]), "its zip has 0 files data.pkl, not one");
  const pickle = py.pickle(bytesOf("N"));
  assertRefused(
    zipOf([["a/data.pkl", pickle], ["b/data.pkl", pickle]]),
    "its zip has 2 files data.pkl, not one",
  );
  assertRefused(zipOf([["a/data.pkl", pickle]]), "its pickle is no dict");
  const stateDict = py.pickle(py.dict({ weight: bytesOf("N") }));
  assertRefused(zipOf([["a/data.pkl", stateDict]]), 'it has no "model" but "weight"');
  assertRefused(checkpointOf({ a: py.int(1) }), '"a" is no tensor');
  assertRefused(checkpointOf({}, { epoch: py.text("1") }), 'its "epoch" is no number');
  assertRefused(checkpointOf({}, { optimizer: py.dict({}) }), 'its "optimizer" state is no dict');
  assertRefused(checkpointOf({}, {}, [["w/byteorder", bytesOf("big")]]), 'its bytes are in "big" order');
});

Deno.test("what newer versions of PyTorch add is no hindrance", () => {
  const files: [string, Uint8Array][] = [["w/byteorder", bytesOf("little")], [
    "w/.data/serialization_id",
    bytesOf("1"),
  ]];
  const parameter = py.call(
    py.global("torch._utils", "_rebuild_parameter"),
    py.tensor(floats, 0, [2], [1]),
    bytesOf(0x88),
    py.call(py.global("collections", "OrderedDict")),
  );
  const { model } = readTorchCheckpoint(checkpointOf({ a: parameter }, {}, files));
  assertEquals([...float32Of(model.get("a")!)], [0, 1]);
});

Deno.test("a damaged checkpoint is read or refused with the one error", () => {
  const tensor = py.tensor(floats, 0, [3, 2], [1, 3]);
  const pickle = py.pickle(py.dict({ model: py.dict({ a: tensor }), epoch: py.int(3) }));
  let refusals = 0;
  const property = fc.property(fc.nat(), fc.nat(255), (at, value) => {
    const damaged = Uint8Array.from(pickle);
    damaged[at % damaged.length] = value;
    try {
      readTorchCheckpoint(zipOf([["w/data.pkl", damaged], ["w/data/0", new Uint8Array(numbers.buffer)]]));
    } catch (error) {
      assert(error instanceof TorchCheckpointError, `${error}`);
      refusals++;
    }
  });
  fc.assert(property, { numRuns: 2000 });
  assert(refusals > 500, `${refusals}`);
});

interface PublishedScalars {
  epoch: number;
  best_epoch: number;
  min_eval_loss?: number;
  max_eval_acc?: number;
  labels?: Record<string, number>;
  optimizer_param_group: { lr: number; betas: number[]; eps: number; weight_decay: number; params: number[] };
  optimizer_state_indices: number[];
  lr_sched: { last_epoch: number };
}

/** Both names of a tied matrix are one parameter, and mask buffers are none. */
function parameterShapes(checkpoint: TorchCheckpoint): (readonly number[])[] {
  const isParameter = (name: string): boolean =>
    !/\.attn\.(masked_)?bias$/.test(name) && !/lm_head/.test(name);
  return [...checkpoint.model].filter(([name]) => isParameter(name)).map(([, tensor]) => tensor.shape);
}

for (const kind of ["gen", "cls"] as const) {
  const read = async (fixtures: string): Promise<[TorchCheckpoint, PublishedScalars]> => {
    const checkpoint = readTorchCheckpoint(
      await Deno.readFile(`${fixtures}/checkpoints/weights-${kind}.pth`),
    );
    const info = await readJson(`${fixtures}/checkpoints/info.json`) as Record<typeof kind, PublishedScalars>;
    return [checkpoint, info[kind]];
  };

  sharedTest(`weights-${kind}.pth has the tensors of its safetensors twin, bit for bit`, async (fixtures) => {
    const [{ model }] = await read(fixtures);
    const twin = parseSafetensors(
      await Deno.readFile(`${fixtures}/checkpoints/weights-${kind}.model.safetensors`),
    );
    assertSameTensors(model, twin.tensors);
  });

  sharedTest(`weights-${kind}.pth has the scalars and labels that were saved`, async (fixtures) => {
    const [checkpoint, info] = await read(fixtures);
    assertEquals(checkpoint.epoch, info.epoch);
    assertEquals(checkpoint.bestEpoch, info.best_epoch);
    assertEquals(checkpoint.minEvalLoss, info.min_eval_loss);
    assertEquals(checkpoint.maxEvalAccuracy, info.max_eval_acc);
    assertEquals(checkpoint.labels && Object.fromEntries(checkpoint.labels), info.labels);
  });

  sharedTest(`weights-${kind}.pth has the state of its optimizer`, async (fixtures) => {
    const [checkpoint, info] = await read(fixtures);
    const { lr, betas, eps, weight_decay, params } = info.optimizer_param_group;
    const [beta1 = 0, beta2 = 0] = betas;
    const group = {
      learningRate: lr,
      betas: [beta1, beta2],
      epsilon: eps,
      weightDecay: weight_decay,
      parameters: params,
    };
    assertEquals(checkpoint.optimizer?.parameterGroups as unknown, [group]);
    assertEquals([...checkpoint.optimizer?.states.keys() ?? []], info.optimizer_state_indices);
    const shapes = parameterShapes(checkpoint);
    assertEquals(shapes.length, params.length);
    for (const [index, { step, expAvg, expAvgSq }] of checkpoint.optimizer?.states ?? []) {
      assertEquals(step, info.lr_sched.last_epoch);
      assertEquals([expAvg.shape, expAvgSq.shape], [shapes[index], shapes[index]]);
      assertEquals(float32Of(expAvg).length, elementCountOf(expAvg.shape));
      assert(
        float32Of(expAvgSq).every((value) => value >= 0) && float32Of(expAvg).some((value) => value !== 0),
      );
    }
  });
}

sharedTest("weights.pth has the tensors of its safetensors twin, bit for bit", async (fixtures) => {
  const { model, epoch, bestEpoch, minEvalLoss } = readTorchCheckpoint(
    await readGzip(`${fixtures}/dev/weights.pth.gz`),
  );
  assertSameTensors(model, parseSafetensors(await readGzip(`${fixtures}/dev/model.safetensors.gz`)).tensors);
  assertEquals([epoch, bestEpoch, minEvalLoss], [7, 5, 1.25]);
});

function assertSameTensors(actual: Map<string, StoredTensor>, expected: Map<string, StoredTensor>): void {
  assertEquals([...actual.keys()].sort(), [...expected.keys()].sort());
  for (const [name, { dtype, shape, data }] of expected) {
    const tensor = actual.get(name)!;
    assertEquals([tensor.dtype, tensor.shape], [dtype, shape], name);
    assert(tensor.data.length === data.length && tensor.data.every((byte, i) => byte === data[i]), name);
  }
}
