import { isCount } from "../is_count.ts";
import { type Dtype, dtypeBytes, elementCountOf, type StoredTensor } from "../stored_tensor.ts";
import { fail, quote } from "./torch_checkpoint_error.ts";
import type { PickleImports } from "./unpickler.ts";
import type { StoredZip } from "./zip.ts";

class StorageType {
  constructor(readonly dtype: Dtype) {}
}

class Storage {
  /** How much of it was copied for tensors that do not stand in order. */
  copiedBytes = 0;
  constructor(readonly dtype: Dtype, readonly data: Uint8Array) {}
}

/** How often a storage may be copied: tied weights need two, and a small file must not ask for any amount of memory. */
const maxCopies = 4;
/** Far more than any tensor has: every element that is copied takes a step for each. */
const maxDimensions = 16;

const storageTypes: readonly [string, Dtype][] = [
  ["torch.FloatStorage", "F32"],
  ["torch.DoubleStorage", "F64"],
  ["torch.HalfStorage", "F16"],
  ["torch.BFloat16Storage", "BF16"],
  ["torch.LongStorage", "I64"],
  ["torch.IntStorage", "I32"],
  ["torch.ByteStorage", "U8"],
  ["torch.BoolStorage", "BOOL"],
];

/** What the pickle of a checkpoint imports: three functions and the types of storages. */
export const torchImports: PickleImports = new Map<string, unknown>([
  ["collections.OrderedDict", orderedDict],
  ["torch._utils._rebuild_tensor_v2", rebuildTensor],
  ["torch._utils._rebuild_parameter", (tensor: unknown) => tensor],
  ...storageTypes.map(([name, dtype]) => [name, new StorageType(dtype)] as const),
]);

/** A tensor that came out of a pickle. */
export class TorchTensor implements StoredTensor {
  constructor(readonly dtype: Dtype, readonly shape: readonly number[], readonly data: Uint8Array) {}
}

/** Gives the storages of a checkpoint by their persistent ids: `("storage", type, key, device, element count)`. */
export function storageLoader(zip: StoredZip, folder: string): (id: unknown) => unknown {
  const storages = new Map<string, Storage>(); // shared by tied weights, and checked once
  return (id) => {
    if (!Array.isArray(id)) fail("its pickle has a persistent id that is no storage");
    const [kind, type, key, _device, elementCount] = id;
    if (
      kind !== "storage" || !(type instanceof StorageType) || typeof key !== "string" ||
      !isCount(elementCount)
    ) {
      fail("its pickle has a persistent id that is no storage");
    }
    const storage = storages.get(key) ?? new Storage(type.dtype, zip.read(`${folder}/data/${key}`));
    const byteLength = storage.data.length;
    if (type.dtype !== storage.dtype || byteLength !== elementCount * dtypeBytes[type.dtype]) {
      fail(
        `storage ${
          quote(key)
        } has ${byteLength} bytes, which are not ${elementCount} elements of ${type.dtype}`,
      );
    }
    storages.set(key, storage);
    return storage;
  };
}

function orderedDict(...items: unknown[]): Map<string | number, unknown> {
  return items.length === 0
    ? new Map()
    : fail("its pickle makes an OrderedDict of items, which torch.save does not");
}

/** `torch._utils._rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks)`, counted in elements. */
function rebuildTensor(storage: unknown, offset: unknown, shape: unknown, strides: unknown): TorchTensor {
  if (
    !(storage instanceof Storage) || !isCount(offset) || !isCounts(shape) || !isCounts(strides) ||
    shape.length !== strides.length
  ) {
    fail("its pickle describes a tensor that is none");
  }
  if (shape.length > maxDimensions) {
    fail(`a tensor has ${shape.length} dimensions, at most ${maxDimensions} are read`);
  }
  const { dtype, data } = storage;
  const elementCount = elementCountOf(shape);
  const storedCount = data.length / dtypeBytes[dtype];
  const last = shape.reduce((index, size, d) => index + (size - 1) * strides[d]!, offset);
  if (elementCount > 0 && last >= storedCount) {
    fail(
      `a tensor of shape [${shape}] and strides [${strides}] reaches beyond its storage of ${storedCount} elements`,
    );
  }
  if (elementCount > storedCount) { // an expanded tensor: a few bytes could ask for any amount of memory
    fail(`a tensor of shape [${shape}] has more elements than its storage, which has ${storedCount}`);
  }
  const elementBytes = dtypeBytes[dtype];
  if (isRowMajor(shape, strides)) {
    return new TorchTensor(
      dtype,
      shape,
      data.subarray(offset * elementBytes, (offset + elementCount) * elementBytes),
    );
  }
  storage.copiedBytes += elementCount * elementBytes;
  if (storage.copiedBytes > maxCopies * data.length) {
    fail(`its tensors ask for more than ${maxCopies} copies of a storage`);
  }
  return new TorchTensor(dtype, shape, inOrder(data, elementBytes, offset, shape, strides));
}

/** A copy of the bytes of a tensor in row-major order. */
function inOrder(
  data: Uint8Array,
  elementBytes: number,
  offset: number,
  shape: readonly number[],
  strides: readonly number[],
): Uint8Array {
  const elementCount = elementCountOf(shape);
  const ordered = new Uint8Array(elementCount * elementBytes);
  const index = shape.map(() => 0);
  let source = offset;
  for (let target = 0; target < elementCount; target++) {
    ordered.set(data.subarray(source * elementBytes, (source + 1) * elementBytes), target * elementBytes);
    for (let d = shape.length - 1; d >= 0; d--) { // to the next index, the last dimension fastest
      source += strides[d]!;
      index[d]!++;
      if (index[d]! < shape[d]!) break;
      source -= shape[d]! * strides[d]!;
      index[d] = 0;
    }
  }
  return ordered;
}

function isRowMajor(shape: readonly number[], strides: readonly number[]): boolean {
  let expected = 1;
  for (let d = shape.length - 1; d >= 0; d--) {
    if (shape[d] !== 1 && strides[d] !== expected) return false; // the stride of a single index is never used
    expected *= shape[d]!;
  }
  return true;
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every(isCount);
}
