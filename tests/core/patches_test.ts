import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "../fast_check.ts";
import {
  bytesOfPatches,
  type Cut,
  endOfPatch,
  extensionPatch,
  fileExtension,
  filePatches,
  patchCountOf,
  randomCut,
  RandomStream,
} from "@bgpt/core";
import { readJson, sharedTest } from "../shared.ts";

const sizes = { patchSize: 4, patchLength: 5 };
const E = endOfPatch;
const x = 120; // the extension of most files here

/** The bytes 1, 2, 3, … */
const countingBytes = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i + 1);

function patches(bytes: Uint8Array, cut?: Cut): number[] {
  return [...filePatches(bytes, "x", cut ? { ...sizes, cut } : sizes)];
}

Deno.test("an empty file is its extension and its end", () => {
  assertEquals(patches(countingBytes(0)), [x, E, E, E, E, E, E, E]);
});

Deno.test("a file whose size is a multiple of the patch size gets no padding", () => {
  assertEquals(patches(countingBytes(4)), [x, E, E, E, 1, 2, 3, 4, E, E, E, E]);
});

Deno.test("the last patch of other files is padded", () => {
  assertEquals(patches(countingBytes(5)), [x, E, E, E, 1, 2, 3, 4, 5, E, E, E, E, E, E, E]);
});

Deno.test("a file that is too long keeps its head, body or tail", () => {
  const bytes = countingBytes(19); // 7 patches, of which 5 fit
  const head = [x, E, E, E, ...countingBytes(16)];
  assertEquals(patches(bytes), head);
  assertEquals(patches(bytes, { part: "head" }), head);
  assertEquals(patches(bytes, { part: "body", startPatch: 1 }), [...countingBytes(19), E]);
  const tail = [...countingBytes(19).subarray(4), E, E, E, E, E];
  assertEquals(patches(bytes, { part: "body", startPatch: 2 }), tail);
  assertEquals(patches(bytes, { part: "tail" }), tail);
});

Deno.test("a file that just fits is whole, whatever the cut", () => {
  assertEquals(patches(countingBytes(12), { part: "tail" }), [x, E, E, E, ...countingBytes(12), E, E, E, E]);
});

Deno.test("a body must start inside of the file", () => {
  for (const startPatch of [0, 3, -1, 1.5, NaN]) {
    assertThrows(
      () => patches(countingBytes(19), { part: "body", startPatch }),
      RangeError,
      `Cannot cut the body of a file at patch ${startPatch}: it must start at an integer from 1 to 2`,
    );
  }
});

Deno.test("sizes that are no positive integers are refused", () => {
  for (const wrong of [0, -1, 1.5, NaN]) {
    const bytes = countingBytes(1);
    assertThrows(
      () => filePatches(bytes, "x", { ...sizes, patchSize: wrong }),
      RangeError,
      `patchSize ${wrong}`,
    );
    assertThrows(() => filePatches(bytes, "x", { ...sizes, patchLength: wrong }), RangeError, "patchLength");
  }
});

Deno.test("the extension is what stands after the last dot of the whole path, case kept", () => {
  const extensions = {
    "a/b.txt": "txt",
    "x.tar.gz": "gz",
    "x.UPPER": "UPPER",
    "x.": "",
    "a/noext": "a/noext",
    "p.d/noext": "d/noext",
  };
  for (const [path, extension] of Object.entries(extensions)) assertEquals(fileExtension(path), extension);
});

Deno.test("an extension is cut to the bytes of a patch, inside a character if need be", () => {
  assertEquals([...extensionPatch("abcdef", 4)], [97, 98, 99, 100]);
  assertEquals([...extensionPatch("aéé", 4)], [97, 0xc3, 0xa9, 0xc3]);
});

Deno.test("a random cut draws every part and every start alike, and is always possible", () => {
  const random = new RandomStream(1);
  const counts = new Map<string, number>();
  for (let i = 0; i < 6000; i++) {
    const cut = randomCut(27, sizes, random); // 9 patches, of which 5 fit
    filePatches(countingBytes(27), "x", { ...sizes, cut });
    const key = cut.part === "body" ? `body ${cut.startPatch}` : cut.part;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  assertEquals([...counts.keys()].sort(), ["body 1", "body 2", "body 3", "body 4", "head", "tail"]);
  for (const [key, count] of counts) {
    const expected = key.startsWith("body") ? 500 : 2000;
    assert(Math.abs(count - expected) < 0.15 * expected, `${key}: ${count}`);
  }
});

Deno.test("a file that fits draws no random number", () => {
  const random = new RandomStream(1);
  assertEquals(randomCut(12, sizes, random), { part: "head" });
  assertEquals(random.counter, 0);
});

Deno.test("any 256 ends the bytes, and larger tokens are refused", () => {
  assertEquals([...bytesOfPatches(Uint16Array.of(1, 2, E, 3))], [1, 2]);
  assertEquals([...bytesOfPatches(Uint16Array.of(1, 2))], [1, 2]);
  assertThrows(() => bytesOfPatches(Uint16Array.of(1, 257)), RangeError, "token 257");
});

Deno.test("the bytes of any file come back from its patches", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.integer({ min: 1, max: 32 }), (bytes, patchSize) => {
      const tokens = filePatches(bytes, "bin", { patchSize, patchLength: 512 });
      assertEquals(tokens.length, patchCountOf(bytes.length, patchSize) * patchSize);
      assertEquals(bytesOfPatches(tokens.subarray(patchSize)), Uint8Array.from(bytes));
    }),
  );
});

Deno.test("every cut is a window of the whole file", () => {
  const options = { patchSize: 4, patchLength: 6 };
  fc.assert(fc.property(fc.uint8Array({ minLength: 17, maxLength: 99 }), fc.nat(), (bytes, seed) => {
    const whole = filePatches(bytes, "bin", { patchSize: 4, patchLength: 512 });
    const cut = randomCut(bytes.length, options, new RandomStream(seed));
    const surplus = whole.length - 24;
    const start = cut.part === "head" ? 0 : cut.part === "tail" ? surplus : cut.startPatch * 4;
    assertEquals(filePatches(bytes, "bin", { ...options, cut }), whole.slice(start, start + 24));
  }));
});

interface PublishedCase {
  path: string;
  bytes: number[];
  choice: Cut["part"] | null;
  start: number | null;
  randint_range?: [number, number];
  tokens: number[];
  mask: number[];
}

/** The cut of a published case; its `start` is null for the upper bound of the range. */
function publishedCut({ choice, start, bytes }: PublishedCase): Cut {
  if (choice !== "body") return { part: choice ?? "head" };
  return { part: "body", startPatch: start ?? patchCountOf(bytes.length, 16) - 32 };
}

sharedTest("edge cases become the patches of the published program", async (fixtures) => {
  const { cases } = await readJson(`${fixtures}/dev/preprocess.json`) as { cases: PublishedCase[] };
  assertEquals(cases.length, 23);
  for (const published of cases) {
    const tokens = filePatches(Uint8Array.from(published.bytes), fileExtension(published.path), {
      patchSize: 16,
      patchLength: 32,
      cut: publishedCut(published),
    });
    assertEquals([...tokens], published.tokens, published.path);
    assertEquals(Array(tokens.length / 16).fill(1), published.mask, published.path);
  }
});

sharedTest("the files of the fixture batch become the patches of the published program", async (fixtures) => {
  const { files, read_bytes } = await readJson(`${fixtures}/dev/inputs.json`) as {
    files: { ext: string; bytes: number[] }[];
    read_bytes: { tokens: number[] }[];
  };
  assertEquals(files.length, 3);
  files.forEach(({ ext, bytes }, i) => {
    const tokens = filePatches(Uint8Array.from(bytes), ext, { patchSize: 16, patchLength: 32 });
    assertEquals([...tokens], read_bytes[i]?.tokens);
  });
});
