import { parseArgs } from "@std/cli/parse-args";
import { nearestName } from "@bgpt/core";
import { UsageError } from "./errors.ts";
import {
  flagName,
  type Option,
  type Options,
  placeholderOf,
  type Positionals,
  type Values,
} from "./options.ts";

/**
 * Reads a command's arguments by its table.
 *
 * @returns the values that are required, have a default or were given
 * @throws {UsageError} naming what is unknown, missing or of the wrong type
 */
export function parseCommandLine<O extends Options, P extends Positionals>(
  args: readonly string[],
  options: O,
  positionals: P,
): Values<O, P> {
  const keyOf = new Map(Object.keys(options).map((key) => [flagName(key), key]));
  const named = (kinds: readonly Option["kind"][]) =>
    [...keyOf].filter(([, key]) => kinds.includes(options[key]!.kind)).map(([name]) => name);
  const negatable = [...keyOf].filter(([, key]) => isNegatable(options[key]!)).map(([name]) => name);
  const flags = named(["flag"]).filter((name) => !negatable.includes(name));
  const known = [...keyOf.keys(), ...negatable.map((name) => `no-${name}`), "help"];

  const parsed: Record<string, unknown> = parseArgs(oneTokenEach(args, options, keyOf, known), {
    boolean: flags,
    negatable,
    string: named(["string", "path", "integer", "number", "choice", "list", "paths"]),
    collect: named(["list", "paths"]),
    "--": true,
  });

  const values: Record<string, unknown> = {};
  for (const [name, key] of keyOf) {
    const option = options[key]!;
    const value = typedValue(name, option, parsed[name]);
    if (value !== undefined) values[key] = value;
    else if (isRequired(option)) {
      throw new UsageError(`Missing --${name} ${placeholderOf(option)}: ${option.help}`);
    }
  }
  const words = parsed["--"];
  Object.assign(values, positionalValues(Array.isArray(words) ? words.map(String) : [], positionals));
  // The table has just been applied to every key, which the type checker cannot follow.
  return values as Values<O, P>;
}

/**
 * Writes every option with its value as one token, `--name=value`, and the positional arguments behind `--`. So a
 * value may be negative, empty or `-`, and `--data a b c` is `--data a --data b --data c`.
 */
function oneTokenEach(
  args: readonly string[],
  options: Options,
  keyOf: ReadonlyMap<string, string>,
  known: readonly string[],
): string[] {
  const flags: string[] = [];
  const words: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (arg === "--") {
      words.push(...args.slice(i + 1));
      break;
    }
    if (!arg.startsWith("-") || arg === "-") {
      words.push(arg);
      continue;
    }
    const [, name, inline] = arg.match(/^--([^=]+)(?:=(.*))?$/s) ?? [];
    const key = name === undefined ? undefined : keyOf.get(name);
    const option = key === undefined ? undefined : options[key];
    if (option === undefined || option.kind === "flag") {
      if (name === undefined || !known.includes(name)) throw unknownOption(arg, known);
      if (inline !== undefined) throw new UsageError(`Cannot use "${arg}": --${name} takes no value`);
      flags.push(arg);
      continue;
    }
    const value = inline ?? args[++i];
    if (value === undefined || (inline === undefined && !isValue(value))) {
      throw new UsageError(`Missing value of --${name}: ${placeholderOf(option)} is required`);
    }
    // An empty value is a name alone: whatever follows it is an option or `--`.
    flags.push(value === "" ? `--${name}` : `--${name}=${value}`);
    if (option.kind !== "paths" || inline !== undefined) continue;
    while (i + 1 < args.length && isValue(args[i + 1]!)) flags.push(`--${name}=${args[++i]}`);
  }
  return [...flags, "--", ...words];
}

/** Options begin with a dash; a lone dash and negative numbers are values. */
function isValue(arg: string): boolean {
  return !arg.startsWith("-") || arg === "-" || /^-\.?\d/.test(arg);
}

function isNegatable(option: Option): boolean {
  return option.kind === "flag" && option.negatable === true;
}

function isRequired(option: Option): boolean {
  return option.kind !== "flag" && option.required === true;
}

function unknownOption(arg: string, known: readonly string[]): UsageError {
  const given = arg.split("=")[0]!;
  const near = nearestName(given.replace(/^-+/, ""), known);
  return new UsageError(`Unknown option "${given}"${near === undefined ? "" : `. Did you mean --${near}?`}`);
}

/** The value as its option's kind says, the default when absent, `undefined` when there is neither. */
function typedValue(name: string, option: Option, given: unknown): unknown {
  switch (option.kind) {
    case "flag":
      return option.negatable ? given ?? option.default : given === true;
    case "list":
    case "paths": {
      const texts = Array.isArray(given) ? given.map(String) : [];
      const items = option.kind === "paths" ? texts : texts.flatMap((text) => text.split(","));
      const kept = items.map((item) => option.kind === "list" ? item.trim() : item).filter((item) =>
        item !== ""
      );
      return kept.length === 0 && option.required ? undefined : kept;
    }
  }
  if (typeof given !== "string") return option.default;
  switch (option.kind) {
    case "string":
      return given;
    case "path":
      if (given === "") {
        throw new UsageError(`Missing value of --${name}: ${placeholderOf(option)} is required`);
      }
      return given;
    case "choice":
      return choice(`--${name}`, given, option.choices);
    default:
      return number(name, given, option);
  }
}

function choice(name: string, given: string, choices: readonly string[]): string {
  if (choices.includes(given)) return given;
  const near = nearestName(given, choices);
  const hint = near === undefined ? "" : `. Did you mean "${near}"?`;
  throw new UsageError(`Cannot use ${name} "${given}": one of ${choices.join(", ")} is required${hint}`);
}

function number(
  name: string,
  given: string,
  option: Extract<Option, { kind: "integer" | "number" }>,
): number {
  const { kind, minimum = -Infinity, maximum = Infinity } = option;
  const value = given.trim() === "" ? NaN : Number(given);
  const typed = kind === "integer" ? Number.isSafeInteger(value) : Number.isFinite(value);
  if (typed && value >= minimum && value <= maximum) return value;
  const range = [
    minimum === -Infinity ? [] : [`at least ${minimum}`],
    maximum === Infinity ? [] : [`at most ${maximum}`],
  ].flat().join(" and ");
  const required = `${kind === "integer" ? "a whole number" : "a number"}${range && ` of ${range}`}`;
  throw new UsageError(`Cannot use --${name} "${given}": ${required} is required`);
}

function positionalValues(words: readonly string[], positionals: Positionals): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  let taken = 0;
  for (const [key, { placeholder, help, optional, many, choices }] of Object.entries(positionals)) {
    const rest = many ? words.slice(taken) : words.slice(taken, taken + 1);
    if (rest.length === 0 && !optional) throw new UsageError(`Missing ${placeholder}: ${help}`);
    if (choices) { for (const word of rest) choice(placeholder, word, choices); }
    if (many) values[key] = rest;
    else if (rest.length > 0) values[key] = rest[0];
    taken += rest.length;
  }
  if (taken < words.length) {
    throw new UsageError(`Cannot use "${words[taken]}": no such argument is expected`);
  }
  return values;
}
