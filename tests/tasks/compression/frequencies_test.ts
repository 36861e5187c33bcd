import { assert, assertEquals, assertLess, assertThrows } from "@std/assert";
import fc from "../../fast_check.ts";
import { crc32c } from "@bgpt/core";
import {
  cumulativeFrequencies,
  expOfNegative,
  frequencyTotal,
} from "../../../tasks/compression/frequencies.ts";

function cumulativeOf(logits: ArrayLike<number>): Uint32Array {
  const cumulative = new Uint32Array(257);
  cumulativeFrequencies(Float32Array.from(logits), cumulative);
  return cumulative;
}

Deno.test("e to a negative number is right to 8e-9 of itself, and 0 below 2 to the -30", () => {
  for (let x = 0; x > -20; x -= 0.00371) {
    assertLess(Math.abs(expOfNegative(x) / Math.exp(x) - 1), 8e-9, `${x}`);
  }
  assertEquals(expOfNegative(0), 1);
  for (const x of [-22, -100, -1e30, -Infinity]) assertEquals(expOfNegative(x), 0);
});

Deno.test("frequencies sum to the total, none is 0, and they follow the probabilities", () => {
  const logits = fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), {
    minLength: 257,
    maxLength: 257,
  });
  const ordinary = fc.array(fc.float({ min: -20, max: 20, noNaN: true }), { minLength: 257, maxLength: 257 });
  fc.assert(fc.property(fc.oneof(logits, ordinary), (logits) => {
    const cumulative = cumulativeOf(logits);
    assertEquals([cumulative[0], cumulative[256]], [0, frequencyTotal]);
    const bytes = [...Float32Array.from(logits).subarray(0, 256)];
    const largest = Math.max(...bytes);
    const sum = bytes.reduce((sum, logit) => sum + Math.exp(logit - largest), 0);
    for (const [v, logit] of bytes.entries()) {
      const frequency = cumulative[v + 1]! - cumulative[v]!;
      assert(frequency >= 1, `byte ${v} can be coded`);
      const expected = frequencyTotal * Math.exp(logit - largest) / sum;
      assertLess(Math.abs(frequency - expected), 514, `byte ${v}: ${frequency}, not ${expected}`);
    }
  }));
});

Deno.test("the end id has no share", () => {
  const logits = Array.from({ length: 257 }, (_, v) => v % 7);
  const without = cumulativeOf(logits);
  assertEquals(cumulativeOf([...logits.slice(0, 256), 1000]), without);
});

Deno.test("frequencies are the same on every machine: those of drawn logits have a known check", () => {
  let check = 0;
  for (let seed = 0; seed < 200; seed++) {
    const logits = Array.from(
      { length: 257 },
      (_, v) => (Math.imul(v * v + 1, 2654435761 + 2 * seed) >>> 0) / 2 ** 32 * (1 + seed % 30),
    );
    check = crc32c(new Uint8Array(cumulativeOf(logits).buffer), check);
  }
  // The check of the same in Python.
  assertEquals(check.toString(16), "d1ec8485");
});

Deno.test("logits that are no finite numbers are refused", () => {
  for (const wrong of [NaN, Infinity, -Infinity]) {
    const logits = new Float32Array(257);
    logits[255] = wrong;
    assertThrows(() => cumulativeOf(logits), RangeError, `Cannot code with a logit of ${wrong}`);
  }
});
