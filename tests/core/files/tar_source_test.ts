import { RandomStream } from "@bgpt/core";
import { folderSource, tarSource, TarWriter } from "@bgpt/core/files";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { inTempFolder } from "../../cli/temp_folder.ts";

const longName = `${"deep/".repeat(30)}ö${"x".repeat(120)}.bin`;
const contents: Readonly<Record<string, Uint8Array>> = {
  "a.txt": new TextEncoder().encode("Hello"),
  "empty.txt": new Uint8Array(),
  "folder/1_0001.bin": Uint8Array.from({ length: 512 }, (_, i) => i),
  "large.bin": Uint8Array.from({ length: 300_001 }, (_, i) => i * 7),
  [`${"p".repeat(90)}/${"n".repeat(90)}`]: Uint8Array.of(1, 2, 3),
  [longName]: Uint8Array.of(4),
};

/** The contents as files in a folder, and beside them what is to be skipped. */
async function writeContents(folder: string, formatHasLongNames: boolean): Promise<string[]> {
  const names = Object.keys(contents).filter((name) => formatHasLongNames || name !== longName);
  for (const name of names) {
    await Deno.mkdir(`${folder}/${name}`.replace(/\/[^/]*$/, ""), { recursive: true });
    await Deno.writeFile(`${folder}/${name}`, contents[name]!);
  }
  await Deno.symlink("a.txt", `${folder}/symbolic.txt`);
  await Deno.link(`${folder}/large.bin`, `${folder}/zz-hard.bin`);
  await Deno.writeTextFile(`${folder}/.hidden`, "");
  return names;
}

/** Debian's and everyone's `tar`. */
async function tar(...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command("tar", { args }).output();
  assert(success, new TextDecoder().decode(stderr));
}

for (const format of ["v7", "ustar", "gnu", "oldgnu", "pax"]) {
  const ignore = Deno.build.os !== "linux";
  Deno.test({
    name: `the files of a tar are read as they are, links and hidden ones skipped: --format=${format}`,
    ignore,
    fn: () =>
      inTempFolder(async (folder) => {
        const names = (await writeContents(`${folder}/files`, !["v7", "ustar"].includes(format)))
          .filter((name) => format !== "v7" || name.length < 100);
        const path = `${folder}/corpus.tar`;
        const skipped = format === "v7" ? ["--exclude=ppp*"] : [];
        await tar("cf", path, `--format=${format}`, ...skipped, "--sort=name", "-C", `${folder}/files`, ".");
        const source = tarSource(path);
        assertEquals(source.files.map((file) => file.path).sort(), names.map((n) => `${path}/${n}`).sort());
        const read = await Promise.all(source.files.map((_, index) => source.read(index)));
        for (const [index, file] of source.files.entries()) {
          const expected = contents[file.path.slice(path.length + 1)]!;
          assertEquals([file.byteLength, read[index]], [expected.length, expected], file.path);
        }
      }),
  });
}

Deno.test("tar unpacks what the writer wrote, and the source reads it", () =>
  inTempFolder(async (folder) => {
    const path = `${folder}/written.tar`;
    writeTar(path);
    const source = tarSource(path);
    assertEquals(source.files.map((file) => file.path.slice(path.length + 1)), Object.keys(contents));
    for (const [index, bytes] of Object.values(contents).entries()) {
      assertEquals(await source.read(index), bytes);
    }
    if (Deno.build.os !== "linux") return;
    await tar("xf", path, "-C", folder);
    for (const [name, bytes] of Object.entries(contents)) {
      assertEquals(await Deno.readFile(`${folder}/${name}`), bytes);
    }
  }));

Deno.test("a name beyond ASCII stands in a pax header, where its encoding is known", () =>
  inTempFolder(async (folder) => {
    const path = `${folder}/a.tar`;
    const tar = new TarWriter(path);
    tar.add("é", new Uint8Array());
    tar.close();
    assert((await Deno.readTextFile(path)).includes("11 path=é\n"));
    assertEquals(tarSource(path).files, [{ path: `${path}/é`, byteLength: 0 }]);
  }));

Deno.test("the writer replaces no file, and a tar that was not closed is refused", () =>
  inTempFolder((folder) => {
    const path = `${folder}/open.tar`;
    {
      using tar = new TarWriter(path);
      tar.add("a", Uint8Array.of(1));
      assertThrows(() => tar.add("a\0b", new Uint8Array()), RangeError, "zero characters");
    }
    assertThrows(() => new TarWriter(path), Error, "it exists already");
    assertThrows(() => tarSource(path), Error, "it ends at byte 1024 without");
    return Promise.resolve();
  }));

Deno.test("sizes above 8 GiB are read in binary and from pax records", {
  ignore: Deno.build.os !== "linux",
}, () =>
  inTempFolder(async (folder) => {
    const byteLength = 2 ** 33 + 5;
    for (const format of ["gnu", "pax"]) {
      const path = `${folder}/${format}.tar`;
      // A hole in the file takes no room; tar's header of it is all that is needed.
      await Deno.writeFile(`${folder}/huge`, new Uint8Array());
      await Deno.truncate(`${folder}/huge`, byteLength);
      const head = new Deno.Command("sh", {
        args: ["-c", `tar c --format=${format} -C ${folder} huge | head -c 2048 > ${path}`],
      });
      await head.output();
      assertThrows(() => tarSource(path), Error, `member "huge" says that it has ${byteLength} bytes from`);
    }
  }));

Deno.test("of members of one name the last counts", () =>
  inTempFolder(async (folder) => {
    const path = `${folder}/a.tar`;
    const tar = new TarWriter(path);
    for (const byte of [1, 2]) tar.add("same", Uint8Array.of(byte));
    tar.close();
    const source = tarSource(path);
    assertEquals(source.files.length, 1);
    assertEquals(await source.read(0), Uint8Array.of(2));
  }));

Deno.test("folders, files and tars mix, sorted by path; a member's name reaches no file", () =>
  inTempFolder(async (folder) => {
    await Deno.mkdir(`${folder}/b`);
    await Deno.writeFile(`${folder}/b/inner.bin`, Uint8Array.of(1));
    await Deno.writeFile(`${folder}/secret`, Uint8Array.of(99));
    const tar = new TarWriter(`${folder}/a.tar`);
    tar.add("../secret", Uint8Array.of(2));
    tar.add("/etc/passwd", Uint8Array.of(3));
    tar.close();
    const source = await folderSource([`${folder}/b`, `${folder}/a.tar`]);
    assertEquals(
      source.files.map(({ path }) => path.slice(folder.length)),
      ["/a.tar/../secret", "/a.tar/etc/passwd", "/b/inner.bin"],
    );
    const read = await Promise.all(source.files.map((_, index) => source.read(index)));
    assertEquals(read.map(([byte]) => byte), [2, 3, 1]);
  }));

Deno.test("a tar that is compressed, sparse, changed or none at all is refused by name", () =>
  inTempFolder(async (folder) => {
    const path = `${folder}/a.tar`;
    writeTar(path);
    const bytes = await Deno.readFile(path);
    const gzip = new Response(new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip")));
    await Deno.writeFile(`${path}.gz`, await gzip.bytes());
    await assertRejects(
      () => folderSource([`${path}.gz`]),
      Error,
      `"${path}.gz": it is compressed by gzip. Unpack it: gzip -dc < "${path}.gz" > plain.tar`,
    );
    await Deno.writeTextFile(`${folder}/text.tar`, "no tar".repeat(200));
    assertThrows(() => tarSource(`${folder}/text.tar`), Error, "it does not begin with the header of a tar");
    assertThrows(() => tarSource(`${folder}/missing.tar`), Error, `Cannot read tar "${folder}/missing.tar"`);
    await assertRejects(() => folderSource([`${folder}/missing.tar`]), Error, "there is no such file");

    await Deno.writeFile(`${folder}/flipped.tar`, bytes.with(2, bytes[2]! ^ 1));
    assertThrows(
      () => tarSource(`${folder}/flipped.tar`),
      Error,
      "it does not begin with the header of a tar",
    );
    await Deno.writeFile(`${folder}/flipped.tar`, bytes.with(1026, bytes[1026]! ^ 1));
    assertThrows(() => tarSource(`${folder}/flipped.tar`), Error, "no member's header stands at byte 1024");

    const source = tarSource(path);
    await Deno.writeFile(path, bytes.subarray(0, 5000));
    await assertRejects(() => source.read(0), Error, "it has changed since it was opened");
    if (Deno.build.os !== "linux") return;
    await Deno.truncate(`${folder}/hole`, 1 << 20).catch(() =>
      Deno.writeFile(`${folder}/hole`, new Uint8Array())
    );
    await Deno.truncate(`${folder}/hole`, 1 << 20);
    for (const format of ["gnu", "pax"]) {
      await tar("cf", `${folder}/sparse.tar`, "--sparse", `--format=${format}`, "-C", folder, "hole");
      assertThrows(
        () => tarSource(`${folder}/sparse.tar`),
        Error,
        `is a sparse file, which is not supported`,
      );
    }
  }));

Deno.test("a damaged tar is read or refused in one line that names it, in no time", () =>
  inTempFolder(async (folder) => {
    const path = `${folder}/a.tar`;
    writeTar(path, Object.keys(contents).filter((name) => name !== "large.bin"));
    const whole = await Deno.readFile(path);
    const random = new RandomStream(1, 2);
    let refused = 0;
    for (let round = 0; round < 2000; round++) {
      const bytes = whole.slice(0, round % 2 === 0 ? whole.length : random.below(whole.length));
      for (let flips = random.below(4); flips > 0 && bytes.length > 0; flips--) {
        // Headers are where damage tells.
        const at = random.below(bytes.length);
        bytes[at] = bytes[at]! ^ (1 << random.below(8));
      }
      if (round % 4 === 0) fixChecksums(bytes);
      Deno.writeFileSync(path, bytes);
      try {
        const source = tarSource(path);
        await Promise.all(source.files.map((_, index) => source.read(index)));
      } catch (error) {
        refused++;
        assert(error instanceof Error && error.message.startsWith(`Cannot read tar "${path}": `), `${error}`);
        assert([Error, SyntaxError].includes(error.cause?.constructor as ErrorConstructor), `${error.cause}`);
      }
    }
    assert(refused > 1000 && refused < 1900, `${refused} were refused`);
  }));

function writeTar(path: string, names = Object.keys(contents)): void {
  const tar = new TarWriter(path);
  for (const name of names) tar.add(name, contents[name]!);
  tar.close();
}

/** So that damage gets past the checksum, to the fields that follow from it. */
function fixChecksums(tar: Uint8Array): void {
  for (let at = 0; at + 512 <= tar.length; at += 512) {
    const header = tar.subarray(at, at + 512);
    if (new TextDecoder().decode(header.subarray(257, 262)) !== "ustar") continue;
    header.fill(0x20, 148, 156);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.set(new TextEncoder().encode(`${sum.toString(8).padStart(6, "0")}\0 `), 148);
  }
}
