import { decodeImage, decodeJpeg, decodePng, encodeBmp, imageFile, type RgbImage } from "@bgpt/tasks/media";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { packTest } from "../../shared.ts";
import { gradient, gradientFiles, paletteFile } from "./pictures.ts";
import { pngColours, pngFile } from "./png_files.ts";

/** The largest difference of two pictures of one size. */
function difference(a: RgbImage, b: RgbImage): number {
  assertEquals([a.width, a.height, a.pixels.length], [b.width, b.height, b.pixels.length]);
  return a.pixels.reduce((largest, value, i) => Math.max(largest, Math.abs(value - b.pixels[i]!)), 0);
}

Deno.test("a PNG that another library wrote gives its pixels, of 8 and of 16 bits", () => {
  assertEquals(decodePng(gradientFiles.png), gradient);
  assert(difference(decodePng(gradientFiles.png16), gradient) <= 1);
});

Deno.test("JPEG that another library wrote give its pixels: baseline, progressive and grey", () => {
  // Quality 95 rounds the coefficients, and libjpeg and jpeg-js transform them each in its way.
  assert(difference(decodeJpeg(gradientFiles.jpeg), gradient) <= 6);
  assertEquals(decodeJpeg(gradientFiles.progressiveJpeg), decodeJpeg(gradientFiles.jpeg));
  const grey = { ...gradient, pixels: gradient.pixels.map((_, i) => gradient.pixels[i - i % 3]!) };
  assert(difference(decodeJpeg(gradientFiles.greyJpeg), grey) <= 6);
});

/** The pixels of a PNG of one row. */
async function pixelsOf(...file: Parameters<typeof pngFile>): Promise<number[]> {
  return [...decodePng(await pngFile(...file)).pixels];
}

Deno.test("what is transparent in a PNG is laid over white", async () => {
  const { grey, rgb, greyAlpha, rgbAlpha } = pngColours;
  assertEquals([...decodePng(paletteFile).pixels], [255, 0, 0, 255, 255, 255, 0, 0, 255, 255, 255, 255]);
  const half = await pixelsOf({ width: 2, depth: 8, colour: rgbAlpha }, [[100, 0, 200, 128, 9, 9, 9, 0]]);
  assertEquals(half, [177, 127, 227, 255, 255, 255]);
  const greys = await pixelsOf({ width: 2, depth: 8, colour: greyAlpha }, [[10, 255, 10, 0]]);
  assertEquals(greys, [10, 10, 10, 255, 255, 255]);
  const wide = await pixelsOf({ width: 1, depth: 16, colour: greyAlpha }, [[128, 0, 255, 255]]);
  assertEquals(wide, [128, 128, 128]);
  // One colour that shows everything through.
  assertEquals(await pixelsOf({ width: 2, depth: 8, colour: grey }, [[7, 8]], [0, 8]), [
    7,
    7,
    7,
    255,
    255,
    255,
  ]);
  const named = [0, 1, 0, 2, 0, 4];
  const colours = await pixelsOf({ width: 3, depth: 8, colour: rgb }, [[1, 2, 3, 1, 2, 4, 0, 0, 0]], named);
  assertEquals(colours, [1, 2, 3, 255, 255, 255, 0, 0, 0]);
});

Deno.test("grey PNG of 1 and 4 bits are read, rows on whole bytes", async () => {
  const colour = pngColours.grey;
  const everyThird = (pixels: number[]) => pixels.filter((_, i) => i % 3 === 0);
  const bits = await pixelsOf({ width: 3, depth: 1, colour }, [[0b10100000], [0b01000000]]);
  assertEquals(everyThird(bits), [255, 0, 255, 0, 255, 0]);
  const nibbles = await pixelsOf({ width: 3, depth: 4, colour }, [[0x0f, 0x80]]);
  assertEquals(everyThird(nibbles), [0, 255, 136]);
});

Deno.test("an interlaced PNG is refused where fast-png would misread it", async () => {
  const small = await pngFile({ width: 1, depth: 1, colour: pngColours.grey, interlaced: true }, [[0x80]]);
  assertThrows(() => decodePng(small), SyntaxError, "it is interlaced with 1 bits a pixel");
  const large = await pixelsOf({ width: 1, depth: 8, colour: pngColours.grey, interlaced: true }, [[77]]);
  assertEquals(large, [77, 77, 77]);
});

Deno.test("an image is a BMP of 3,126 bytes, whatever it was", () => {
  const files = [gradientFiles.png, gradientFiles.jpeg, encodeBmp(gradient)];
  for (const file of files) {
    const image = imageFile(file);
    assertEquals([image.length, image[0], image[1]], [3126, 0x42, 0x4d]);
  }
  assertEquals(imageFile(gradientFiles.png), imageFile(encodeBmp(gradient)));
  const own = imageFile(gradientFiles.png);
  assertEquals(imageFile(own), own);
});

Deno.test("a picture that cannot be read says why", () => {
  const { png, jpeg, cmykJpeg } = gradientFiles;
  const refused: readonly [Uint8Array, string][] = [
    [new Uint8Array(), "Cannot read image: it is empty"],
    [new TextEncoder().encode("GIF89a"), "Cannot read image: it begins with the bytes 47 49 46 38"],
    [cmykJpeg, "Cannot read JPEG: it has 4 components (CMYK)"],
    [jpeg.subarray(0, jpeg.length - 30), "Cannot read JPEG: "],
    [png.subarray(0, 100), "Cannot read PNG: "],
    [png.map((byte, i) => i === 200 ? byte ^ 1 : byte), "Cannot read PNG: "],
  ];
  for (const [bytes, message] of refused) assertThrows(() => decodeImage(bytes), SyntaxError, message);
});

packTest(
  "photographs of CIFAR-10 become images of their own size",
  "images",
  ["images/frog/*000*"],
  (folder) => {
    const names = [...Deno.readDirSync(`${folder}/images/frog`)].map(({ name }) => name);
    for (const name of names) {
      const file = Deno.readFileSync(`${folder}/images/frog/${name}`);
      assertEquals(imageFile(file), encodeBmp(decodeJpeg(file)));
    }
    assert(names.length > 0);
  },
);
