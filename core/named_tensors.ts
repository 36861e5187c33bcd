import { copyParameter, type Parameter, type ParameterTable } from "./parameters.ts";
import { quotedValue } from "./quoted_value.ts";
import { float32Of, type StoredTensor } from "./stored_tensor.ts";

/**
 * Every parameter of a flat storage as a named tensor in published layout: a view of the storage, except where that holds
 * the transpose.
 */
export function namedTensors(
  table: ParameterTable,
  flat: Float32Array,
  prefix = "",
): Map<string, StoredTensor> {
  return new Map(table.parameters.map((parameter) => {
    const { name, shape, offset, length } = parameter;
    const own = flat.subarray(offset, offset + length);
    const values = parameter.transposed ? new Float32Array(length) : own;
    if (parameter.transposed) copyParameter(parameter, own, values, "toPublished");
    const data = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    return [prefix + name, { dtype: "F32", shape, data }];
  }));
}

/**
 * The flat storage of named tensors in published layout.
 * @throws {SyntaxError} when one is missing, has another shape, or holds integers
 */
export function flatTensors(
  table: ParameterTable,
  tensors: ReadonlyMap<string, StoredTensor>,
  prefix: string,
  source: string,
): Float32Array {
  // All are checked before anything is allocated: sizes are a file's word, tensors are there.
  const found = table.parameters.map((parameter) => {
    const name = prefix + parameter.name;
    return checkTensor(name, parameter.shape, tensors.get(name), source);
  });
  const flat = new Float32Array(table.storageLength);
  for (const [i, parameter] of table.parameters.entries()) {
    storeParameter(parameter, float32Of(found[i]!), flat);
  }
  return flat;
}

/**
 * A tensor that is as it must be.
 * @throws {SyntaxError} when it is missing, has another shape, or holds integers
 */
export function checkTensor(
  name: string,
  shape: readonly number[],
  tensor: StoredTensor | undefined,
  source: string,
): StoredTensor {
  const fits = tensor?.shape.length === shape.length && shape.every((size, d) => tensor.shape[d] === size);
  if (!fits) {
    const found = tensor === undefined ? "nothing" : quotedValue(tensor.shape);
    throw new SyntaxError(`Cannot read ${source}: tensor "${name}" must be [${shape}], found ${found}`);
  }
  if (["F64", "F32", "F16", "BF16"].includes(tensor.dtype)) return tensor;
  throw new SyntaxError(
    `Cannot read ${source}: tensor "${name}" must be F64, F32, F16 or BF16, found ${tensor.dtype}`,
  );
}

/** Brings a parameter's values to their place in the flat storage. */
export function storeParameter(parameter: Parameter, values: Float32Array, flat: Float32Array): void {
  const { offset, length } = parameter;
  copyParameter(parameter, values, flat.subarray(offset, offset + length), "toStorage");
}
