import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { surprisingStretches } from "@bgpt/tasks";
import fc from "../../fast_check.ts";

const options = { length: 64, alignment: 16, count: 10 };

Deno.test("the most surprising stretches come first, and none lies over another", () => {
  const bits = new Float32Array(1000).fill(1);
  bits.fill(8, 320, 384);
  bits.fill(5, 700, 710);
  const stretches = surprisingStretches(bits, { ...options, count: 2 });
  assertEquals(stretches[0], { offset: 320, length: 64, bits: 8 });
  assertEquals(stretches[1]!.bits, 1 + 4 * 10 / 64);
  assert(stretches[1]!.offset <= 700 && stretches[1]!.offset + 64 >= 710);
});

Deno.test("a file shorter than a stretch is one, an empty file has none", () => {
  assertEquals(surprisingStretches(Float32Array.of(1, 2, 6), options), [{ offset: 0, length: 3, bits: 3 }]);
  assertEquals(surprisingStretches(new Float32Array(), options), []);
});

Deno.test("the last bytes of a file can be found", () => {
  const bits = new Float32Array(135);
  bits[134] = 9;
  const [{ offset, length } = { offset: 0, length: 0 }] = surprisingStretches(bits, options);
  assertEquals([offset, length], [80, 55]);
});

Deno.test("stretches are aligned, apart, falling, and no other would be more surprising than the first", () => {
  fc.assert(fc.property(
    fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 400 }),
    fc.integer({ min: 1, max: 80 }),
    fc.integer({ min: 1, max: 20 }),
    (values, length, largestAlignment) => {
      const alignment = Math.min(largestAlignment, length);
      const bits = Float32Array.from(values);
      const stretches = surprisingStretches(bits, { length, alignment, count: 5 });
      const mean = (from: number, to: number) =>
        bits.subarray(from, to).reduce((sum, value) => sum + value, 0) / (to - from);
      for (const [i, { offset, length: size, bits: found }] of stretches.entries()) {
        assertEquals(offset % alignment, 0);
        assertAlmostEquals(found, mean(offset, offset + size));
        for (const other of stretches.slice(0, i)) {
          assert(other.bits >= found);
          assert(other.offset >= offset + size || offset >= other.offset + other.length);
        }
      }
      for (let offset = 0; offset + length <= bits.length; offset += alignment) {
        assert(mean(offset, offset + length) <= stretches[0]!.bits + 1e-9);
      }
    },
  ));
});
