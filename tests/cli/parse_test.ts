import { assertEquals, assertThrows } from "@std/assert";
import { defineCommand } from "../../cli/command.ts";
import { UsageError } from "../../cli/errors.ts";
import { parseCommandLine } from "../../cli/parse.ts";

const options = {
  data: { kind: "paths", required: true, help: "the files" },
  out: { kind: "path", placeholder: "DIR", help: "the folder to write" },
  steps: { kind: "integer", minimum: 1, maximum: 100, help: "steps to take" },
  temperature: { kind: "number", default: 1, help: "the temperature" },
  preset: { kind: "choice", choices: ["tiny", "small", "base"], default: "tiny", help: "the size" },
  extension: { kind: "string", help: "the extension" },
  instructions: { kind: "list", help: "what to draw" },
  greedy: { kind: "flag", help: "take the best" },
  weightDecay: { kind: "flag", negatable: true, help: "decay weights" },
} as const;

const parse = (...args: string[]) => parseCommandLine(args, options, {});

function refusal(...args: string[]): string {
  return assertThrows(() => parse(...args), UsageError).message;
}

Deno.test("options that are not given are absent, have their default, or are false or empty", () => {
  assertEquals(parse("--data", "a"), {
    data: ["a"],
    temperature: 1,
    preset: "tiny",
    instructions: [],
    greedy: false,
  });
});

Deno.test("the types of the values follow from the table", async () => {
  let seen: unknown;
  const command = defineCommand({
    description: "Tries the types.",
    positionals: { file: { placeholder: "FILE", help: "a file" } },
    options,
    examples: [],
    run: (values) => {
      // Each annotation fails the type check when inference is lost or too wide.
      const steps: number | undefined = values.steps;
      const preset: "tiny" | "small" | "base" = values.preset;
      const data: readonly string[] = values.data;
      const greedy: boolean = values.greedy;
      const given: { out?: string; weightDecay?: boolean } = values;
      // @ts-expect-error an option that the table does not have
      values.unheardOf;
      // @ts-expect-error an option that may be absent
      const out: string = values.out;
      seen = [steps, preset, data, greedy, given.weightDecay, out, values.file];
    },
  });
  await command.execute([
    "x",
    "--data",
    "a",
    "b",
    "--steps",
    "3",
    "--out",
    "o",
    "--greedy",
    "--no-weight-decay",
  ]);
  assertEquals(seen, [3, "tiny", ["a", "b"], true, false, "o", "x"]);
});

Deno.test("paths go on up to the next option and may be repeated", () => {
  assertEquals(parse("--data", "a", "b", "c", "--greedy").data, ["a", "b", "c"]);
  assertEquals(parse("--data", "a", "--greedy", "--data=b", "--data", "-").data, ["a", "b", "-"]);
});

Deno.test("lists are separated by commas and may be repeated", () => {
  const { instructions } = parse("--data", "a", "--instructions", "ADD, SUB", "--instructions=HLT,");
  assertEquals(instructions, ["ADD", "SUB", "HLT"]);
});

Deno.test("values may be negative, empty, a lone dash, or have an equals sign in them", () => {
  assertEquals(parse("--data", "a", "--temperature", "-0.5").temperature, -0.5);
  assertEquals(parse("--data", "a", "--temperature=-1e-3").temperature, -1e-3);
  assertEquals(parse("--data", "a", "--extension", "").extension, "");
  assertEquals(parse("--data", "a", "--extension=", "--greedy").extension, "");
  assertEquals(parse("--data", "a", "--out", "-").out, "-");
  assertEquals(parse("--data", "a", "--out", "x=y").out, "x=y");
  assertEquals(parse("--data", "a", "--out", "true").out, "true");
});

Deno.test("a word behind a flag is a positional argument, also true and false", () => {
  const positionals = { words: { placeholder: "WORD", help: "words", optional: true, many: true } } as const;
  const values = parseCommandLine(
    ["--greedy", "true", "7", "--", "--steps"],
    { greedy: options.greedy },
    positionals,
  );
  assertEquals(values, { greedy: true, words: ["true", "7", "--steps"] });
});

Deno.test("an unknown option names the nearest one", () => {
  assertEquals(refusal("--data", "a", "--step", "3"), 'Unknown option "--step". Did you mean --steps?');
  assertEquals(
    refusal("--data", "a", "--no-weight-decoy"),
    'Unknown option "--no-weight-decoy". Did you mean --no-weight-decay?',
  );
  assertEquals(refusal("--data", "a", "--no-greedy"), 'Unknown option "--no-greedy". Did you mean --greedy?');
  assertEquals(refusal("--data", "a", "-x"), 'Unknown option "-x"');
});

Deno.test("a missing option or value is named", () => {
  assertEquals(refusal(), "Missing --data PATH...: the files");
  assertEquals(refusal("--data"), "Missing value of --data: PATH... is required");
  assertEquals(refusal("--data", "--greedy"), "Missing value of --data: PATH... is required");
  assertEquals(refusal("--data", ""), "Missing --data PATH...: the files");
  assertEquals(refusal("--data", "a", "--out="), "Missing value of --out: DIR is required");
  assertEquals(refusal("--data", "a", "--steps"), "Missing value of --steps: N is required");
});

Deno.test("a value of the wrong type or out of range is refused with what is required", () => {
  const steps = "a whole number of at least 1 and at most 100 is required";
  for (const given of ["ten", "1.5", "0", "101", "1e400", "NaN", " "]) {
    assertEquals(refusal("--data", "a", "--steps", given), `Cannot use --steps "${given}": ${steps}`);
  }
  assertEquals(
    refusal("--data", "a", "--temperature", "Infinity"),
    'Cannot use --temperature "Infinity": a number is required',
  );
  assertEquals(
    refusal("--data", "a", "--preset", "smal"),
    'Cannot use --preset "smal": one of tiny, small, base is required. Did you mean "small"?',
  );
  assertEquals(refusal("--data", "a", "--greedy=no"), 'Cannot use "--greedy=no": --greedy takes no value');
});

Deno.test("too many and too few positional arguments are refused", () => {
  assertEquals(
    refusal("--greedy", "stray", "--data", "a"),
    'Cannot use "stray": no such argument is expected',
  );
  const file = { file: { placeholder: "FILE.pth", help: "the file to import" } } as const;
  const { message } = assertThrows(() => parseCommandLine([], {}, file), UsageError);
  assertEquals(message, "Missing FILE.pth: the file to import");
});
