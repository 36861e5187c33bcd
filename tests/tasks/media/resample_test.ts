import { resample } from "@bgpt/tasks/media";
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";

function tone(frequencyHz: number, sampleRateHz: number): Float64Array {
  return Float64Array.from(
    { length: sampleRateHz },
    (_, i) => Math.sin(2 * Math.PI * frequencyHz * i / sampleRateHz),
  );
}

/** The amplitude of the tone that is left, far from the ends. */
function amplitude(samples: Float64Array): number {
  const middle = samples.subarray(1000, -1000);
  return Math.sqrt(2 * middle.reduce((sum, value) => sum + value ** 2, 0) / middle.length);
}

for (const rate of [11_025, 16_000, 22_050, 44_100, 48_000]) {
  Deno.test(`from ${rate} Hz a tone below 4 kHz keeps its place, one above vanishes`, () => {
    const kept = resample(tone(1000, rate), rate, 8000);
    assertEquals(kept.length, 8000);
    const expected = tone(1000, 8000);
    for (let i = 1000; i < 7000; i++) assertAlmostEquals(kept[i]!, expected[i]!, 1e-4);
    assertAlmostEquals(amplitude(resample(tone(3700, rate), rate, 8000)), 1, 1e-3);
    for (const frequencyHz of [4050, 5000]) {
      const left = amplitude(resample(tone(frequencyHz, rate), rate, 8000));
      assert(left < 1e-4, `${frequencyHz} Hz: ${20 * Math.log10(left)} dB`);
    }
  });
}

Deno.test("from a lower rate nothing appears above what was there", () => {
  const grown = resample(tone(1000, 4000), 4000, 8000);
  const expected = tone(1000, 8000);
  for (let i = 1000; i < 7000; i++) assertAlmostEquals(grown[i]!, expected[i]!, 1e-4);
});

Deno.test("a constant stays what it is, and the same rate changes nothing", () => {
  const constant = new Float64Array(4000).fill(0.25);
  for (const value of resample(constant, 16_000, 8000).subarray(500, 1500)) {
    assertAlmostEquals(value, 0.25, 1e-12);
  }
  const samples = Float64Array.of(0.1, 0.2, 0.3);
  assertEquals([...resample(samples, 8000, 8000, 5)], [0.1, 0.2, 0.3, 0, 0]);
  assertEquals([...resample(samples, 8000, 8000, 2)], [0.1, 0.2]);
});

Deno.test("a rate that is no positive integer is refused", () => {
  assertThrows(() => resample(new Float64Array(1), 0, 8000), RangeError, "a rate is 0 Hz");
});
