import { assert, assertEquals } from "@std/assert";
import { splitOf } from "../../cli/prepare.ts";

const stems = Array.from({ length: 5000 }, (_, i) => `label_${i}`);

Deno.test("a share of the files is held out, the same for the same seed, others for another", () => {
  const heldOut = (seed: number, share: number) =>
    stems.filter((stem) => splitOf(stem, seed, share) === "eval");
  const tenth = heldOut(7, 0.1);
  assert(tenth.length > 425 && tenth.length < 575, `${tenth.length} of 5000`); // 500 ± 3.5 standard deviations
  assertEquals(heldOut(7, 0.1), tenth);
  const other = heldOut(8, 0.1);
  const common = other.filter((stem) => tenth.includes(stem)).length;
  assert(common < 100, `${common} in common, 50 are expected`);
});

Deno.test("a greater share holds out the same files and more", () => {
  const greater = new Set(stems.filter((stem) => splitOf(stem, 7, 0.3) === "eval"));
  assert(stems.every((stem) => splitOf(stem, 7, 0.1) === "train" || greater.has(stem)));
});
