/** The option that every command that reports has. */
export const jsonOption = {
  kind: "flag",
  help: "print one line of JSON to stdout, everything else to stderr",
} as const;

interface Described {
  /** What it does, with its unit; no full stop. */
  readonly help: string;
}

interface TakesValue extends Described {
  /** What stands for the value in the help, such as `N` or `DIR`. */
  readonly placeholder?: string;
  /** The command line must give it. */
  readonly required?: true;
}

/** `--name`; with `negatable` also `--no-name`, and then its value is unknown unless given or set by `default`. */
export interface FlagOption extends Described {
  readonly kind: "flag";
  readonly negatable?: true;
  readonly default?: boolean;
}

/** `--name TEXT`, or the path of a file or folder. */
export interface TextOption extends TakesValue {
  readonly kind: "string" | "path";
  readonly default?: string;
}

/** `--name N`: a whole number, or any finite one, from `minimum` to `maximum`. */
export interface NumberOption extends TakesValue {
  readonly kind: "integer" | "number";
  readonly minimum?: number;
  readonly maximum?: number;
  readonly default?: number;
}

/** `--name ONE` of a few words. */
export interface ChoiceOption extends TakesValue {
  readonly kind: "choice";
  readonly choices: readonly string[];
  readonly default?: string;
}

/** `--name a,b,c`, also repeated; empty when not given. */
export interface ListOption extends TakesValue {
  readonly kind: "list";
}

/** `--name PATH PATH …` up to the next option, also repeated; empty when not given. */
export interface PathsOption extends TakesValue {
  readonly kind: "paths";
}

/** What one option is. */
export type Option = FlagOption | TextOption | NumberOption | ChoiceOption | ListOption | PathsOption;

/** The options of a command by their names in camel case: `minProgram` is `--min-program`. */
export type Options = Readonly<Record<string, Option>>;

/** What one positional argument is. `many` takes all that remain and must be last. */
export interface Positional extends Described {
  readonly placeholder: string;
  readonly optional?: true;
  readonly many?: true;
  /** The words that are accepted. */
  readonly choices?: readonly string[];
  /** It is no path: shells complete nothing. */
  readonly plain?: true;
}

/** The positional arguments of a command, in their order. */
export type Positionals = Readonly<Record<string, Positional>>;

type ValueOf<O extends Option> = O extends FlagOption ? boolean
  : O extends TextOption ? string
  : O extends NumberOption ? number
  : O extends ChoiceOption ? O["choices"][number]
  : readonly string[];

type AlwaysThere<O extends Option> = O extends { required: true } | { default: unknown } ? true
  : O extends { kind: "flag"; negatable: true } ? false
  : O extends { kind: "flag" | "list" | "paths" } ? true
  : false;

type OptionValues<O extends Options> =
  & { readonly [K in keyof O as AlwaysThere<O[K]> extends true ? K : never]: ValueOf<O[K]> }
  & { readonly [K in keyof O as AlwaysThere<O[K]> extends true ? never : K]?: ValueOf<O[K]> };

type PositionalValues<P extends Positionals> =
  & { readonly [K in keyof P as P[K] extends { many: true } ? K : never]: readonly string[] }
  & {
    readonly [K in keyof P as P[K] extends { many: true } | { optional: true } ? never : K]: WordOf<P[K]>;
  }
  & { readonly [K in keyof P as P[K] extends { many: true } ? never : K]?: WordOf<P[K]> };

type WordOf<P extends Positional> = P extends { choices: readonly (infer Word)[] } ? Word : string;

/**
 * The values that a command's table gives its `run`: those that are required or have a default are always there, the
 * others are absent (not `undefined`) unless the command line gives them.
 */
export type Values<O extends Options, P extends Positionals> = OptionValues<O> & PositionalValues<P>;

/** The name on the command line: `minProgram` is `min-program`. */
export function flagName(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** What stands for an option's value in the help and in messages; empty for flags. */
export function placeholderOf(option: Option): string {
  if (option.kind === "flag") return "";
  if (option.placeholder !== undefined) return option.placeholder;
  if (option.kind === "choice") return option.choices.join("|");
  return {
    string: "TEXT",
    path: "PATH",
    integer: "N",
    number: "X",
    list: "LIST",
    paths: "PATH...",
  }[option.kind];
}
