/** The command lines that people are told to type, in the documents and in the help of every command. */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { findCommand } from "../cli/command.ts";
import { commands } from "../cli/commands.ts";
import { UsageError } from "../cli/errors.ts";
import { parseCommandLine } from "../cli/parse.ts";
import config from "../deno.json" with { type: "json" };

const root = join(import.meta.dirname!, "..");
const tasks: Readonly<Record<string, string>> = config.tasks;

/** A line of code in a document, joined with what it goes on with. */
interface CodeLine {
  /** Where it begins: path and number. */
  readonly place: string;
  readonly text: string;
}

/** The lines of indented and fenced code; one that is followed by a deeper one goes on there. */
function codeLines(path: string): CodeLine[] {
  const found: CodeLine[] = [];
  let fenced = false;
  let before: "blank" | "code" | "prose" = "blank";
  for (const [index, line] of Deno.readTextFileSync(join(root, path)).split("\n").entries()) {
    const fence = line.trimStart().startsWith("```");
    if (fence) fenced = !fenced;
    const text = fenced ? line : line.replace(/^ {4}/, "");
    // An indented line right behind prose is its next line.
    if (line === "" || fence) before = "blank";
    else if (!fenced && (text === line || before === "prose")) before = "prose";
    else if (before === "code" && text.startsWith("  ")) {
      const { place, text: begun } = found.pop()!;
      found.push({ place, text: `${begun.replace(/\\$/, "")} ${text.trim()}` });
    } else {
      found.push({ place: `${path}:${index + 1}`, text });
      before = "code";
    }
  }
  return found;
}

/** The words of a line as a shell takes them, up to a comment or where its output goes. */
function shellWords(line: string): string[] {
  const words = [...line.matchAll(/"([^"]*)"|'([^']*)'|\S+/g)].map(([word, double, single]) =>
    double ?? single ?? word
  );
  const end = words.findIndex((word) => /^[#>]/.test(word));
  return end < 0 ? words : words.slice(0, end);
}

/**
 * The words behind `bgpt` of a line that starts it, by itself, through a task of deno.json or by a launcher.
 * @throws {UsageError} when there is no such task
 */
function bgptWords(words: readonly string[]): string[] | undefined {
  const at = words.findIndex((word) => /^(bgpt(-.*)?|deno(@.*)?)$/.test(word));
  if (words[at]?.startsWith("bgpt")) return words.slice(at + 1);
  if (at < 0 || words[at + 1] !== "task") return undefined;
  const name = words[at + 2] ?? "";
  const task = tasks[name];
  if (task === undefined) throw new UsageError(`deno.json has no task "${name}"`);
  const [, own] = /^deno run -A cli\/main\.ts(.*)$/.exec(task) ?? [];
  return own === undefined ? undefined : [...shellWords(own), ...words.slice(at + 3)];
}

/** What stands in lines of syntax for what the parser takes no word for. */
const placeholders: Readonly<Record<string, string>> = {
  N: "1",
  B: "1",
  BYTES: "64",
  TFLOP: "1",
  NAME: "tiny",
};

/** A line of syntax as one can type it: with all that is optional, and the first of each choice. */
function concrete(words: readonly string[]): string[] {
  return words.filter((word) => !["[as", "above]", "…"].includes(word))
    .map((word) => word.replace(/^\[|\]$/g, "").replace(/\|.*/, "")).filter((word) => word !== "")
    .map((word) => placeholders[word] ?? word);
}

/**
 * Gives a line to the program's own parser.
 * @returns whether it starts the program
 * @throws {UsageError} when the program does not take it
 */
async function parse(line: string): Promise<boolean> {
  const words = bgptWords(shellWords(line));
  if (words === undefined) return false;
  const request = findCommand(concrete(words), commands);
  if (request.kind !== "command") throw new UsageError("It names no command");
  const { default: command } = await request.entry.load();
  try {
    parseCommandLine(request.args, command.options, command.positionals);
  } catch (error) {
    // What "…" stands for may be required.
    if (words.at(-1) !== "…" || !(error instanceof Error && error.message.startsWith("Missing "))) {
      throw error;
    }
  }
  return true;
}

/** What the parser says against a line, behind the place where the line stands; otherwise whether it starts the program. */
async function refusalOf({ place, text }: CodeLine): Promise<string | boolean> {
  try {
    return await parse(text);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return `${place}: ${text}: ${error.message}`;
  }
}

Deno.test("every command line in the documents is one that the program takes", async () => {
  const documents = [...Deno.readDirSync(join(root, "docs"))].map(({ name }) => `docs/${name}`)
    .filter((path) => path.endsWith(".md")).sort();
  const answers = await Promise.all(["README.md", ...documents].flatMap(codeLines).map(refusalOf));
  assertEquals(answers.filter((answer) => typeof answer === "string"), []);
  const taken = answers.filter((answer) => answer === true).length;
  assert(taken >= 50, `only ${taken} command lines were found`);
});

Deno.test("every example in the help of a command is one that the command takes", async () => {
  for (const { name, load } of commands) {
    const { examples } = (await load()).default;
    assert(examples.length > 0, `bgpt ${name} has no example`);
    for (const { line } of examples) {
      assert(line === name || line.startsWith(`${name} `), `bgpt ${line} is no example of bgpt ${name}`);
      assertEquals(await refusalOf({ place: `bgpt ${name} --help`, text: `bgpt ${line}` }), true);
    }
  }
});
