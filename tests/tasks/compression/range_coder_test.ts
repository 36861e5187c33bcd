import { assertEquals, assertLessOrEqual } from "@std/assert";
import fc from "../../fast_check.ts";
import { frequencyTotal } from "../../../tasks/compression/frequencies.ts";
import { RangeDecoder, RangeEncoder } from "../../../tasks/compression/range_coder.ts";

/** Frequencies that follow weights, as the model's do. */
function cumulativeOf(weights: readonly number[]): Uint32Array {
  const sum = weights.reduce((sum, weight) => sum + weight, 0);
  const cumulative = new Uint32Array(weights.length + 1);
  for (const [v, weight] of weights.entries()) {
    const share = Math.floor(weight / sum * (frequencyTotal - weights.length));
    cumulative[v + 1] = cumulative[v]! + 1 + share;
  }
  cumulative[weights.length] = frequencyTotal;
  return cumulative;
}

function encode(symbols: readonly number[], cumulatives: readonly Uint32Array[]): Uint8Array {
  const encoder = new RangeEncoder();
  for (const [i, symbol] of symbols.entries()) {
    const cumulative = cumulatives[i % cumulatives.length]!;
    encoder.encode(cumulative[symbol]!, cumulative[symbol + 1]! - cumulative[symbol]!);
  }
  return encoder.finish();
}

function decode(bytes: Uint8Array, count: number, cumulatives: readonly Uint32Array[]): number[] {
  const decoder = new RangeDecoder(bytes);
  return Array.from({ length: count }, (_, i) => decoder.decode(cumulatives[i % cumulatives.length]!));
}

const weights = fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 100 }), fc.constant(1e9)), {
  minLength: 256,
  maxLength: 256,
}).map((weights) => cumulativeOf([1, ...weights.slice(1)]));
const message = fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 300 });

Deno.test("what is encoded is decoded, in as many bytes as the frequencies promise and one more", () => {
  fc.assert(
    fc.property(message, fc.array(weights, { minLength: 1, maxLength: 3 }), (symbols, cumulatives) => {
      const bytes = encode(symbols, cumulatives);
      assertEquals(decode(bytes, symbols.length, cumulatives), symbols);
      const bits = symbols.reduce((bits, symbol, i) => {
        const cumulative = cumulatives[i % cumulatives.length]!;
        return bits - Math.log2((cumulative[symbol + 1]! - cumulative[symbol]!) / frequencyTotal);
      }, 0);
      assertLessOrEqual(bytes.length, bits / 8 + 1 + symbols.length * 1e-5);
    }),
  );
});

Deno.test("a carry runs back through bytes that have left", () => {
  // The middle symbol straddles the middle of the range, so it stays open for long which side the first bits fall to.
  const straddling = Uint32Array.of(0, frequencyTotal / 2 - 1, frequencyTotal / 2 + 1, frequencyTotal);
  for (const last of [0, 2]) {
    for (let length = 1; length < 40; length++) {
      const symbols = [...Array<number>(length).fill(1), last, last, last];
      assertEquals(decode(encode(symbols, [straddling]), symbols.length, [straddling]), symbols);
    }
  }
});

Deno.test("the likeliest of messages takes no byte at all", () => {
  const certain = cumulativeOf([1e9, ...Array<number>(255).fill(0)]);
  assertEquals(encode(Array<number>(100).fill(0), [certain]).length, 0);
  assertEquals(decode(new Uint8Array(), 100, [certain]), Array<number>(100).fill(0));
});

Deno.test("any bytes decode to symbols", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 60 }),
      fc.array(weights, { minLength: 1, maxLength: 2 }),
      (bytes, c) => {
        for (const symbol of decode(bytes, 200, c)) {
          assertEquals(
            Number.isInteger(symbol) && symbol >= 0 && symbol < 256,
            true,
          );
        }
      },
    ),
  );
});
