import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { RandomStream } from "@bgpt/core";
import { labelledSamples, labelOf, labelsOf } from "@bgpt/tasks";

Deno.test("a label is what stands before the first _ of the name, and the extension, as published", () => {
  const labels = {
    "Dog_1.wav": "Dog.wav",
    "corpus_a/train/Dog_1_b.wav": "Dog.wav",
    "corpus\\Dog_1.wav": "Dog.wav",
    "v1.5_x.txt": "v1.5.txt",
    "Dog_1.tar.gz": "Dog.gz",
    "Dog_1": "Dog",
    "Dog.wav": undefined,
    "_1.wav": undefined,
    "a_b/Dog.wav": undefined,
    "Dog.my_format": undefined,
  };
  for (const [path, label] of Object.entries(labels)) assertEquals(labelOf(path), label, path);
});

Deno.test("classes are numbered in the order of their names, whatever the order of the files", () => {
  const paths = ["b_1.txt", "a_2.txt", "B_1.txt", "none.txt", "a_1.txt", "a_1.bmp"];
  assertEquals(labelsOf(paths), ["B.txt", "a.bmp", "a.txt", "b.txt"]);
  assertEquals(labelsOf(paths.reverse()), ["B.txt", "a.bmp", "a.txt", "b.txt"]);
});

/** Files of one byte in memory. */
function sourceOf(...paths: string[]) {
  return {
    files: paths.map((path) => ({ path, byteLength: 1 })),
    read: () => Promise.resolve(Uint8Array.of(7)),
  };
}

Deno.test("a labelled sample is the file with the number of its class", async () => {
  const samples = labelledSamples(sourceOf("a/cat_1.txt", "a/dog_1.txt"), ["cat.txt", "cow.txt", "dog.txt"]);
  const options = { patchSize: 4, patchLength: 8, cut: "head" } as const;
  assertEquals([samples.count, samples.name(1), samples.patchCount(1, options)], [2, "a/dog_1.txt", 3]);
  const { tokens, label } = await samples.read(1, options, new RandomStream(1));
  assertEquals(label, 2);
  assertEquals([...tokens], [116, 120, 116, 256, 7, 256, 256, 256, 256, 256, 256, 256]);
});

Deno.test("a file without a label, and one of an unknown class, are refused by name", async () => {
  const refused = (path: string, message: string) =>
    assertThrows(() => labelledSamples(sourceOf("cat_1.txt", path), ["cat.txt"]), RangeError, message);
  refused("x/cat.txt", 'Cannot tell the class of "x/cat.txt": its name must begin with a label and "_"');
  refused(
    "x/dog_1.txt",
    'Cannot use "x/dog_1.txt": its class "dog.txt" is none of the 1 that are known (cat.txt)',
  );
  const gone = { ...sourceOf("cat_1.txt"), read: () => Promise.reject(new Error("gone")) };
  const options = { patchSize: 4, patchLength: 8, cut: "head" } as const;
  await assertRejects(
    () => labelledSamples(gone, ["cat.txt"]).read(0, options, new RandomStream(1)),
    Error,
    "gone",
  );
});
