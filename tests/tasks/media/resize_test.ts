import { resize, type RgbImage } from "@bgpt/tasks/media";
import { assertEquals } from "@std/assert";
import fc from "../../fast_check.ts";

/** A grey picture of rows of values. */
function grey(rows: readonly (readonly number[])[]): RgbImage {
  const pixels = Uint8Array.from(rows.flat().flatMap((value) => [value, value, value]));
  return { width: rows[0]!.length, height: rows.length, pixels };
}

/** The rows of a picture's green. */
function green({ width, height, pixels }: RgbImage): number[][] {
  return Array.from(
    { length: height },
    (_, y) => Array.from({ length: width }, (_, x) => pixels[3 * (y * width + x) + 1]!),
  );
}

Deno.test("a picture that shrinks by a whole number is the mean of blocks", () => {
  const image = grey([[0, 100, 10, 20], [50, 250, 30, 40]]);
  assertEquals(green(resize(image, 2, 1)), [[100, 25]]);
});

Deno.test("parts of pixels count by their parts", () => {
  // Three pixels to two: the first and half of the second, then the rest.
  assertEquals(green(resize(grey([[0, 90, 240]]), 2, 1)), [[30, 190]]);
  assertEquals(green(resize(grey([[0], [90], [240]]), 1, 2)), [[30], [190]]);
});

Deno.test("a picture that grows is interpolated between centres and goes on beyond the edge", () => {
  assertEquals(green(resize(grey([[0, 100]]), 4, 1)), [[0, 25, 75, 100]]);
  assertEquals(green(resize(grey([[7]]), 2, 2)), [[7, 7], [7, 7]]);
});

Deno.test("one side may shrink while the other grows, and channels stay apart", () => {
  const image: RgbImage = { width: 2, height: 1, pixels: Uint8Array.of(0, 10, 20, 100, 30, 60) };
  assertEquals([...resize(image, 1, 2).pixels], [50, 20, 40, 50, 20, 40]);
});

Deno.test("a finest pattern becomes grey: nothing is skipped", () => {
  const stripes = grey(Array.from({ length: 64 }, () => Array.from({ length: 64 }, (_, x) => x % 2 * 200)));
  assertEquals(new Set(green(resize(stripes, 32, 32)).flat()), new Set([100]));
});

Deno.test("a picture of one value stays so at every size", () => {
  const side = fc.integer({ min: 1, max: 20 });
  fc.assert(fc.property(side, side, side, side, fc.integer({ min: 0, max: 255 }), (w, h, toW, toH, value) => {
    const image = { width: w, height: h, pixels: new Uint8Array(3 * w * h).fill(value) };
    assertEquals(resize(image, toW, toH).pixels, new Uint8Array(3 * toW * toH).fill(value));
  }));
});
