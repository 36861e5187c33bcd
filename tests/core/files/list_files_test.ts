import { assertEquals, assertRejects } from "@std/assert";
import { dirname } from "node:path";
import { listFiles } from "@bgpt/core/files";

/** A test with a folder of files, each of which contains its own path. */
function filesTest(name: string, paths: string[], test: (folder: string) => Promise<void>): void {
  Deno.test(name, async () => {
    const folder = await Deno.makeTempDir();
    try {
      for (const path of paths) {
        await Deno.mkdir(dirname(`${folder}/${path}`), { recursive: true });
        await Deno.writeTextFile(`${folder}/${path}`, path);
      }
      await test(folder);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

/** The files found, relative to the folder. */
async function found(folder: string, ...paths: string[]): Promise<string[]> {
  const files = await listFiles(paths.map((path) => `${folder}${path}`));
  return files.map(({ path }) => path.slice(folder.length + 1));
}

filesTest(
  "all files below a folder are found in the order of their paths",
  ["b", "a/z", "a/é", "a.b", "A"],
  async (folder) => {
    assertEquals(await found(folder, ""), ["A", "a.b", "a/z", "a/é", "b"]);
    assertEquals((await listFiles([folder])).map(({ byteLength }) => byteLength), [1, 3, 3, 4, 1]);
  },
);

filesTest(
  "files and folders may be mixed, and each file is found once",
  ["a/x", "a/y", "b"],
  async (folder) => {
    assertEquals(await found(folder, "/b", "/a", "/a/y"), ["a/x", "a/y", "b"]);
  },
);

filesTest(
  "hidden files are skipped unless they are named",
  [".git/config", "a/.b", "a/c"],
  async (folder) => {
    assertEquals(await found(folder, ""), ["a/c"]);
    assertEquals(await found(folder, "/.git", "/a/.b"), [".git/config", "a/.b"]);
  },
);

filesTest("links are not followed unless they are named", ["data/a", "outside/b"], async (folder) => {
  await Deno.symlink(`${folder}/outside`, `${folder}/data/out`);
  await Deno.symlink(`${folder}/outside/b`, `${folder}/data/b`);
  await Deno.symlink(`${folder}/data`, `${folder}/data/loop`);
  await Deno.symlink(`${folder}/nowhere`, `${folder}/data/dangling`);
  assertEquals(await found(folder, "/data"), ["data/a"]);
  assertEquals(await found(folder, "/data/out", "/data/b"), ["data/b", "data/out/b"]);
});

filesTest("an empty folder has no files", [], async (folder) => {
  assertEquals(await listFiles([folder]), []);
});

filesTest("what is missing or cannot be read is named", ["a"], async (folder) => {
  const missing = `${folder}/missing`;
  await assertRejects(
    () => listFiles([folder, missing]),
    Error,
    `Cannot read "${missing}": there is no such file or folder. Check the path`,
  );
  await Deno.symlink(`${folder}/loop`, `${folder}/loop`);
  for (const path of [`${folder}/a/b`, `${folder}/loop`, `${folder}/${"n".repeat(300)}`]) {
    await assertRejects(() => listFiles([path]), Error, `Cannot read "${path}": `);
  }
  await assertRejects(
    () => listFiles(["/dev/null"]),
    Error,
    'Cannot read "/dev/null": it is neither a file nor a folder',
  );
});
