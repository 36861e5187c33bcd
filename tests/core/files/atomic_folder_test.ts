import { assert, assertEquals, assertRejects } from "@std/assert";
import { newestCompleteFolder, writeFolderAtomically } from "@bgpt/core/files";
import { checkpointFiles } from "./checkpoint_files.ts";

/** A test with a folder of its own, which is empty and removed afterwards. */
function folderTest(name: string, test: (folder: string) => Promise<void>): void {
  Deno.test(name, async () => {
    const folder = await Deno.makeTempDir();
    try {
      await test(folder);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

function namesIn(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
}

/** The one word that all files of the newest complete folder are made of. */
async function newestContent(path: string): Promise<string> {
  const folder = await newestCompleteFolder(path);
  assert(folder !== undefined, "no complete folder");
  const content = await Deno.readTextFile(`${folder}/trainer.json`);
  assertEquals(await Deno.readTextFile(`${folder}/model`), content.repeat(1000));
  assertEquals(namesIn(folder), ["model", "trainer.json"]);
  return content;
}

folderTest("texts, bytes and pieces are written, and parents are made", async (folder) => {
  const pieces = function* (): Generator<Uint8Array> {
    yield Uint8Array.of(1, 2);
    yield new Uint8Array(0);
    yield Uint8Array.of(3);
  };
  await writeFolderAtomically(`${folder}/a/b/`, { text: "é", bytes: Uint8Array.of(9), pieces: pieces() });
  assertEquals(await Deno.readTextFile(`${folder}/a/b/text`), "é");
  assertEquals([...await Deno.readFile(`${folder}/a/b/bytes`)], [9]);
  assertEquals([...await Deno.readFile(`${folder}/a/b/pieces`)], [1, 2, 3]);
  assertEquals(namesIn(`${folder}/a`), ["b"]);
  assertEquals(await newestCompleteFolder(`${folder}/a/b/`), await newestCompleteFolder(`${folder}/a/b`));
});

folderTest("a previous folder is replaced, with nothing left beside it", async (folder) => {
  for (const content of ["first", "second", "third"]) {
    await writeFolderAtomically(`${folder}/run`, checkpointFiles(content));
    assertEquals(await newestContent(`${folder}/run`), content);
    assertEquals(namesIn(folder), ["run"]);
  }
});

folderTest("where nothing complete was written, nothing is found", async (folder) => {
  assertEquals(await newestCompleteFolder(`${folder}/run`), undefined);
  await Deno.mkdir(`${folder}/.run.bgpt-tmp-1`);
  assertEquals(await newestCompleteFolder(`${folder}/run`), undefined);
});

/** Kills a writer of "new" at each of its operations in turn, having prepared the folder every time. */
async function killAtEveryOperation(
  folder: string,
  prepare: (path: string) => Promise<void>,
  check: (path: string) => Promise<void>,
): Promise<number> {
  for (let operation = 0;; operation++) {
    const path = `${folder}/${operation}/run`;
    await prepare(path);
    const args = [
      "run",
      "-A",
      "--no-check",
      import.meta.resolve("./killed_writer.ts"),
      path,
      "new",
      `${operation}`,
    ];
    const { signal, success, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
    if (success) return operation;
    assertEquals(signal, "SIGKILL", new TextDecoder().decode(stderr));
    await check(path);
    await writeFolderAtomically(path, checkpointFiles("next"));
    assertEquals(await newestContent(path), "next");
    assertEquals(namesIn(`${folder}/${operation}`), ["run"]);
  }
}

folderTest("a kill at any operation leaves the old or the new folder complete", async (folder) => {
  const contents: string[] = [];
  const operations = await killAtEveryOperation(
    folder,
    (path) => writeFolderAtomically(path, checkpointFiles("old")),
    async (path) => void contents.push(await newestContent(path)),
  );
  assertEquals(contents.length, operations);
  assert(operations >= 15, `${operations}`); // folders made, files opened, written, synced, renames, a removal
  assert(contents.includes("old") && contents.includes("new"));
  assertEquals(contents, contents.toSorted().reverse(), "once the new content counts, it stays");
});

folderTest("a kill while an interrupted replacement is finished loses nothing either", async (folder) => {
  const contents = new Set<string>();
  await killAtEveryOperation(
    folder,
    async (path) => {
      await writeFolderAtomically(`${path}/../.run.bgpt-new`, checkpointFiles("interrupted"));
      await writeFolderAtomically(`${path}/../.run.bgpt-tmp-1-old`, checkpointFiles("rest"));
      await Deno.mkdir(path);
      await Deno.writeTextFile(`${path}/model`, "oldest");
    },
    async (path) => void contents.add(await newestContent(path)),
  );
  assertEquals([...contents].sort(), ["interrupted", "new"]);
});

folderTest("a failure while writing keeps the old folder and cleans up", async (folder) => {
  await writeFolderAtomically(`${folder}/run`, checkpointFiles("old"));
  const failing = function* (): Generator<Uint8Array> {
    yield Uint8Array.of(1);
    throw new Error("No data left");
  };
  const writing = (): Promise<void> => writeFolderAtomically(`${folder}/run`, { model: failing() });
  await assertRejects(writing, Error, `Cannot write folder "${folder}/run": `);
  assertEquals(await newestContent(`${folder}/run`), "old");
  assertEquals(namesIn(folder), ["run"]);
});

folderTest("folders and files of similar names are nobody's but the user's", async (folder) => {
  for (const name of ["run.new", "run.tmp-1", "run.tmp-1-old"]) await Deno.mkdir(`${folder}/${name}`);
  await Deno.writeTextFile(`${folder}/other.new`, "text");
  for (const name of ["run", "other"]) {
    assertEquals(await newestCompleteFolder(`${folder}/${name}`), undefined);
    for (const content of ["old", "new"]) {
      await writeFolderAtomically(`${folder}/${name}`, checkpointFiles(content));
      assertEquals(await newestContent(`${folder}/${name}`), content);
    }
  }
  assertEquals(namesIn(folder), ["other", "other.new", "run", "run.new", "run.tmp-1", "run.tmp-1-old"]);
});

folderTest("a folder with other files in it is not replaced", async (folder) => {
  await Deno.mkdir(`${folder}/home`);
  await Deno.writeTextFile(`${folder}/home/letter.txt`, "text");
  await assertRejects(
    () => writeFolderAtomically(`${folder}/home`, checkpointFiles("new")),
    Error,
    `Cannot write folder "${folder}/home": it also holds "letter.txt", which would be lost. Choose another folder`,
  );
  assertEquals(await Deno.readTextFile(`${folder}/home/letter.txt`), "text");
  assertEquals(namesIn(folder), ["home"]);
});

folderTest("a file is not replaced by a folder", async (folder) => {
  await Deno.writeTextFile(`${folder}/run`, "text");
  const writing = (path: string) => (): Promise<void> => writeFolderAtomically(path, checkpointFiles("new"));
  await assertRejects(writing(`${folder}/run`), Error, `"${folder}/run" is a file, where a folder must be`);
  await assertRejects(writing(`${folder}/run/deeper`), Error, `Cannot write folder "${folder}/run/deeper": `);
  assertEquals(await Deno.readTextFile(`${folder}/run`), "text");
});

folderTest("names that are no plain file names are refused", async (folder) => {
  for (const name of ["", ".", "..", "../x", "a/b", "a\\b", "a\0"]) {
    await assertRejects(
      () => writeFolderAtomically(`${folder}/run`, { [name]: "" }),
      RangeError,
      `Cannot write file ${JSON.stringify(name)}: it must be a plain name`,
    );
  }
  assertEquals(namesIn(folder), []);
});
