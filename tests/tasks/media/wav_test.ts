import { decodeWav, encodeWav8 } from "@bgpt/tasks/media";
import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import wavefile from "wavefile";
import { packTest } from "../../shared.ts";
import { wavFile } from "./wav_files.ts";

/** Bit depths as wavefile calls them, and the value that stands for 1. */
const depths: readonly (readonly [depth: string, one: number])[] = [
  ["8", 128],
  ["16", 2 ** 15],
  ["24", 2 ** 23],
  ["32", 2 ** 31],
  ["32f", 1],
  ["64", 1],
];

for (const [depth, one] of depths) {
  Deno.test(`samples of ${depth} bits are those that wavefile wrote, channel by channel`, () => {
    const offset = depth === "8" ? 128 : 0;
    const values = Array.from(
      { length: 101 },
      (_, i) => i === 0 ? -one : Math.round(one * Math.sin(i * i)) * 0.5,
    );
    const whole = depth.length < 3 && depth !== "64" ? values.map(Math.round) : values;
    const left = whole.map((value) => value + offset);
    const right = whole.toReversed().map((value) => value + offset);
    const file = new wavefile.WaveFile();
    file.fromScratch(2, 11_025, depth, [left, right]);
    const { sampleRateHz, channels } = decodeWav(file.toBuffer());
    assertEquals([sampleRateHz, channels.length, channels[0]!.length], [11_025, 2, 101]);
    for (const [channel, samples] of [left, right].entries()) {
      for (const [i, value] of samples.entries()) {
        assertAlmostEquals(channels[channel]![i]!, (value - offset) / one, 1e-7);
      }
    }
  });
}

for (const [coding, depth, decode] of [[6, "8a", "fromALaw"], [7, "8m", "fromMuLaw"]] as const) {
  Deno.test(`each of the 256 codes of coding ${coding} means what wavefile says`, () => {
    const codes = Uint8Array.from({ length: 256 }, (_, i) => i);
    const file = new wavefile.WaveFile();
    file.fromScratch(1, 8000, depth, codes);
    const { channels } = decodeWav(file.toBuffer());
    file[decode]("16");
    assertEquals([...channels[0]!], [...file.getSamples()].map((value) => value / 0x8000));
    assertEquals(decodeWav(wavFile(codes, { coding })).channels, channels);
  });
}

Deno.test("other chunks are passed over, of odd lengths too, and the extensible form is read", () => {
  const list = Uint8Array.from([...new TextEncoder().encode("LIST"), 3, 0, 0, 0, 1, 2, 3, 0]);
  const plain = wavFile(Uint8Array.of(0, 64, 128, 192, 255), { before: list });
  assertEquals([...decodeWav(plain).channels[0]!], [-1, -0.5, 0, 0.5, 127 / 128]);
  // cbSize, valid bits, speakers, and the name of PCM.
  const extension = [22, 0, 16, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 16, 0, 128, 0, 0, 170, 0, 56, 155, 113];
  const short = wavFile(Uint8Array.of(1, 0, 0, 128), { coding: 0xfffe, bits: 16 });
  const extensible = Uint8Array.from([...short.subarray(0, 36), ...extension, ...short.subarray(36)]);
  extensible[16] = 40;
  assertEquals([...decodeWav(extensible).channels[0]!], [2 ** -15, -1]);
});

Deno.test("a file of 8 bits begins with exactly 44 bytes, and an odd count is padded", () => {
  const file = encodeWav8(Uint8Array.of(1, 2, 3), 8000);
  const text = (start: number, end: number) => new TextDecoder().decode(file.subarray(start, end));
  assertEquals([text(0, 4), text(8, 16), text(36, 40)], ["RIFF", "WAVEfmt ", "data"]);
  const numbers = [40, 0, 0, 0, 16, 0, 0, 0, 1, 0, 1, 0, 64, 31, 0, 0, 64, 31, 0, 0, 1, 0, 8, 0, 3, 0, 0, 0];
  assertEquals([...file.subarray(4, 8), ...file.subarray(16, 36), ...file.subarray(40, 44)], numbers);
  assertEquals([...file.subarray(44)], [1, 2, 3, 0]);
  assertEquals([...decodeWav(file).channels[0]!], [-127 / 128, -126 / 128, -125 / 128]);
});

packTest(
  "a published WAV is written again byte for byte",
  "published_examples",
  ["*/audio/real/*"],
  (folder) => {
    const files = [...Deno.readDirSync(`${folder}/bgpt_examples/audio/real`)];
    for (const { name } of files) {
      const published = Deno.readFileSync(`${folder}/bgpt_examples/audio/real/${name}`);
      assertEquals(encodeWav8(published.subarray(44), 8000), published);
    }
    assertEquals(files.length > 0, true);
  },
);

Deno.test("a file that cannot be read says why", () => {
  const whole = wavFile(new Uint8Array(100));
  const refused: readonly [Uint8Array, string][] = [
    [whole.subarray(0, 100), 'its chunk "data" has 100 bytes by its header, but only 56 are there'],
    [whole.subarray(0, 30), 'its chunk "fmt" has 16 bytes by its header, but only 10 are there'],
    [whole.subarray(0, 36), 'it has no chunk "data"'],
    [new Uint8Array(), "its 0 bytes do not begin with RIFF and WAVE"],
    [new TextEncoder().encode("RIFX").slice(), "its 4 bytes do not begin with RIFF"],
    [wavFile(new Uint8Array()), 'its chunk "data" has 0 bytes, not one sample'],
    [wavFile(new Uint8Array(10), { bits: 4, coding: 17 }), "its samples are of 4 bits in coding 17"],
    [wavFile(new Uint8Array(10), { sampleRateHz: 0 }), "it has 1 channels at 0 Hz"],
    [wavFile(Uint8Array.of(0, 0, 192, 127), { bits: 32, coding: 3 }), "its sample 0 is NaN"],
  ];
  for (const [bytes, message] of refused) {
    assertThrows(() => decodeWav(bytes), SyntaxError, `Cannot read WAV: ${message}`);
  }
});
