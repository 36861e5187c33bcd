import { assert, assertEquals } from "@std/assert";
import fc from "../../fast_check.ts";
import { shareBounds, sharedCapacity } from "@bgpt/core";
import { shuffledShares } from "../../../core/strip_reader.ts";
import { memorySamples } from "../memory_source.ts";

/** The least that the largest run can be, found by trying all cuts. */
function leastLargest(counts: readonly number[], size: number): number {
  const sum = (from: number) => counts.slice(from).reduce((total, count) => total + count, 0);
  if (size === 1) return sum(0);
  const cuts = Array.from({ length: counts.length + 1 }, (_, i) => {
    const rest = leastLargest(counts.slice(i), size - 1);
    return Math.max(sum(0) - sum(i), rest);
  });
  return Math.min(...cuts);
}

Deno.test("samples are cut into a run for each rank, the largest as small as can be", () => {
  const counts = fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 7 });
  fc.assert(fc.property(counts, fc.integer({ min: 1, max: 4 }), (counts, size) => {
    const bounds = shareBounds(counts, size);
    assertEquals(bounds.length, size + 1);
    assertEquals([bounds[0], bounds.at(-1)], [0, counts.length]);
    const runs = Array.from({ length: size }, (_, rank) => counts.slice(bounds[rank], bounds[rank + 1]));
    assertEquals(runs.flat(), counts);
    const largest = Math.max(...runs.map((run) => run.reduce((sum, count) => sum + count, 0)));
    assertEquals(largest, leastLargest(counts, size));
  }));
});

Deno.test("the ranks together read the strips of a single rank, in its order, whatever their number", async () => {
  const source = memorySamples([40, 3, 17, 30, 25, 8, 0, 31, 12, 22, 5, 28], 1);
  const sizes = { patchSize: 4, patchLength: 8 };
  const options = { ...sizes, patchCapacity: 24, cut: "random", seed: 3 } as const;
  const read = async (rank: number, size: number) => {
    const patchCapacity = sharedCapacity(source, sizes, options.patchCapacity, size);
    const shares = [];
    for await (const share of shuffledShares(source, options, { rank, size, patchCapacity })) {
      for (const strip of share.strips) assertEquals(strip.fileStart.length, patchCapacity);
      shares.push(share);
      if (shares.length === 12) return shares;
    }
    return [];
  };
  const one = await read(0, 1);
  for (const size of [2, 3, 4, 9]) {
    const ranks = await Promise.all(Array.from({ length: size }, (_, rank) => read(rank, size)));
    for (const [i, { names, next, strips }] of one.entries()) {
      const shares = ranks.map((rank) => rank[i]!);
      assertEquals(shares.flatMap((share) => share.names), names);
      assertEquals(
        new Set(shares.map((share) => JSON.stringify(share.next))),
        new Set([JSON.stringify(next)]),
      );
      const patches = shares.flatMap((share) => share.strips).flatMap((strip) => [
        ...strip.patches.subarray(0, strip.patchCount * sizes.patchSize),
      ]);
      assertEquals(patches, [...strips[0]!.patches.subarray(0, patches.length)]);
      assert(patches.length === strips[0]!.patchCount * sizes.patchSize);
    }
  }
});

Deno.test("a rank's strip has its part of the patches where all samples are as long, and some more elsewhere", () => {
  const sizes = { patchSize: 4, patchLength: 8 };
  const alike = memorySamples([40, 40, 40], 1);
  assertEquals(sharedCapacity(alike, sizes, 32, 4), 8);
  assertEquals(sharedCapacity(alike, sizes, 32, 1), 32);
  assertEquals(sharedCapacity(alike, sizes, 32, 3), 11);
  assertEquals(sharedCapacity(alike, sizes, 32, 64), 8); // No less than a sample takes.
  assertEquals(sharedCapacity(memorySamples([40, 3], 1), sizes, 32, 2), 16 + 2);
  const evaluation = [{ name: "held out", source: memorySamples([3, 40], 1) }];
  const short = memorySamples([0, 0], 1);
  assertEquals(sharedCapacity(short, sizes, 8, 4), 2);
  // Nor than what is evaluated does, even where the batch has less.
  for (const ranks of [1, 2, 4]) assertEquals(sharedCapacity(short, sizes, 4, ranks, evaluation), 8);
  assertEquals(sharedCapacity(alike, sizes, 32, 4, evaluation), 8);
});
