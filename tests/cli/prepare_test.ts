import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { splitOf } from "../../cli/prepare.ts";
import { bgpt } from "./bgpt.ts";
import { inTempFolder, namesIn } from "./temp_folder.ts";

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

Deno.test("what an earlier run left hidden is gone from a new corpus, other hidden files stay", () =>
  inTempFolder(async (folder) => {
    const input = join(folder, "in.jsonl");
    await Deno.writeTextFile(input, '{"text":"one"}\n');
    const out = join(folder, "out");
    await Deno.mkdir(out);
    const left = [".failures.txt", ".partial", ".train.tar.partial", ".eval.tar.partial"];
    for (const name of [...left, ".gitkeep"]) await Deno.writeTextFile(join(out, name), "earlier");
    const { code, stderr } = await bgpt([
      "data",
      "text",
      input,
      "--out",
      out,
      "--eval-share",
      "0",
      "--text-column",
      "text",
    ]);
    assertEquals(code, 0, stderr);
    assertEquals(namesIn(out), [".gitkeep", "in-0000001.txt"]);
  }));
