import { assert, assertEquals, assertMatch } from "@std/assert";
import { RandomStream } from "@bgpt/core";
import { join } from "@std/path";
import { bgpt, messagesIn } from "../bgpt.ts";
import { writeCheckpoint } from "../checkpoints.ts";
import { assertRefused, type Refusal } from "../refused.ts";
import { inTempFolder, namesIn } from "../temp_folder.ts";

const text = new TextEncoder().encode(
  "All that is gold does not glitter, not all those who wander are lost. ".repeat(5),
);

/** Runs a command on the test's checkpoint. */
function run(folder: string, command: string, from: string, to: string, ...args: string[]) {
  const checkpoint = join(folder, "checkpoint");
  return bgpt([command, join(folder, from), "--out", join(folder, to), "--checkpoint", checkpoint, ...args]);
}

Deno.test("a file is compressed and comes back, its size beside other programs'", () =>
  inTempFolder(async (folder) => {
    await writeCheckpoint(join(folder, "checkpoint"));
    await Deno.writeFile(join(folder, "a.txt"), text);
    const shown = await run(folder, "compress", "a.txt", "a.bgpt", "--threads", "1");
    assertEquals(shown.code, 0, shown.stderr);
    assertMatch(shown.stdout, /^350 bytes in .*\n {2}bgpt .* bytes .* bits a byte .* ratio .*\n {2}gzip /);

    const told = await run(
      folder,
      "compress",
      "a.txt",
      "again.bgpt",
      "--threads",
      "2",
      "--batch",
      "3",
      "--json",
    );
    const { bytes, compressedBytes, othersBytes } = JSON.parse(told.stdout);
    const packed = await Deno.readFile(join(folder, "a.bgpt"));
    assertEquals([bytes, compressedBytes], [350, packed.length]);
    assert(othersBytes.gzip < 120, "gzip finds the repetitions");
    assertEquals((await Deno.readFile(join(folder, "again.bgpt"))).join(), packed.join());

    const back = await run(folder, "decompress", "a.bgpt", "b.txt", "--json");
    assertEquals(back.code, 0, back.stderr);
    assertEquals((await Deno.readFile(join(folder, "b.txt"))).join(), text.join());
    assertEquals(JSON.parse(back.stdout).damagedBlocks, []);
    assertEquals(namesIn(folder), ["a.bgpt", "a.txt", "again.bgpt", "b.txt", "checkpoint"]);
  }));

Deno.test("a container of another device tells decompress where it was made", () =>
  inTempFolder(async (folder) => {
    await writeCheckpoint(join(folder, "checkpoint"));
    await Deno.writeFile(join(folder, "a.txt"), text.subarray(0, 20));
    await run(folder, "compress", "a.txt", "a.bgpt", "--device", "reference");
    const back = await run(folder, "decompress", "a.bgpt", "b.txt");
    assertEquals(back.code, 0, back.stderr);
    assertEquals((await Deno.readFile(join(folder, "b.txt"))).join(), text.subarray(0, 20).join());
    // It is not the default that was taken: that has no threads to be refused.
    const threads = await run(folder, "decompress", "a.bgpt", "c.txt", "--threads", "2");
    assertMatch(threads.stderr, /on --device reference/);
  }));

Deno.test("damaged blocks are named and refused, and with --keep-damaged the others are had", () =>
  inTempFolder(async (folder) => {
    await writeCheckpoint(join(folder, "checkpoint"));
    const random = new RandomStream(1);
    const bytes = Uint8Array.from({ length: 3 * 112 }, () => random.below(256));
    await Deno.writeFile(join(folder, "a.bin"), bytes);
    await run(folder, "compress", "a.bin", "a.bgpt");
    const packed = await Deno.readFile(join(folder, "a.bgpt"));
    packed[packed.length - 112 - 50]! ^= 1;
    await Deno.writeFile(join(folder, "a.bgpt"), packed);

    const refused = await run(folder, "decompress", "a.bgpt", "b.bin");
    assertEquals([refused.code, refused.stdout], [1, ""]);
    assertMatch(
      messagesIn(refused.stderr),
      /^error: Cannot decompress: the container is damaged in block 1 of 3\. .*--keep-damaged.*\n$/,
    );
    assertEquals(namesIn(folder), ["a.bgpt", "a.bin", "checkpoint"]);

    const kept = await run(folder, "decompress", "a.bgpt", "b.bin", "--keep-damaged");
    assertEquals(kept.code, 0, kept.stderr);
    assertMatch(kept.stderr, /Zeros stand in place of block 1 of 3/);
    const expected = bytes.slice().fill(0, 112, 224);
    assertEquals((await Deno.readFile(join(folder, "b.bin"))).join(), expected.join());

    await Deno.writeFile(join(folder, "a.bgpt"), packed.subarray(0, packed.length - 60));
    const cut = await run(folder, "decompress", "a.bgpt", "b.bin", "--keep-damaged", "--json");
    assertEquals(cut.code, 0, cut.stderr);
    assertEquals(JSON.parse(cut.stdout).damagedBlocks, [1, 2]);
    const shorter = bytes.slice().fill(0, 112);
    assertEquals((await Deno.readFile(join(folder, "b.bin"))).join(), shorter.join());
  }));

Deno.test("of a container that was cut off, --keep-damaged gives what is there and tells what is missing", () =>
  inTempFolder(async (folder) => {
    await writeCheckpoint(join(folder, "checkpoint"));
    const random = new RandomStream(2);
    const bytes = Uint8Array.from({ length: 34 * 112 }, () => random.below(256));
    await Deno.writeFile(join(folder, "a.bin"), bytes);
    await run(folder, "compress", "a.bin", "a.bgpt");
    const packed = await Deno.readFile(join(folder, "a.bgpt"));
    // The first frame has 32 blocks, which do not get shorter.
    await Deno.writeFile(join(folder, "a.bgpt"), packed.subarray(0, packed.length - 2 * 112 - 10));

    const cut = await run(folder, "decompress", "a.bgpt", "b.bin", "--keep-damaged", "--json");
    assertEquals(cut.code, 0, cut.stderr);
    const { bytes: byteLength, damagedBlocks, missingBytes } = JSON.parse(cut.stdout);
    assertEquals([byteLength, damagedBlocks, missingBytes], [32 * 112, [], 2 * 112]);
    assertMatch(
      cut.stderr,
      /Decompressed up to damage: the container ends before block 32 of 34\. Copy it again/,
    );
    assertMatch(cut.stderr, /The last 224 bytes of the file are missing/);
    assertEquals((await Deno.readFile(join(folder, "b.bin"))).join(), bytes.subarray(0, 32 * 112).join());
  }));

Deno.test("what cannot be compressed or decompressed is refused in a line, and leaves nothing", () =>
  inTempFolder(async (folder) => {
    await writeCheckpoint(join(folder, "checkpoint"));
    const other = { patchSize: 16, patchLength: 9, hidden: 64, patchLayers: 1, byteLayers: 1 };
    await writeCheckpoint(join(folder, "other"), other);
    await Deno.writeFile(join(folder, "a.txt"), text);
    await run(folder, "compress", "a.txt", "a.bgpt");
    const before = namesIn(folder);
    const at = (...parts: string[]) => join(folder, ...parts);
    const own = ["--checkpoint", at("checkpoint")];
    const refusals: Refusal[] = [
      {
        args: ["compress", at("missing.txt"), "--out", at("x"), ...own],
        code: 1,
        message: `Cannot read "${at("missing.txt")}": there is no such file`,
      },
      {
        args: ["compress", at("other"), "--out", at("x"), ...own],
        code: 1,
        message: `Cannot read "${at("other")}": it is no file`,
      },
      {
        args: ["compress", at("a.txt"), "--out", at("nowhere", "x"), ...own],
        code: 1,
        message: `there is no folder "${at("nowhere")}". Make it first`,
      },
      {
        args: ["compress", at("a.txt"), "--out", at("other"), ...own],
        code: 1,
        message: `Cannot write "${at("other")}": it is a folder. Name a file in it`,
      },
      {
        args: ["compress", at("a.txt"), "--out", at("checkpoint", "..", "a.txt"), ...own],
        code: 1,
        message: "it is the file to read. Name another",
      },
      {
        args: ["decompress", at("a.txt"), "--out", at("x"), ...own],
        code: 1,
        message: "this is no container of bgpt compress",
      },
      {
        args: ["decompress", at("a.bgpt"), "--out", at("x"), "--checkpoint", at("other")],
        code: 1,
        message: "Cannot decompress with this checkpoint: its SHA-256 is",
      },
    ];
    for (const refusal of refusals) {
      await assertRefused(refusal);
      assertEquals(namesIn(folder), before);
    }
  }));
