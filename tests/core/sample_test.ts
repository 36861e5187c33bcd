import { assertEquals } from "@std/assert";
import { fileSamples, type FileSource, RandomStream } from "@bgpt/core";

function fileOf(bytes: Uint8Array): FileSource {
  return { files: [{ path: "a.bin", byteLength: bytes.length }], read: () => Promise.resolve(bytes) };
}

const sizes = { patchSize: 4, patchLength: 5 };

Deno.test("patches given at the start of a file are counted from its extension patch, whatever a cut leaves of them", async () => {
  const bytes = Uint8Array.from({ length: 40 }, (_, i) => i); // 12 patches: ten of bytes, number k from 4(k − 1)
  const samples = fileSamples(fileOf(bytes), 4);
  const firstPatches = new Set<number>();
  for (let draw = 0; draw < 60; draw++) {
    const random = new RandomStream(draw, 0);
    const { tokens, givenPatches } = await samples.read(0, { ...sizes, cut: "random" }, random);
    const isHead = tokens[1] === "i".charCodeAt(0);
    const firstPatch = isHead ? 0 : tokens[0]! / 4 + 1;
    assertEquals(givenPatches, Math.max(1, 4 - firstPatch), `cut at ${firstPatch}`);
    firstPatches.add(firstPatch);
  }
  assertEquals([...firstPatches].sort((a, b) => a - b), [0, 1, 2, 3, 4, 5, 6, 7]);
});

Deno.test("without more said, a file's extension patch alone is given", async () => {
  const samples = fileSamples(fileOf(new Uint8Array(6)));
  const { givenPatches } = await samples.read(0, { ...sizes, cut: "head" }, new RandomStream(0, 0));
  assertEquals(givenPatches, undefined);
});
