import { assertEquals, assertNotEquals } from "@std/assert";
import { fileSamples, mixture, sampleDigest, type SampleSource } from "@bgpt/core";
import { memorySamples } from "./memory_source.ts";

const digest = (samples: SampleSource, seed = 0) => sampleDigest(samples, seed);

/** Files of 20 bytes by these paths, which nobody reads. */
function filesAt(...paths: string[]): SampleSource {
  const files = paths.map((path) => ({ path, byteLength: 20 }));
  return fileSamples({ files, read: () => Promise.reject(new Error("was read")) });
}

Deno.test("a digest tells files of other sizes, order and kinds, but not another folder, and reads none", () => {
  const own = digest(memorySamples([40, 9000, 17]));
  assertEquals(digest(memorySamples([40, 9000, 17], 2)), own);
  assertNotEquals(digest(memorySamples([40, 9001, 17])), own);
  assertNotEquals(digest(memorySamples([9000, 40, 17])), own);
  assertNotEquals(digest(memorySamples([40, 9000])), own);

  const texts = digest(filesAt("books/a.txt", "books/b.txt"));
  assertEquals(digest(filesAt("elsewhere/c.txt", "elsewhere/d.txt")), texts);
  assertNotEquals(digest(filesAt("books/a.txt", "books/b.wav")), texts);
});

Deno.test("a digest tells the weights of sources, also where they show as many samples", () => {
  const mixed = (...weights: number[]) =>
    mixture(weights.map((weight, i) => ({ name: `${i}`, source: memorySamples([5, 6, 7]), weight })));
  assertEquals(digest(mixed(2, 1)), digest(mixed(2, 1)));
  assertNotEquals(digest(mixed(2, 1)), digest(mixed(1, 2)));
  assertNotEquals(digest(mixed(2, 1)), digest(mixed(2, 0.5)));
  assertNotEquals(digest(mixed(2, 1)), digest(mixed(2, 1), 1));
});
