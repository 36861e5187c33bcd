import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { bgpt } from "./bgpt.ts";

Deno.test("bgpt --help lists the commands and bgpt COMMAND --help its options with examples", async () => {
  const program = await bgpt(["--help"]);
  assertEquals([program.code, program.stderr], [0, ""]);
  assertMatch(program.stdout, /^bgpt \d+\.\d+\.\d+: /);
  assertMatch(program.stdout, /^ {2}data cpu {2,}Write/m);

  const command = await bgpt(["data", "cpu", "--help"]);
  assertEquals([command.code, command.stderr], [0, ""]);
  assertStringIncludes(command.stdout, "Usage: bgpt data cpu --out DIR --instances N [options]");
  assertMatch(command.stdout, /^ {2}--min-program N {2,}.*\(1 to 255; default 1\)$/m);
  assertMatch(command.stdout, /^ {2}bgpt data cpu --out corpus /m);
  assertEquals(await bgpt(["help", "data", "cpu"]), command);
  assert(command.stdout.split("\n").every((line) => line.length <= 100), "a line is too long");
});

Deno.test("the help of a group lists its commands", async () => {
  const { code, stdout } = await bgpt(["data", "--help"]);
  assertEquals(code, 0);
  assertStringIncludes(stdout, "Usage: bgpt data COMMAND [options]");
});

Deno.test("a wrong command line ends with exit code 2 and one line on stderr", async () => {
  const refusals: readonly [readonly string[], string][] = [
    [[], "Missing command. See bgpt --help"],
    [["--verbose"], 'Unknown option "--verbose". See bgpt --help'],
    [["date"], 'Unknown command "date". Did you mean "data"?'],
    [["data"], 'Missing command after "data". See bgpt data --help'],
    [["data", "cpus"], 'Unknown command "data cpus". Did you mean "data cpu"?'],
    [["data", "cpu", "--instance", "3"], 'Unknown option "--instance". Did you mean --instances?'],
    [["data", "cpu", "--instances", "3"], "Missing --out DIR: the folder to write, empty or not yet there"],
  ];
  for (const [args, message] of refusals) {
    assertEquals(await bgpt(args), { code: 2, stdout: "", stderr: `error: ${message}\n` });
  }
});

Deno.test("a failure ends with exit code 1 and one line; BGPT_DEBUG=1 adds the stack", async () => {
  const file = await Deno.makeTempFile();
  try {
    const args = ["data", "cpu", "--out", join(file, "corpus"), "--instances", "1"];
    const { code, stdout, stderr } = await bgpt(args);
    assertEquals([code, stdout], [1, ""]);
    assertMatch(stderr, /^error: [^\n]*ot a directory[^\n]*\n$/);
    const debug = await bgpt(args, { BGPT_DEBUG: "1" });
    assertEquals(debug.code, 1);
    assertMatch(debug.stderr, /^error: .*\n(.*\n)* +at .*data_cpu\.ts/);
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("piped output has no colours and no carriage returns", async () => {
  for (const args of [["--help"], ["data", "cpu", "--help"], ["nonsense"]]) {
    const { stdout, stderr } = await bgpt(args);
    // deno-lint-ignore no-control-regex
    assert(!/[\r\x1b]/.test(stdout + stderr), args.join(" "));
  }
});

Deno.test("a reader of stdout that goes away ends the program quietly", async () => {
  // The reader is gone before the program starts.
  const pipeline = `{ sleep 0.2; "$0" run -A cli/main.ts data cpu --help; } | true; echo "\${PIPESTATUS[0]}"`;
  const { stdout, stderr } = await new Deno.Command("bash", {
    args: ["-c", pipeline, Deno.execPath()],
    cwd: new URL("../..", import.meta.url),
  }).output();
  const decoder = new TextDecoder();
  assertEquals([decoder.decode(stdout), decoder.decode(stderr)], ["0\n", ""]);
});
