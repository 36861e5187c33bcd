/** The element types of stored tensors, by the names safetensors gives them. */
export type Dtype = "F64" | "F32" | "F16" | "BF16" | "I64" | "I32" | "U8" | "U16" | "U32" | "BOOL";

/** The size of an element of each type, in bytes. */
export const dtypeBytes: Readonly<Record<Dtype, number>> = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  U8: 1,
  U16: 2,
  U32: 4,
  BOOL: 1,
};

/** A tensor as a checkpoint holds it. */
export interface StoredTensor {
  /** The type of the elements. */
  readonly dtype: Dtype;
  /** The size of every dimension; none for a scalar. */
  readonly shape: readonly number[];
  /** The elements in row-major order, little-endian; mostly a view of the whole checkpoint. */
  readonly data: Uint8Array;
}

/** How many elements a shape has; 1 for a scalar's empty one. */
export function elementCountOf(shape: readonly number[]): number {
  return shape.reduce((count, size) => count * size, 1);
}

/**
 * The elements of a tensor of floating-point numbers as f32. A view where the type is F32 and the data are aligned,
 * so that a checkpoint is not copied; else a copy. Machines are taken to be little-endian, as WebGPU's and
 * WebAssembly's memories are.
 *
 * @returns [every element of the shape]
 * @throws TypeError if the elements are integers or booleans
 */
export function float32Of(tensor: StoredTensor): Float32Array {
  const data = aligned(tensor.data, dtypeBytes[tensor.dtype]);
  const count = data.byteLength / dtypeBytes[tensor.dtype];
  switch (tensor.dtype) {
    case "F32":
      return new Float32Array(data.buffer, data.byteOffset, count);
    case "F64":
      return Float32Array.from(new Float64Array(data.buffer, data.byteOffset, count));
    case "F16":
      return Float32Array.from(new Uint16Array(data.buffer, data.byteOffset, count), float16Of);
    case "BF16": {
      const bits = new Uint16Array(data.buffer, data.byteOffset, count);
      return new Float32Array(Uint32Array.from(bits, (high) => high << 16).buffer);
    }
    default:
      throw new TypeError(`Cannot read a tensor of ${tensor.dtype} as f32: it must be F64, F32, F16 or BF16`);
  }
}

function aligned(data: Uint8Array, byteSize: number): Uint8Array {
  return data.byteOffset % byteSize === 0 ? data : data.slice();
}

/** The number that the 16 bits of an IEEE 754 half stand for. */
function float16Of(bits: number): number {
  const sign = bits >> 15 ? -1 : 1;
  const exponent = bits >> 10 & 31;
  const fraction = (bits & 1023) / 1024;
  if (exponent === 0) return sign * fraction * 2 ** -14;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction) * 2 ** (exponent - 15);
}
