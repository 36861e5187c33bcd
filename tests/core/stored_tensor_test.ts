import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "../fast_check.ts";
import { type Dtype, elementCountOf, float32Of, type StoredTensor } from "@bgpt/core";

function tensorOf(dtype: Dtype, elements: ArrayBufferView & { length: number }): StoredTensor {
  const data = new Uint8Array(elements.buffer, elements.byteOffset, elements.byteLength);
  return { dtype, shape: [elements.length], data };
}

Deno.test("aligned F32 is a view, misaligned F32 a copy of the same numbers", () => {
  const numbers = Float32Array.of(1.5, -0, NaN, Infinity);
  assert(float32Of(tensorOf("F32", numbers)).buffer === numbers.buffer);
  const shifted = new Uint8Array(17);
  shifted.set(new Uint8Array(numbers.buffer), 1);
  assertEquals(float32Of({ dtype: "F32", shape: [4], data: shifted.subarray(1) }), numbers);
});

Deno.test("every half becomes the number that it stands for", () => {
  const halves = Uint16Array.from({ length: 65536 }, (_, i) => i);
  const expected = Float32Array.from(new Float16Array(halves.buffer));
  assertEquals([...float32Of(tensorOf("F16", halves))], [...expected]);
});

Deno.test("BF16 is the upper half of f32", () => {
  fc.assert(fc.property(fc.float32Array({ minLength: 1 }), (numbers) => {
    const bits = new Uint32Array(numbers.buffer.slice(0)).map((bits) => bits >>> 16 << 16);
    const upper = Uint16Array.from(bits, (bits) => bits >>> 16);
    assertEquals(float32Of(tensorOf("BF16", upper)), new Float32Array(bits.buffer));
  }));
});

Deno.test("F64 is rounded", () => {
  assertEquals(float32Of(tensorOf("F64", Float64Array.of(0.1, 1e300))), Float32Array.of(0.1, Infinity));
});

Deno.test("integers are not taken for numbers of a model", () => {
  assertThrows(
    () => float32Of(tensorOf("U8", Uint8Array.of(1))),
    TypeError,
    "Cannot read a tensor of U8 as f32",
  );
});

Deno.test("a scalar has one element, an empty tensor none", () => {
  assertEquals([elementCountOf([]), elementCountOf([3, 0]), elementCountOf([3, 4])], [1, 0, 12]);
});
