import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { makeEmptyFolder } from "../../cli/empty_folder.ts";
import { writeWholeFile } from "../../cli/whole_file.ts";
import { inTempFolder, namesIn } from "./temp_folder.ts";

async function* pieces(...texts: string[]) {
  for (const text of texts) yield await Promise.resolve(new TextEncoder().encode(text));
}

Deno.test("a file is written whole, and neither it nor a neighbour is touched by a failure", () =>
  inTempFolder(async (folder) => {
    const path = join(folder, "book");
    await Deno.writeTextFile(`${path}.part`, "another's");
    assertEquals(await writeWholeFile(path, pieces("ab", "c")), 3);
    const failing = (async function* () {
      yield* pieces("half");
      throw new Error("no more");
    })();
    await assertRejects(() => writeWholeFile(path, failing), Error, "no more");
    assertEquals(await Deno.readTextFile(path), "abc");
    assertEquals(await Deno.readTextFile(`${path}.part`), "another's");
    assertEquals(namesIn(folder).toSorted(), ["book", "book.part"]);
  }));

Deno.test({
  name: "a pipe is written as it is, and stays one",
  ignore: Deno.build.os === "windows",
  fn: () =>
    inTempFolder(async (folder) => {
      const path = join(folder, "pipe");
      assertEquals((await new Deno.Command("mkfifo", { args: [path] }).output()).code, 0);
      const [read, written] = await Promise.all([
        Deno.readTextFile(path),
        writeWholeFile(path, pieces("ab", "c")),
      ]);
      assertEquals([read, written, Deno.statSync(path).isFifo], ["abc", 3, true]);
    }),
});

Deno.test("a corpus where a file stands is refused in a sentence", () =>
  inTempFolder(async (folder) => {
    const path = join(folder, "file");
    await Deno.writeTextFile(path, "");
    await assertRejects(
      () => Promise.resolve().then(() => makeEmptyFolder(path)),
      Error,
      `Cannot make folder "${path}": a file stands there. Name another`,
    );
  }));
