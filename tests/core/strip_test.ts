import { assertEquals, assertThrows } from "@std/assert";
import { endOfPatch, packStrip, type Sample } from "@bgpt/core";

/** A file of patches of 2 tokens, counted up from a first one. */
function fileOf(patches: number, first: number): Sample {
  return { tokens: Uint16Array.from({ length: 2 * patches }, (_, i) => first + i) };
}

Deno.test("files stand back to back, and padding behind them", () => {
  const strip = packStrip([fileOf(3, 10), fileOf(2, 20)], 7, 2);
  const e = endOfPatch;
  assertEquals([...strip.patches], [10, 11, 12, 13, 14, 15, 20, 21, 22, 23, e, e, e, e]);
  assertEquals([strip.samples.length, strip.patchCount], [2, 5]);
});

Deno.test("a patch knows where its file starts; a patch of padding is a file of its own", () => {
  const { fileStart } = packStrip([fileOf(3, 10), fileOf(2, 20)], 7, 2);
  assertEquals([...fileStart], [0, 0, 0, 3, 3, 5, 6]);
});

Deno.test("a patch predicts the next one of its file, and the last patch of a file nothing", () => {
  const strip = packStrip([fileOf(3, 10), fileOf(2, 20)], 7, 2);
  const weighted = [...strip.lossWeights].flatMap((weight, i) =>
    weight === 0 ? [] : [[i, strip.nextPatches[i]]]
  );
  assertEquals(weighted, [[0, 12], [1, 13], [2, 14], [3, 15], [6, 22], [7, 23]]);
  assertEquals(new Set(strip.lossWeights), new Set([0, 1]));
});

Deno.test("the loss weighs every byte of every predicted patch, end patches and padding inside a patch too", () => {
  const padded = Uint16Array.of(1, 2, 3, endOfPatch, endOfPatch, endOfPatch);
  const { lossWeight, lossWeights } = packStrip([{ tokens: padded }, fileOf(2, 0)], 5, 2);
  assertEquals(lossWeight, 6);
  assertEquals(lossWeights.reduce((sum, weight) => sum + weight, 0), lossWeight);
});

Deno.test("a strip may be full or empty", () => {
  assertEquals(packStrip([fileOf(3, 0), fileOf(1, 9)], 4, 2).patchCount, 4);
  const empty = packStrip([], 2, 2);
  assertEquals([empty.patchCount, empty.lossWeight, [...empty.fileStart]], [0, 0, [0, 1]]);
});

Deno.test("files that do not fit are refused", () => {
  assertThrows(
    () => packStrip([fileOf(3, 0), fileOf(2, 0)], 4, 2),
    RangeError,
    "Cannot pack 5 patches into a strip of 4: give it fewer files",
  );
});
