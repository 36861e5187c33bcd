import { flagName, type Option, type Options } from "./options.ts";

/**
 * The words that give these values on a command line; options whose value is the default have none.
 * @param options the options to write, in their order
 */
export function optionWords(options: Options, values: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(options).flatMap(([key, option]) => wordsOf(flagName(key), option, values[key]));
}

function wordsOf(name: string, option: Option, value: unknown): string[] {
  const { kind } = option;
  if (kind === "flag") {
    if (value === undefined || value === (option.default ?? (option.negatable ? undefined : false))) {
      return [];
    }
    return [`--${value ? "" : "no-"}${name}`];
  }
  if (value === undefined || "default" in option && value === option.default) return [];
  const items = Array.isArray(value) ? value.map(String) : [String(value)];
  if (items.length === 0) return [];
  if (kind === "list") return [`--${name}`, items.join(",")];
  // A value that begins with a dash would be taken for an option.
  return items.some((item) => item.startsWith("-"))
    ? items.map((item) => `--${name}=${item}`)
    : [`--${name}`, ...items];
}
