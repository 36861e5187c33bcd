import { assertEquals } from "@std/assert";
import { conversionPrefix, givenPatchCount, leavesRoom, pairPatchCount, pairPatches } from "@bgpt/tasks";

const end = 256;
const sizes = { patchSize: 4, patchLength: 16 };
const abc = { extension: "abc", bytes: Uint8Array.of(1, 2, 3, 4, 5) };
const mid = { extension: "mid", bytes: Uint8Array.of(11, 12, 13, 14) };
const [a, b, c, m, i, d] = [97, 98, 99, 109, 105, 100];

// deno-fmt-ignore
const published = [
  a, b, c, end, 1, 2, 3, 4, 5, end, end, end,
  m, i, d, end, 11, 12, 13, 14, end, end, end, end,
];

Deno.test("a pair is a without its end, b's extension patch for the turn, b and its end", () => {
  assertEquals([...pairPatches(abc, mid, sizes)], published);
  assertEquals(pairPatchCount(5, 4, 4), 6);
  const empty = { extension: "x", bytes: new Uint8Array() };
  assertEquals([...pairPatches(empty, empty, sizes)], [120, end, end, end, 120, ...Array(7).fill(end)]);
  assertEquals(pairPatchCount(0, 0, 4), 3);
});

Deno.test("a pair that is longer than the patch length loses its tail, the end patch first", () => {
  assertEquals([...pairPatches(abc, mid, { patchSize: 4, patchLength: 5 })], published.slice(0, 20));
  assertEquals([...pairPatches(abc, mid, { patchSize: 4, patchLength: 2 })], published.slice(0, 8));
});

Deno.test("a conversion starts from the source without its end and the target's extension patch", () => {
  assertEquals([...conversionPrefix(abc, "mid", 4)], published.slice(0, 16));
  assertEquals(givenPatchCount(5, 4), 4);
});

Deno.test("a source leaves room while one patch fits behind the target's extension patch", () => {
  assertEquals([5, 8, 9].map((bytes) => leavesRoom(bytes, { patchSize: 4, patchLength: 5 })), [
    true,
    true,
    false,
  ]);
});
