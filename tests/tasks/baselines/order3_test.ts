import { assert, assertAlmostEquals, assertThrows } from "@std/assert";
import { RandomStream } from "@bgpt/core";
import { order3BitsPerByte } from "@bgpt/tasks";

const ascii = (text: string) => new TextEncoder().encode(text);

function randomBytes(seed: number, byteLength: number, bound = 256): Uint8Array {
  const random = new RandomStream(seed);
  return Uint8Array.from({ length: byteLength }, () => random.below(bound));
}

Deno.test("what was never seen costs 8 bits, and each order is mixed with the one below as Witten and Bell do", () => {
  assertAlmostEquals(order3BitsPerByte([], [ascii("a")]), 8);
  // Order 0 after "aab": a twice, b once, two kinds: (2 + 2/256) / 5.
  const order0 = (2 + 2 / 256) / 5;
  assertAlmostEquals(order3BitsPerByte([ascii("aab")], [ascii("a")]), -Math.log2(order0));
  // The second a: order 0 has four bytes now, then a was followed by a and by b: (1 + 2 · order 0) / 4.
  const order1 = (1 + 2 * (3 + 2 / 256) / 6) / 4;
  assertAlmostEquals(
    order3BitsPerByte([ascii("aab")], [ascii("aa")]),
    -(Math.log2(order0) + Math.log2(order1)) / 2,
  );
});

Deno.test("the probabilities of all bytes add up to 1 in every context", () => {
  const training = [randomBytes(1, 3000, 5), randomBytes(2, 50), new Uint8Array()];
  for (const context of [[], [1], [4, 0], [1, 2, 3], [3, 1, 0, 2], [200, 1, 1]]) {
    const bitsOf = (bytes: number[]) =>
      bytes.length === 0 ? 0 : bytes.length * order3BitsPerByte(training, [Uint8Array.from(bytes)]);
    let sum = 0;
    for (let next = 0; next < 256; next++) sum += 2 ** (bitsOf(context) - bitsOf([...context, next]));
    assertAlmostEquals(sum, 1, 1e-9, `after ${context}`);
  }
});

Deno.test("noise costs more than 8 bits, a cycle of ten almost nothing, and a context of four is out of sight", () => {
  const noise = order3BitsPerByte([randomBytes(3, 20_000)], [randomBytes(4, 20_000)]);
  assert(noise > 8 && noise < 9, `${noise}`);
  const cycle = ascii("0123456789".repeat(100));
  assert(order3BitsPerByte([cycle], [cycle]) < 0.02);
  // Which byte ends "xaaay" depends on the one four before: half of them cannot be told, a bit each.
  const random = new RandomStream(5);
  const text = Array.from({ length: 4000 }, () => random.below(2) ? "xaaa1" : "yaaa2").join("");
  const bits = order3BitsPerByte([ascii(text)], [ascii(text)]);
  assertAlmostEquals(bits, 2 / 5, 0.01);
});

Deno.test("bits per byte of nothing are refused", () => {
  assertThrows(() => order3BitsPerByte([ascii("a")], [new Uint8Array()]), RangeError, "there is no byte");
});
