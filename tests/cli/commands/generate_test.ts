import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { defaultSampling, extensionPatch, generateBytes } from "@bgpt/core";
import { ReferenceEngine } from "@bgpt/kernels";
import { join } from "@std/path";
import { bgpt } from "../bgpt.ts";
import { testSizes, writeCheckpoint } from "../checkpoints.ts";
import { assertRefused, type Refusal } from "../refused.ts";
import { inTempFolder, namesIn } from "../temp_folder.ts";

/** Runs `bgpt generate` on the test's checkpoint. */
async function generate(folder: string, ...args: string[]) {
  const checkpoint = ["--checkpoint", join(folder, "checkpoint"), "--device", "reference"];
  const outcome = await bgpt(["generate", ...checkpoint, ...args]);
  assertEquals(outcome.code, 0, outcome.stderr);
  return outcome;
}

Deno.test("generate writes what the model continues: greedily, by seed, past the end, and several", () =>
  inTempFolder(async (folder) => {
    const { model, parameters } = await writeCheckpoint(join(folder, "checkpoint"));
    const out = join(folder, "new.bin");
    const expected = async (greedy: boolean, seed: number, count: number) => {
      const prefixes = Array(count).fill(extensionPatch("bin", testSizes.patchSize));
      const sampling = { ...defaultSampling, greedy, seed };
      const request = { prefixes, byteLimit: 40, sampling, ignoreEnd: true };
      return (await generateBytes(new ReferenceEngine(), model, parameters, request)).map((bytes) =>
        bytes.join()
      );
    };
    const written = (path: string) => Deno.readFileSync(path).join();
    const common = ["--extension", "bin", "--bytes", "40", "--ignore-eos", "--out", out];

    const greedy = await generate(folder, ...common, "--greedy", "--json");
    assertEquals(written(out), (await expected(true, 0, 1))[0]);
    assertEquals(greedy.stdout, `${JSON.stringify(JSON.parse(greedy.stdout))}\n`);
    const { files, bytes } = JSON.parse(greedy.stdout);
    assertEquals({ files, bytes }, { files: [out], bytes: 40 });

    await generate(folder, ...common, "--seed", "5", "--count", "2");
    const [first, second] = await expected(false, 5, 2);
    assertEquals([join(folder, "new-0.bin"), join(folder, "new-1.bin")].map(written), [first, second]);
    assertNotEquals(first, second);
    assertEquals(namesIn(folder), ["checkpoint", "new-0.bin", "new-1.bin", "new.bin"]);
  }));

Deno.test("generate continues a prefix that ends inside a patch, and writes the whole file", () =>
  inTempFolder(async (folder) => {
    await writeCheckpoint(join(folder, "checkpoint"));
    const [whole, prefix, out] = ["whole.bin", "prefix.bin", "out"].map((name) => join(folder, name));
    const greedy = ["--greedy", "--ignore-eos"];
    await generate(folder, "--extension", "bin", "--bytes", "40", ...greedy, "--out", whole!);
    const bytes = await Deno.readFile(whole!);
    await Deno.writeFile(prefix!, bytes.subarray(0, 21));
    // The extension is that of the prefix, whatever the output is called.
    await generate(folder, "--prefix", prefix!, "--bytes", "19", ...greedy, "--out", out!);
    assertEquals((await Deno.readFile(out!)).join(), bytes.join());
  }));

Deno.test("without --out the bytes go to stdout, and all that is said to stderr", () =>
  inTempFolder(async (folder) => {
    await writeCheckpoint(join(folder, "checkpoint"));
    const prefix = join(folder, "start.txt");
    await Deno.writeTextFile(prefix, "Hello");
    const { stdout, stderr } = await generate(folder, "--prefix", prefix, "--bytes", "3", "--greedy");
    assert(stdout.startsWith("Hello") && stdout.length > 5, stdout);
    assertMatch(stderr, /^\d+ B in \d+\.\d+ s, /);
  }));

Deno.test("generate refuses what cannot be with one line, before it starts", () =>
  inTempFolder(async (folder) => {
    const checkpoint = join(folder, "checkpoint");
    await writeCheckpoint(checkpoint);
    const long = join(folder, "long.bin");
    await Deno.writeFile(long, new Uint8Array(200));
    const missing = join(folder, "missing");
    const args = (
      ...rest: string[]
    ) => ["generate", "--checkpoint", checkpoint, "--device", "reference", ...rest];

    const refusals: Refusal[] = [
      { args: args(), code: 2, message: "Missing --extension, or a --prefix to continue" },
      {
        args: args("--extension", "bin", "--count", "2"),
        code: 2,
        message: "Cannot write 2 files to stdout",
      },
      {
        args: args("--extension", "bin", "--json"),
        code: 2,
        message: "Cannot write bytes and JSON to stdout",
      },
      {
        args: args("--prefix", missing),
        code: 1,
        message: `Cannot read "${missing}": there is no such file`,
      },
      {
        args: args("--prefix", long, "--out", join(folder, "out.bin")),
        code: 1,
        message:
          "Cannot continue a prefix of 13 whole patches: it needs its extension patch, and at most 7 patches",
      },
      {
        args: args("--extension", "bin", "--out", join(missing, "out.bin")),
        code: 1,
        message: `Cannot write "${join(missing, "out.bin")}": there is no folder "${missing}". Make it first`,
      },
    ];
    for (const refusal of refusals) await assertRefused(refusal);
    assertEquals(namesIn(folder), ["checkpoint", "long.bin"]);
  }));
