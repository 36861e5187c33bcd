import { fuzzTests } from "./fuzz.ts";
import { crc32c } from "@bgpt/core";
import { decodeWav, speechSecond } from "@bgpt/tasks/media";
import { assertThrows } from "@std/assert";
import { wavFile } from "../tasks/media/wav_files.ts";
import { joined, mutate, mutateParts } from "./mutate.ts";

const samples = Uint8Array.from({ length: 48 }, (_, i) => 5 * i);
const seeds = [
  wavFile(samples),
  wavFile(samples, { bits: 16, channelCount: 2, sampleRateHz: 44_100 }),
  wavFile(samples, {
    bits: 24,
    sampleRateHz: 16_000,
    before: new TextEncoder().encode("LIST\x04\0\0\0abcd"),
  }),
  wavFile(new Uint8Array(48), { coding: 3, bits: 32 }),
  wavFile(samples, { coding: 6 }),
];

fuzzTests({
  format: "wav",
  seeds,
  read: (bytes) => {
    decodeWav(bytes);
    // Another rate takes other weights, too many to compute them for every case.
    if (crc32c(bytes) % 64 === 0) speechSecond(bytes);
  },
  isOwnError: ({ name, message }) => name === "SyntaxError" || message.startsWith("Cannot resample from "),
  mutateOwn: (random, seed) => {
    const chunks: Uint8Array[] = [];
    const view = new DataView(seed.buffer, seed.byteOffset);
    for (let at = 12; at + 8 <= seed.length;) {
      const end = at + 8 + view.getUint32(at + 4, true);
      chunks.push(seed.slice(at, end));
      at = end;
    }
    const changed = mutateParts(random, chunks).filter((chunk) => chunk.length >= 8);
    for (const chunk of changed) new DataView(chunk.buffer).setUint32(4, chunk.length - 8, true);
    const file = joined(seed.subarray(0, 12), ...changed);
    return random.below(8) === 0 ? mutate(random, file, seeds) : file;
  },
  // The weights of a ratio of rates, and eight bytes for each sample and their mean.
  mostBytes: { fixed: (128 + 4) << 20, perByte: 64 },
});

Deno.test("absurd rates and numbers of channels are refused, or take what the file has", () => {
  const sound = (sampleRateHz: number, channelCount = 1) => wavFile(samples, { sampleRateHz, channelCount });
  assertThrows(
    () => speechSecond(sound(2 ** 32 - 1)),
    RangeError,
    "Cannot resample from 4294967295 to 8000 Hz",
  );
  assertThrows(
    () => speechSecond(sound(2 ** 32 - 7296)),
    RangeError,
    "Cannot resample from 4294960000 to 8000 Hz",
  );
  assertThrows(() => speechSecond(sound(191_999)), RangeError, "Resample it to a usual rate first");
  assertThrows(() => decodeWav(sound(8000, 65_535)), SyntaxError, "not one sample");
  speechSecond(sound(1));
  speechSecond(sound(44_101));
});
