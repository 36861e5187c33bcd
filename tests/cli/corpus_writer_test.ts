import { assertEquals, assertThrows } from "@std/assert";
import { join } from "@std/path";
import { CorpusWriter } from "../../cli/corpus_writer.ts";
import { inTempFolder, namesIn } from "./temp_folder.ts";

function file(stem: string, ...bytes: number[]) {
  return { stem, extension: "bin", bytes: Uint8Array.from(bytes) };
}

Deno.test("files go into the folders of their splits, nothing else is left there, and labels are counted", () =>
  inTempFolder(async (folder) => {
    {
      using corpus = new CorpusWriter(folder, false);
      corpus.add("eval", file("b_1", 1, 2));
      corpus.add("train", file("a_1", 3));
      corpus.add("train", file("a_2"));
      corpus.add("train", file("none", 4));
      corpus.close();
      assertEquals(corpus.report(), {
        files: 4,
        bytes: 4,
        splits: { train: 3, eval: 1 },
        labels: { a: { train: 2 }, b: { eval: 1 } },
      });
      assertEquals(Object.keys(corpus.report().splits), ["train", "eval"]);
    }
    assertEquals(namesIn(folder), ["eval", "train"]);
    assertEquals(namesIn(join(folder, "train")), ["a_1.bin", "a_2.bin", "none.bin"]);
    assertEquals([...await Deno.readFile(join(folder, "eval", "b_1.bin"))], [1, 2]);
  }));

Deno.test("a corpus that is not split stands straight in its folder", () =>
  inTempFolder(async (folder) => {
    using corpus = new CorpusWriter(folder, false);
    corpus.add("all", file("a", 1));
    await Promise.resolve(corpus.close());
    assertEquals(namesIn(folder), ["a.bin"]);
  }));

Deno.test("a tar has its name only when it is whole, and one that is given up is removed", () =>
  inTempFolder(async (folder) => {
    {
      using corpus = new CorpusWriter(folder, true);
      corpus.add("train", file("a", 1));
      corpus.add("eval", file("b", 2));
      assertEquals(namesIn(folder).filter((name) => !name.startsWith(".")), []);
    }
    assertEquals(namesIn(folder), []);
    using corpus = new CorpusWriter(folder, true);
    corpus.add("train", file("a", 1));
    await Promise.resolve(corpus.close());
    assertEquals(namesIn(folder), ["train.tar"]);
    const { stdout } = await new Deno.Command("tar", { args: ["xOf", join(folder, "train.tar"), "a.bin"] })
      .output();
    assertEquals([...stdout], [1]);
  }));

Deno.test("a name that another file has, or that can be no file's, is refused", () =>
  inTempFolder(async (folder) => {
    using corpus = new CorpusWriter(folder, false);
    await Promise.resolve(corpus.add("train", file("a_1")));
    const refused: readonly [readonly string[], string][] = [
      [["a_1"], 'it makes "a_1.bin", which another input made already'],
      [["b", "b"], 'it makes "b.bin", which'],
      [[""], 'it makes ".bin", a plain name'],
      [["../a"], 'it makes "../a.bin", a plain name'],
      [["ü".repeat(126)], "a plain name of at most 255 bytes"],
    ];
    for (const [stems, message] of refused) {
      assertThrows(() => corpus.check(stems.map((stem) => file(stem))), RangeError, message);
    }
    corpus.check([file("ü".repeat(125)), file("a_2")]);
  }));
