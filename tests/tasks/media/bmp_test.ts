import { decodeBmp, encodeBmp } from "@bgpt/tasks/media";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { packTest } from "../../shared.ts";

/** A BMP written by hand: header of 40 bytes, palette, rows as given. */
function bmpFile(
  header: { width: number; height: number; bits: number; compression?: number; colours?: number },
  palette: readonly number[],
  rows: readonly number[],
): Uint8Array {
  const bytes = new Uint8Array(54 + palette.length + rows.length);
  const view = new DataView(bytes.buffer);
  bytes.set([0x42, 0x4d]);
  view.setUint32(2, bytes.length, true);
  view.setUint32(10, 54 + palette.length, true);
  view.setUint32(14, 40, true);
  view.setInt32(18, header.width, true);
  view.setInt32(22, header.height, true);
  view.setUint16(26, 1, true);
  view.setUint16(28, header.bits, true);
  view.setUint32(30, header.compression ?? 0, true);
  view.setUint32(46, header.colours ?? 0, true);
  bytes.set(palette, 54);
  bytes.set(rows, 54 + palette.length);
  return bytes;
}

const lower = [1, 2, 3, 4, 5, 6];
const upper = [7, 8, 9, 10, 11, 12];
/** The pixels of both rows, the upper first, each pixel's bytes turned around. */
const pixels = [9, 8, 7, 12, 11, 10, 3, 2, 1, 6, 5, 4];

Deno.test("24 bits are read from the bottom up and from the top down, rows padded to 4 bytes", () => {
  const padding = [0, 0];
  const upwards = bmpFile({ width: 2, height: 2, bits: 24 }, [], [
    ...lower,
    ...padding,
    ...upper,
    ...padding,
  ]);
  assertEquals([...decodeBmp(upwards).pixels], pixels);
  const downwards = bmpFile({ width: 2, height: -2, bits: 24 }, [], [
    ...upper,
    ...padding,
    ...lower,
    ...padding,
  ]);
  assertEquals(decodeBmp(downwards), decodeBmp(upwards));
});

Deno.test("32 bits and a palette are read", () => {
  const wide = bmpFile({ width: 2, height: 1, bits: 32 }, [], [1, 2, 3, 255, 4, 5, 6, 0]);
  assertEquals([...decodeBmp(wide).pixels], [3, 2, 1, 6, 5, 4]);
  const palette = bmpFile(
    { width: 3, height: 1, bits: 8, colours: 2 },
    [1, 2, 3, 0, 4, 5, 6, 0],
    [1, 0, 2, 0],
  );
  assertEquals([...decodeBmp(palette).pixels], [6, 5, 4, 3, 2, 1, 0, 0, 0]);
});

Deno.test("what is written is a header of 54 bytes and rows from the bottom up", () => {
  const file = encodeBmp({ width: 2, height: 2, pixels: Uint8Array.from(pixels) });
  assertEquals([...file.subarray(54)], [...lower, 0, 0, ...upper, 0, 0]);
  const number = (at: number) => new DataView(file.buffer).getUint32(at, true);
  assertEquals([2, 10, 14, 18, 22, 26, 30, 34].map(number), [70, 54, 40, 2, 2, 1 + 24 * 0x10000, 0, 16]);
  assertEquals([...decodeBmp(file).pixels], pixels);
});

packTest("a published BMP is written again byte for byte", "published_examples", ["*.bmp"], (folder) => {
  const published = Deno.readFileSync(`${folder}/bgpt_examples/images/collage-generated.bmp`);
  const image = decodeBmp(published);
  assert(image.width === 256 && image.height === 256);
  assertEquals(encodeBmp(image), published);
});

Deno.test("a file that cannot be read says why", () => {
  const whole = bmpFile({ width: 2, height: 1, bits: 24 }, [], [1, 2, 3, 4, 5, 6, 0, 0]);
  const refused: readonly [Uint8Array, string][] = [
    [whole.subarray(0, 60), "it has 60 bytes, 2 × 1 pixels of 24 bits need 62"],
    [whole.subarray(0, 20), "it has 20 bytes, its headers alone need 54"],
    [
      bmpFile({ width: 2, height: 1, bits: 8, compression: 1 }, [], []),
      "it is of 8 bits a pixel with compression 1",
    ],
    [bmpFile({ width: 2, height: 1, bits: 16 }, [], [0, 0, 0, 0]), "it is of 16 bits a pixel"],
    [bmpFile({ width: 0, height: 1, bits: 24 }, [], []), "it is 0 × 1 pixels"],
    // A size that would need 13 PB must not be tried.
    [
      bmpFile({ width: 0x7fffffff, height: 2 ** 21, bits: 24 }, [], []),
      "it is 2147483647 × 2097152 pixels, at most 67108864 are read and 65535 of a side",
    ],
  ];
  for (const [bytes, message] of refused) {
    assertThrows(() => decodeBmp(bytes), SyntaxError, `Cannot read BMP: ${message}`);
  }
});
