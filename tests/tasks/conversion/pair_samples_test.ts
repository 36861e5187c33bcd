import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { type FileSource, packStrip, RandomStream, type SampleSource } from "@bgpt/core";
import { findPairs, pairPatches, pairSamples, parseConversion, splitPairSamples } from "@bgpt/tasks";

const sizes = { patchSize: 4, patchLength: 12 };
const readOptions = { ...sizes, cut: "random" } as const;

/** Files whose bytes say which they are; a length of 9 takes 3 patches. */
function source(byteLengths: Readonly<Record<string, number>>): FileSource {
  const files = Object.entries(byteLengths).map(([path, byteLength]) => ({ path, byteLength }));
  return {
    files,
    read: (index) => Promise.resolve(new Uint8Array(files[index]!.byteLength).fill(index)),
  };
}

function samplesOf(files: FileSource, pairs: string, loss: "pair" | "target" = "pair") {
  const conversion = parseConversion(pairs);
  return pairSamples(files, findPairs(files.files, conversion).pairs, {
    ...sizes,
    bothWays: conversion.bothWays,
    loss,
  });
}

const names = (samples: SampleSource) => Array.from({ length: samples.count }, (_, i) => samples.name(i));
const read = (samples: SampleSource, index: number) => samples.read(index, readOptions, new RandomStream(1));

Deno.test("a pair is a sample of the size it says, whole in the loss or with its source and turn given", async () => {
  const files = source({ "1.abc": 5, "1.mid": 9 });
  const { samples } = samplesOf(files, "abc->mid");
  assertEquals(names(samples), ["1.abc -> mid"]);
  const { tokens, givenPatches } = await read(samples, 0);
  const [abc, mid] = [0, 1].map((i) => ({
    extension: ["abc", "mid"][i]!,
    bytes: new Uint8Array(files.files[i]!.byteLength).fill(i),
  }));
  assertEquals([[...tokens], givenPatches], [[...pairPatches(abc!, mid!, sizes)], undefined]);
  assertEquals(samples.patchCount(0, sizes), tokens.length / 4);

  const target = await read(samplesOf(files, "abc->mid", "target").samples, 0);
  // Scored are the target's 3 patches and its end: 4 of 8.
  assertEquals([target.givenPatches, packStrip([target], 10, 4).lossWeight], [4, 4 * 4]);
  assertEquals([...target.tokens], [...tokens]);
});

Deno.test("both ways every pair is two samples, of which the second is the first in reverse", async () => {
  const files = source({ "1.abc": 4, "1.mid": 8, "2.abc": 1, "2.mid": 2 });
  const { samples } = samplesOf(files, "abc<->mid");
  assertEquals(names(samples), ["1.abc -> mid", "1.mid -> abc", "2.abc -> mid", "2.mid -> abc"]);
  const turned = (await read(samples, 1)).tokens;
  assertEquals([...turned.subarray(0, 8), ...turned.subarray(12, 20)], [
    ...[109, 105, 100, 256, 1, 1, 1, 1],
    ...[97, 98, 99, 256, 0, 0, 0, 0],
  ]);
});

Deno.test("a pair beyond the patch length is cut at its head, and one whose source fills it is left out and named", async () => {
  // 12 patches hold the extensions, 9 patches of a source and one of its target.
  const files = source({ "1.abc": 36, "1.mid": 900, "2.abc": 41, "2.mid": 4 });
  const { samples, tooLong } = samplesOf(files, "abc<->mid");
  assertEquals(names(samples), ["1.abc -> mid", "2.mid -> abc"]);
  assertEquals(tooLong, ["1.mid", "2.abc"]);
  const { tokens } = await read(samples, 0);
  assertEquals([tokens.length / 4, samples.patchCount(0, sizes)], [12, 12]);
  assertEquals([...tokens.subarray(-8)], [109, 105, 100, 256, 1, 1, 1, 1]);
  assertThrows(
    () => samplesOf(source({ "1.abc": 41, "1.mid": 4 }), "abc->mid"),
    RangeError,
    'Cannot use 1 pairs: each source, such as "1.abc", fills the 12 patches of the model',
  );
});

Deno.test("both directions of a pair fall into the same part of a split, whatever was left out", () => {
  const byteLengths = Array.from({ length: 20 }, (_, i) => [[`${i}.abc`, i === 3 ? 50 : 5], [`${i}.mid`, 6]]);
  const files = source(Object.fromEntries(byteLengths.flat()));
  const options = { ...sizes, bothWays: true, loss: "pair", evalShare: 0.3, seed: 4 } as const;
  const { pairs } = findPairs(files.files, parseConversion("abc<->mid"));
  const { training, evaluation, tooLong } = splitPairSamples(files, pairs, options);
  const stems = (samples: SampleSource) => names(samples).map((name) => name.split(".")[0]!);
  const heldOut = new Set(stems(evaluation!));
  assertEquals([heldOut.size, evaluation!.count, training.count, tooLong], [6, 12, 27, ["3.abc"]]);
  assert(!stems(training).some((stem) => heldOut.has(stem)));
});

Deno.test("a file that has changed since it was found is refused", async () => {
  const files = source({ "1.abc": 5, "1.mid": 9 });
  const changed: FileSource = { ...files, read: () => Promise.resolve(new Uint8Array(3)) };
  const reading = read(samplesOf(changed, "abc->mid").samples, 0);
  await assertRejects(
    () => reading,
    Error,
    'Cannot use "1.abc": it had 5 bytes when it was found and has 3 now',
  );
});
