import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { writeCheckpoint } from "../cli/checkpoints.ts";
import { inTempFolder, namesIn } from "../cli/temp_folder.ts";

const root = join(import.meta.dirname!, "..", "..");

/** Runs `deno task compile`, its output without the colours of Deno. */
async function compile(args: readonly string[], env: Readonly<Record<string, string>>) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", join(root, "tools/compile.ts"), ...args],
    env: { ...env, NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** A Linux on another processor: its executable is written, and not started. */
const foreign = Deno.build.arch === "x86_64" ? "linux-arm64" : "linux-x64";
const own = Deno.build.arch === "x86_64" ? "linux-x64" : "linux-arm64";

/** The compile step takes any Linux program for Deno's runtime part, which is not to be had everywhere. */
const standIn = { DENORT_BIN: "/bin/true" };
const ignore = Deno.build.os !== "linux";

/** Where bytes stand in others, by their first four. */
function indexOf(bytes: Uint8Array, part: Uint8Array): number {
  for (let at = bytes.indexOf(part[0]!); at >= 0; at = bytes.indexOf(part[0]!, at + 1)) {
    if (part.every((byte, i) => bytes[at + i] === byte)) return at;
  }
  return -1;
}

Deno.test({
  name:
    "an executable holds the program and the weights of the checkpoint, and nothing is left in the project",
  ignore,
  fn: () =>
    inTempFolder(async (folder) => {
      const { parameters } = await writeCheckpoint(join(folder, "checkpoint"));
      const out = join(folder, "out");
      const args = ["--target", foreign, "--checkpoint", join(folder, "checkpoint"), "--out", out];
      const { code, stdout, stderr } = await compile(args, standIn);
      assertEquals(code, 0, stderr);
      assertEquals(namesIn(out), [`bgpt-${foreign}`]);
      assertMatch(stdout, /bgpt-linux-\w+: [\d.]+ MiB, not started here\n$/);
      const executable = await Deno.readFile(join(out, `bgpt-${foreign}`));
      // The last parameters, as no header of a tensor stands within them.
      const weights = new Uint8Array(parameters.slice(-16).buffer);
      assert(indexOf(executable, weights) > 0, "the weights are not in it");
      assert(
        indexOf(executable, new TextEncoder().encode("Unknown command")) > 0,
        "the program is not in it",
      );
      assert(indexOf(executable, new TextEncoder().encode("dawn.node")) < 0, "Dawn is in it");
      assert(!namesIn(join(root, "cli")).includes("embedded"), "the staged checkpoint was left");
    }),
});

Deno.test({
  name: "an executable for this machine that does not start as bgpt is refused",
  ignore,
  fn: () =>
    inTempFolder(async (folder) => {
      const { code, stderr } = await compile(["--target", own, "--out", folder], standIn);
      assertEquals(code, 1);
      assertStringIncludes(
        stderr,
        "but it does not start as bgpt. Make sure that DENORT_BIN is a denort of this Deno",
      );
    }),
});

Deno.test("where Deno's site cannot be reached, one line names the variable that helps", () =>
  inTempFolder(async (folder) => {
    // Nobody listens on the port of discarding.
    const env = { HTTPS_PROXY: "http://127.0.0.1:9", https_proxy: "http://127.0.0.1:9" };
    const { code, stderr } = await compile(["--target", "windows-x64", "--out", folder], env);
    assertEquals(code, 1);
    assertMatch(
      stderr,
      /^error: Cannot compile for windows-x64: Deno's runtime part [^\n]* variable DENORT_BIN\n$/,
    );
  }));

Deno.test("a runtime part that is not there, and a wrong command line, are told in one line", () =>
  inTempFolder(async (folder) => {
    const cases: readonly [readonly string[], string, number, string][] = [
      [["--target", own], "/none", 1, `Cannot compile for ${own}: `],
      [["--target", "beos"], "/bin/true", 2, 'Cannot use --target "beos": one of linux-x64,'],
      [[], "/bin/true", 2, "Cannot compile for several targets with DENORT_BIN, which is of one"],
      [["--target", own, "--checkpoint", join(folder, "none")], "/bin/true", 1, "Cannot read checkpoint"],
    ];
    for (const [args, denort, expected, message] of cases) {
      const { code, stdout, stderr } = await compile([...args, "--out", folder], { DENORT_BIN: denort });
      assertStringIncludes(stderr, message);
      assertMatch(stderr, /^error: [^\n]*\n$/);
      assertEquals([code, stdout], [expected, ""]);
    }
  }));
