import { decodeWav, resample, speechFile, speechSecond } from "@bgpt/tasks/media";
import { assert, assertEquals } from "@std/assert";
import { packTest } from "../../shared.ts";
import { toneFile, wavFile } from "./wav_files.ts";

Deno.test("a recording of 8 kHz and 8 bits keeps its samples, cut or padded with silence to one second", () => {
  const samples = Uint8Array.from({ length: 9000 }, (_, i) => i % 256);
  const cut = speechFile(wavFile(samples));
  assertEquals(cut.length, 8044);
  assertEquals(cut.subarray(44), samples.subarray(0, 8000));
  const padded = speechFile(wavFile(samples.subarray(0, 100)));
  assertEquals(padded.length, 8044);
  assertEquals(padded.subarray(44, 144), samples.subarray(0, 100));
  assert(padded.subarray(144).every((sample) => sample === 128));
});

Deno.test("channels are averaged", () => {
  const interleaved = Uint8Array.from({ length: 200 }, (_, i) => i % 2 === 0 ? 100 : 120);
  const file = speechFile(wavFile(interleaved, { channelCount: 2 }));
  assertEquals([...file.subarray(44, 144)], Array(100).fill(110));
});

Deno.test("of a tone above 4 kHz nothing is left but silence, of one below all", () => {
  const samples = (frequencyHz: number) => speechFile(toneFile(frequencyHz, 16_000)).subarray(44 + 500, -500);
  assert(samples(5000).every((sample) => sample === 128));
  const kept = samples(1000);
  // Half of full scale, 64 of 128, at 8 samples a period: 0, 45.25, 64, …
  assertEquals([...new Set(kept)].sort((a, b) => a - b), [64, 83, 128, 173, 192]);
});

Deno.test("what goes beyond full scale is clipped", () => {
  const loud = new Uint8Array(Float32Array.of(2, -2, 1, -1).buffer);
  const file = speechFile(wavFile(loud, { coding: 3, bits: 32 }));
  assertEquals([...file.subarray(44, 48)], [255, 0, 255, 0]);
});

for (const sampleRateHz of [1, 4000, 8000, 11_025, 48_000]) {
  Deno.test(`of a long recording of ${sampleRateHz} Hz nothing counts but what reaches the first second`, () => {
    const loud = Float32Array.from({ length: 3 * sampleRateHz + 1000 }, (_, i) => Math.sin(i * i));
    const whole = wavFile(new Uint8Array(loud.buffer), { coding: 3, bits: 32, sampleRateHz });
    const { channels } = decodeWav(whole);
    assertEquals(speechSecond(whole), resample(channels[0]!, sampleRateHz, 8000, 8000));
    // Not even that it is no sound.
    const damaged = wavFile(new Uint8Array(loud.fill(NaN, 2 * sampleRateHz + 500).buffer), {
      coding: 3,
      bits: 32,
      sampleRateHz,
    });
    assertEquals(speechFile(damaged), speechFile(whole));
  });
}

packTest(
  "recordings of 16 kHz become what sox made of them, up to rounding",
  "speech",
  ["speech/words16k_original/*", "speech/words8k/*"],
  (folder) => {
    const ratios: number[] = [];
    for (const { name } of Deno.readDirSync(`${folder}/speech/words16k_original`)) {
      const made = speechFile(Deno.readFileSync(`${folder}/speech/words16k_original/${name}`)).subarray(44);
      const expected = Deno.readFileSync(`${folder}/speech/words8k/${name}`).subarray(44);
      const power = expected.reduce((sum, sample) => sum + (sample - 128) ** 2, 0);
      const error = expected.reduce((sum, sample, i) => sum + (sample - made[i]!) ** 2, 0);
      ratios.push(10 * Math.log10(power / error));
    }
    assertEquals(ratios.length, 24);
    // Quiet recordings have but a few of the 256 levels: two that round alike but for one sample in 25 are 25 dB apart.
    const mean = ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length;
    assert(
      mean > 30 && Math.min(...ratios) > 24,
      `${mean} dB on average, ${Math.min(...ratios)} dB at least`,
    );
  },
);

packTest(
  "words of 8 kHz pass byte for byte",
  "speech",
  ["speech/words8k/cat_[0-3]*"],
  (folder) => {
    const files = [...Deno.readDirSync(`${folder}/speech/words8k`)];
    for (const { name } of files) {
      const bytes = Deno.readFileSync(`${folder}/speech/words8k/${name}`);
      assertEquals(decodeWav(bytes).sampleRateHz, 8000);
      assertEquals(speechFile(bytes), bytes);
    }
    assert(files.length > 20);
  },
);
