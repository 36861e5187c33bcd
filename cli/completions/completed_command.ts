import type { CommandEntry } from "../command.ts";
import { flagName, type Option, placeholderOf } from "../options.ts";

/** What a shell offers in a place: nothing, as for numbers; files and folders; or these words. */
export type Offer = "nothing" | "files" | readonly string[];

/** An option as a shell completes it. */
export interface CompletedOption {
  /** With its dashes: `--no-decay`. */
  readonly flag: string;
  readonly help: string;
  /** Its value; undefined for a flag. */
  readonly value?: {
    readonly placeholder: string;
    readonly offer: Offer;
    /** Whether all words up to the next option are values. */
    readonly many: boolean;
  };
}

/** A command as a shell completes it. */
export interface CompletedCommand {
  /** One word, or two: `data cpu`. */
  readonly name: string;
  readonly summary: string;
  readonly options: readonly CompletedOption[];
  /** What stands in the place of words that belong to no option. */
  readonly words: { readonly placeholder: string; readonly offer: Offer };
}

/** Reads the command table, and the file of every command. */
export async function completedCommands(table: readonly CommandEntry[]): Promise<CompletedCommand[]> {
  return await Promise.all(table.map(async ({ name, summary, load }) => {
    const { default: { options, positionals } } = await load();
    const [first] = Object.values(positionals);
    return {
      name,
      summary,
      options: [
        ...Object.entries(options).flatMap(([key, option]) => completedOptions(flagName(key), option)),
        { flag: "--help", help: "print the command's help" },
      ],
      words: {
        placeholder: first?.placeholder ?? "",
        offer: first?.choices ?? (first === undefined || first.plain ? "nothing" : "files"),
      },
    };
  }));
}

/** The groups of commands with their members: `data` with `cpu`, `speech`, …; a command of one word is its own group. */
export function grouped(commands: readonly CompletedCommand[]): Map<string, readonly CompletedCommand[]> {
  return Map.groupBy(commands, ({ name }) => name.split(" ")[0]!);
}

function completedOptions(name: string, option: Option): CompletedOption[] {
  const { help } = option;
  if (option.kind !== "flag") {
    const value = {
      placeholder: placeholderOf(option),
      offer: offerOf(option),
      many: option.kind === "paths",
    };
    return [{ flag: `--${name}`, help, value }];
  }
  const negation = { flag: `--no-${name}`, help: `do not: ${help}` };
  return [{ flag: `--${name}`, help }, ...option.negatable ? [negation] : []];
}

function offerOf(option: Option): Offer {
  if (option.kind === "choice") return option.choices;
  return option.kind === "path" || option.kind === "paths" ? "files" : "nothing";
}
