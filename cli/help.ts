import type { Command, CommandEntry } from "./command.ts";
import { flagName, type Option, placeholderOf } from "./options.ts";
import { paint } from "./terminal.ts";

const lineWidth = 100;

/** The help of the whole program, or of a group of commands such as `data`. */
export function programHelp(entries: readonly CommandEntry[], version: string, group?: string): string {
  const title = `bgpt ${version}: one model of bytes that learns to continue any file`;
  const commands = entries.map(({ name, summary }): Row => [name, summary]);
  const words = group === undefined ? "COMMAND" : `${group} COMMAND`;
  return sections([
    group === undefined ? [title] : [],
    [`${heading("Usage:")} bgpt ${words} [options]`],
    [heading("Commands:"), ...table(commands)],
    [
      heading("Options:"),
      ...table([["-h, --help", "print this, or a command's help"], ["--version", "print the version"]]),
    ],
    [`bgpt COMMAND --help tells a command's options and shows examples.`],
  ]);
}

/** The help of one command, made from its table. */
export function commandHelp(entry: CommandEntry, command: Command): string {
  const positionals = Object.values(command.positionals);
  const words = positionals.map(({ placeholder, optional, many }) => {
    const word = many ? `${placeholder}...` : placeholder;
    return optional ? `[${word}]` : word;
  });
  const options = Object.entries(command.options);
  const required = options.filter(([, option]) => isRequired(option)).map(([key, option]) =>
    spelling(key, option)
  );
  return sections([
    [`${heading("Usage:")} bgpt ${[entry.name, ...words, ...required, "[options]"].join(" ")}`],
    wrap(command.description, lineWidth),
    positionals.length === 0 ? [] : [
      heading("Arguments:"),
      ...table(positionals.map(({ placeholder, help }): Row => [placeholder, help])),
    ],
    [
      heading("Options:"),
      ...table([
        ...options.map(([key, option]): Row => [spelling(key, option), `${option.help}${remarks(option)}`]),
        ["-h, --help", "print this"],
      ]),
    ],
    [
      heading("Examples:"),
      ...command.examples.flatMap(({ what, line }) => [`  # ${what}`, `  bgpt ${line}`]),
    ],
  ]);
}

/** A name and what it does. */
type Row = readonly [name: string, text: string];

function isRequired(option: Option): boolean {
  return option.kind !== "flag" && option.required === true && !("default" in option);
}

function spelling(key: string, option: Option): string {
  const negation = option.kind === "flag" && option.negatable ? "[no-]" : "";
  return `--${negation}${flagName(key)} ${placeholderOf(option)}`.trimEnd();
}

/** The range and the default of an option, in brackets. */
function remarks(option: Option): string {
  const remarks: string[] = [];
  if (option.kind === "integer" || option.kind === "number") {
    const { minimum, maximum } = option;
    if (minimum !== undefined && maximum !== undefined) {
      remarks.push(`${minimum.toLocaleString("en")} to ${maximum.toLocaleString("en")}`);
    } else if (maximum !== undefined) remarks.push(`at most ${maximum.toLocaleString("en")}`);
  }
  if (option.kind === "list") remarks.push("separated by commas");
  if ("default" in option && option.default !== undefined && option.default !== false) {
    remarks.push(`default ${option.default === true ? "yes" : option.default}`);
  }
  return remarks.length === 0 ? "" : ` (${remarks.join("; ")})`;
}

/** Rows in two columns, the second wrapped; a long first column takes a line of its own. */
function table(rows: readonly Row[]): string[] {
  const indent = 2;
  const longest = 30;
  const width = Math.max(...rows.map(([name]) => name.length <= longest ? name.length : 0)) + 2;
  const margin = " ".repeat(indent + width);
  return rows.flatMap(([name, text]) => {
    const [first = "", ...others] = wrap(text, lineWidth - indent - width);
    const rest = others.map((line) => margin + line);
    if (name.length > longest) return [`  ${name}`, margin + first, ...rest];
    return [`  ${name.padEnd(width)}${first}`, ...rest];
  });
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(/\s+/)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) {
      lines[lines.length - 1] = `${last} ${word}`;
    } else lines.push(word);
  }
  return lines;
}

function heading(text: string): string {
  return paint(text, "bold", "stdout");
}

function sections(parts: readonly (readonly string[])[]): string {
  return parts.filter((lines) => lines.length > 0).map((lines) => lines.join("\n")).join("\n\n");
}
