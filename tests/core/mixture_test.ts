import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "../fast_check.ts";
import { mixture, RandomStream } from "@bgpt/core";
import { memorySamples } from "./memory_source.ts";

const sizes = { patchSize: 4, patchLength: 8, cut: "head" } as const;

/** How often each of the samples is shown in some epochs. */
function timesShown(source: ReturnType<typeof mixture>, epochs: number, seed = 1): number[] {
  const times = Array<number>(source.count).fill(0);
  for (let epoch = 0; epoch < epochs; epoch++) {
    for (const index of source.order!(epoch, seed)) times[index]!++;
  }
  return times;
}

Deno.test("a mixture is its parts one after the other, by name, size and content", async () => {
  const [a, b] = [memorySamples([3, 9], 1), memorySamples([20], 2)];
  const mixed = mixture([{ name: "a", source: a, weight: 1 }, { name: "b", source: b, weight: 1 }]);
  assertEquals(mixed.count, 3);
  assertEquals([0, 1, 2].map((i) => mixed.name(i)), ["file0.bin", "file1.bin", "file0.bin"]);
  assertEquals([0, 1, 2].map((i) => mixed.patchCount(i, sizes)), [3, 5, 7]);
  const random = new RandomStream(1);
  assertEquals(await mixed.read(1, sizes, random), await a.read(1, sizes, random));
  assertEquals(await mixed.read(2, sizes, random), await b.read(0, sizes, random));
});

Deno.test("an epoch shows a part of weight 2 twice, and over two epochs a part of weight 0.5 once", () => {
  const mixed = mixture([
    { name: "twice", source: memorySamples([1, 1, 1]), weight: 2 },
    { name: "once", source: memorySamples([1, 1]), weight: 1 },
    { name: "half", source: memorySamples([1, 1, 1, 1]), weight: 0.5 },
  ]);
  assertEquals(mixed.order!(0, 1).length, 6 + 2 + 2);
  assertEquals(timesShown(mixed, 1).slice(0, 5), [2, 2, 2, 1, 1]);
  assertEquals(timesShown(mixed, 2), [4, 4, 4, 2, 2, 1, 1, 1, 1]);
});

Deno.test("whatever the weight, over many epochs the samples of a part are shown alike", () => {
  fc.assert(fc.property(
    fc.integer({ min: 1, max: 9 }),
    fc.double({ min: 0.01, max: 3, noNaN: true }),
    fc.nat(),
    (count, weight, seed) => {
      const source = memorySamples(Array(count).fill(1));
      const times = timesShown(
        mixture([{ name: "a", source, weight }, { name: "b", source, weight: 1 }]),
        20,
        seed,
      )
        .slice(0, count);
      assert(Math.max(...times) - Math.min(...times) <= 1, `${times}`);
      const total = times.reduce((sum, n) => sum + n, 0);
      assertEquals(total, Math.round(20 * weight * count));
    },
  ));
});

Deno.test("the order of an epoch is a function of seed and epoch", () => {
  const mixed = () => mixture([{ name: "a", source: memorySamples(Array(40).fill(1)), weight: 0.7 }]);
  assertEquals(mixed().order!(3, 5), mixed().order!(3, 5));
  assert(String(mixed().order!(3, 5)) !== String(mixed().order!(4, 5)));
  assert(String(mixed().order!(3, 5)) !== String(mixed().order!(3, 6)));
});

Deno.test("a weight that is no positive number is refused with its source", () => {
  for (const weight of [0, -1, NaN, Infinity]) {
    assertThrows(
      () => mixture([{ name: "books", source: memorySamples([1]), weight }]),
      RangeError,
      `Cannot mix "books" with weight ${weight}: it must be a positive number`,
    );
  }
});
