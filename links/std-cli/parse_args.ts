/**
 * Local stand-in for `jsr:@std/cli/parse-args` over the tokens of Node's own `util.parseArgs`: the options and the
 * behaviour of the real one that this project uses. Letters of one dash are flags without values here.
 * @module
 */
import { parseArgs as tokenize } from "node:util";

/** What `parseArgs` returns: a value for each option, and the positional arguments in `_`. */
export type Args = {
  // The real type is inferred from the options; its widest form is this one.
  // deno-lint-ignore no-explicit-any
  [name: string]: any;
  /** The arguments that belong to no option; those that look like numbers are numbers. */
  _: (string | number)[];
  /** With the option `--`, what follows a lone `--`. */
  "--"?: string[];
};

/** The options of `parseArgs`. */
export interface ParseOptions {
  /** Puts what follows a lone `--` in the result's `--` instead of its `_`. */
  "--"?: boolean;
  /** Other names of an option; the result holds the value under each. */
  alias?: Record<string, string | readonly string[]>;
  /** Options that take no value; `false` when absent. */
  boolean?: string | readonly string[];
  /** Options whose repeated values become one array; `[]` when absent. */
  collect?: string | readonly string[];
  /** Values of absent options. */
  default?: Record<string, unknown>;
  /** Options that `--no-NAME` sets to `false`. */
  negatable?: string | readonly string[];
  /** Stops at the first positional argument and leaves the rest in `_`. */
  stopEarly?: boolean;
  /** Options whose values stay strings; `""` when the value is missing. */
  string?: string | readonly string[];
  /** Called with each argument that is not declared; `false` drops it. */
  unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}

/**
 * Splits command line arguments into options and positional arguments.
 *
 * @param args the arguments, without the program's name
 * @param options which options there are
 */
export function parseArgs(args: string[], options: ParseOptions = {}): Args {
  const aliases = aliasMap(options.alias ?? {});
  const declared = (names: string | readonly string[] = []) =>
    new Set([names].flat().flatMap((name) => [name, ...aliases.get(name) ?? []]));
  const booleans = declared(options.boolean);
  const strings = declared(options.string);
  const collected = declared(options.collect);
  const negatables = declared(options.negatable);
  const unknown = options.unknown ?? (() => true);

  const terminator = args.indexOf("--");
  const parsed = terminator < 0 ? args : args.slice(0, terminator);
  const rest = terminator < 0 ? [] : args.slice(terminator + 1);
  const result: Args = { _: [] };

  const set = (name: string, value: string | boolean, arg: string, collect: boolean) => {
    const known = booleans.has(name) || strings.has(name) || aliases.has(name);
    if (!known && unknown(arg, name, value) === false) return;
    const typed = typeof value === "string" && !strings.has(name) ? numberIfNumeric(value) : value;
    for (const key of [name, ...aliases.get(name) ?? []]) {
      if (collect && collected.has(key)) result[key] = [...result[key] ?? [], typed];
      else result[key] = typed;
    }
  };

  const { tokens } = tokenize({ args: parsed, strict: false, tokens: true, options: {} });
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!;
    if (token.kind === "positional") {
      if (unknown(token.value) === false) continue;
      result._.push(strings.has("_") ? token.value : numberIfNumeric(token.value));
      if (!options.stopEarly) continue;
      result._.push(...parsed.slice(token.index + 1));
      break;
    }
    if (token.kind !== "option") continue;
    const { name } = token;
    const arg = parsed[token.index]!;
    if (token.value) {
      set(name, booleans.has(name) ? token.value !== "false" : token.value, arg, true);
      continue;
    }
    if (name.startsWith("no-") && negatables.has(name.slice(3))) {
      set(name.slice(3), false, arg, false);
      continue;
    }
    const next = parsed[token.index + 1];
    const nextIsValue = tokens[i + 1]?.kind === "positional" && next !== undefined && !next.startsWith("-");
    const takesValue = next === "true" || next === "false" || !booleans.has(name);
    if (next && nextIsValue && takesValue) {
      set(name, booleans.has(name) ? next !== "false" : next, arg, true);
      i++;
    } else {
      set(name, strings.has(name) ? "" : true, arg, true);
    }
  }

  for (const [name, value] of Object.entries(options.default ?? {})) {
    for (const key of [name, ...aliases.get(name) ?? []]) result[key] ??= value;
  }
  for (const name of booleans) result[name] ??= collected.has(name) ? [] : false;
  for (const name of strings) if (collected.has(name)) result[name] ??= [];
  if (options["--"]) result["--"] = rest;
  else result._.push(...rest);
  return result;
}

function aliasMap(alias: Record<string, string | readonly string[]>): Map<string, string[]> {
  const map = new Map<string, string[]>();
  for (const [name, others] of Object.entries(alias)) {
    const names = [name, ...[others].flat()];
    for (const each of names) map.set(each, names.filter((other) => other !== each));
  }
  return map;
}

function numberIfNumeric(value: string): string | number {
  const numeric = /^0x[0-9a-f]+$/i.test(value) || /^[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?$/.test(value);
  return numeric ? Number(value) : value;
}
