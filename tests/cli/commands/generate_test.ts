import { assert, assertEquals, assertMatch } from "@std/assert";
import { defaultSampling, extensionPatch, generateBytes } from "@bgpt/core";
import { ReferenceEngine } from "@bgpt/kernels";
import { join } from "@std/path";
import { statOf } from "../../../cli/output_path.ts";
import { bgpt, messagesIn, spawnBgpt } from "../bgpt.ts";
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
    const common = ["--extension", "bin", "--bytes", "40", "--ignore-eos", "--out"];

    const greedy = await generate(folder, ...common, out, "--greedy", "--json");
    assertEquals(written(out), (await expected(true, 0, 1))[0]);
    assertEquals(greedy.stdout, `${JSON.stringify(JSON.parse(greedy.stdout))}\n`);
    const { files, bytes } = JSON.parse(greedy.stdout);
    assertEquals({ files, bytes }, { files: [out], bytes: 40 });

    const many = join(folder, "many");
    const seeded = await generate(folder, ...common, many, "--seed", "5", "--count", "11", "--json");
    const names = Array.from({ length: 11 }, (_, i) => `${String(i).padStart(2, "0")}.bin`);
    assertEquals(namesIn(many), names);
    assertEquals(JSON.parse(seeded.stdout).files, names.map((name) => join(many, name)));
    const drawn = await expected(false, 5, 11);
    assertEquals(names.map((name) => written(join(many, name))), drawn);
    assertEquals(new Set(drawn).size, 11);
    assertEquals(namesIn(folder), ["checkpoint", "many", "new.bin"]);
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

Deno.test("generate goes on beyond the patch length where --bytes asks for more, and says so", () =>
  inTempFolder(async (folder) => {
    const { model, parameters } = await writeCheckpoint(join(folder, "checkpoint"));
    const out = join(folder, "long.bin");
    const common = ["--extension", "bin", "--ignore-eos", "--greedy", "--out", out];
    const long = await generate(folder, ...common, "--bytes", "300");
    assertMatch(messagesIn(long.stderr), /^300 B in .*, by a window of 8 patches\n$/);
    const [expected] = await generateBytes(new ReferenceEngine(), model, parameters, {
      prefixes: [extensionPatch("bin", testSizes.patchSize)],
      byteLimit: 300,
      sampling: { ...defaultSampling, greedy: true },
      ignoreEnd: true,
      beyondPatchLength: true,
    });
    assertEquals(await Deno.readFile(out), expected);
    const json = await generate(folder, ...common, "--bytes", "300", "--json");
    assertEquals([JSON.parse(json.stdout).window, JSON.parse(json.stdout).bytes], [8, 300]);
    // Not without being asked.
    const whole = JSON.parse((await generate(folder, ...common, "--json")).stdout);
    assertEquals([whole.window, whole.bytes], [undefined, 7 * 16]);
  }));

Deno.test("generate that is killed leaves what it has under a name that says it is partial", () =>
  inTempFolder(async (folder) => {
    await writeCheckpoint(join(folder, "checkpoint"));
    const out = join(folder, "out");
    const run = spawnBgpt([
      ...[
        "generate",
        "--checkpoint",
        join(folder, "checkpoint"),
        "--device",
        "reference",
        "--extension",
        "bin",
      ],
      ...["--bytes", "1000000", "--ignore-eos", "--count", "2", "--out", out],
    ]);
    const partial = ["0.bin.partial", "1.bin.partial"];
    const sizes = () => partial.map((name) => statOf(join(out, name))?.size ?? 0);
    while (sizes().some((size) => size < 32)) await new Promise((resolve) => setTimeout(resolve, 20));
    run.kill("SIGKILL");
    await run.outcome();
    assertEquals(namesIn(out), partial);
  }));

Deno.test({
  name: "generate writes into a pipe as it is, in one go",
  ignore: Deno.build.os === "windows",
  fn: () =>
    inTempFolder(async (folder) => {
      await writeCheckpoint(join(folder, "checkpoint"));
      const [pipe, file] = [join(folder, "pipe"), join(folder, "file")];
      await new Deno.Command("mkfifo", { args: [pipe] }).output();
      const reader = new Deno.Command("cat", { args: [pipe], stdout: "piped" }).output();
      const common = ["--extension", "bin", "--greedy", "--ignore-eos", "--bytes", "100", "--out"];
      await generate(folder, ...common, pipe);
      await generate(folder, ...common, file);
      assertEquals((await reader).stdout, await Deno.readFile(file));
      assertEquals(namesIn(folder), ["checkpoint", "file", "pipe"]);
    }),
});

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
        code: 2,
        message:
          "the model sees 8 patches of 16 bytes, and leaves no room. Add --bytes N to go on beyond them",
      },
      {
        args: args("--extension", "bin", "--out", folder),
        code: 1,
        message: `Cannot write "${folder}": it is a folder. Name a file in it`,
      },
      {
        args: args("--extension", "bin", "--count", "2", "--out", checkpoint),
        code: 1,
        message: `Cannot generate to "${checkpoint}": it holds "`,
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
