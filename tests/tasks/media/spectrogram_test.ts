import { decodeBmp, spectrogramFile } from "@bgpt/tasks/media";
import { assert, assertEquals } from "@std/assert";
import { toneFile, wavFile } from "./wav_files.ts";

/** The grey levels of the 32 bands of a column, the lowest first. */
function bandsAt(file: Uint8Array, column: number): number[] {
  const { pixels } = decodeBmp(file);
  return Array.from({ length: 32 }, (_, band) => pixels[3 * ((31 - band) * 32 + column)]!);
}

function brightest(file: Uint8Array, column: number): number {
  const bands = bandsAt(file, column);
  return bands.indexOf(Math.max(...bands));
}

/** The band whose centre is nearest, by the formula of the scale. */
function bandOf(frequencyHz: number): number {
  const mel = (hz: number) => 2595 * Math.log10(1 + hz / 700);
  return Math.round(33 * mel(frequencyHz) / mel(4000)) - 1;
}

Deno.test("a spectrogram is a grey BMP of 3,126 bytes", () => {
  const file = spectrogramFile(toneFile(440, 8000));
  assertEquals(file.length, 3126);
  const { pixels } = decodeBmp(file);
  assert(pixels.every((value, i) => value === pixels[i - i % 3]));
});

Deno.test("a tone is brightest in its band, from the bottom up, at every instant", () => {
  for (const frequencyHz of [250, 500, 1000, 2000, 3000, 3800]) {
    const file = spectrogramFile(toneFile(frequencyHz, 16_000));
    for (let column = 1; column < 31; column++) assertEquals(brightest(file, column), bandOf(frequencyHz));
  }
});

Deno.test("time runs from left to right, and silence is black", () => {
  const file = spectrogramFile(toneFile(1000, 8000, 0.5));
  for (let column = 0; column < 15; column++) assert(Math.max(...bandsAt(file, column)) > 128);
  for (let column = 17; column < 32; column++) assertEquals(bandsAt(file, column), Array(32).fill(0));
});

Deno.test("a click appears in the columns whose windows hold it alone", () => {
  const samples = new Uint8Array(8000).fill(128);
  samples[1125] = 255; // the middle of column 4
  const file = spectrogramFile(wavFile(samples));
  const lit = Array.from({ length: 32 }, (_, column) => column).filter((column) =>
    Math.max(...bandsAt(file, column)) > 0
  );
  assertEquals(lit, [4]);
  // A click holds all frequencies alike, so all bands, normalised, are equally bright.
  assertEquals(new Set(bandsAt(file, 4)).size, 1);
});

Deno.test("half the amplitude, 6.02 dB less, is 19 levels darker", () => {
  const level = (amplitude: number) => {
    const samples = Int16Array.from({ length: 8000 }, (_, i) => amplitude * Math.sin(2 * Math.PI * i / 8));
    const file = spectrogramFile(wavFile(new Uint8Array(samples.buffer), { bits: 16 }));
    return bandsAt(file, 16)[bandOf(1000)]!;
  };
  const difference = level(20_000) - level(10_000);
  assert(Math.abs(difference - 255 * 6.0206 / 80) <= 1, `${difference} levels`);
});
