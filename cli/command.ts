import { nearestName } from "@bgpt/core";
import { withEmbeddedCheckpoint } from "./embedded_checkpoint.ts";
import { UsageError } from "./errors.ts";
import type { Options, Positionals, Values } from "./options.ts";
import { parseCommandLine } from "./parse.ts";

/** A command line to show in a command's help. */
export interface Example {
  /** What it is for, in a few words. */
  readonly what: string;
  /** The words after `bgpt `. */
  readonly line: string;
}

/** What a command file says about its command. The type of `run`'s argument follows from `options` and `positionals`. */
export interface CommandSpec<O extends Options, P extends Positionals> {
  /** What the command does, in a sentence or a few. */
  readonly description: string;
  readonly positionals?: P;
  readonly options: O;
  readonly examples: readonly Example[];
  readonly run: (values: Values<O, P>) => Promise<void> | void;
}

/** A command with its types rubbed out, as the table holds it. */
export interface Command {
  readonly description: string;
  readonly positionals: Positionals;
  readonly options: Options;
  readonly examples: readonly Example[];
  /**
   * Reads the arguments and runs the command.
   *
   * @throws {UsageError} when the arguments are wrong; the command has not started then
   */
  execute(args: readonly string[]): Promise<void>;
}

/** One row of the command table; the file behind it is loaded only when the command or its help is asked for. */
export interface CommandEntry {
  /** One word, or two for a command of a group, such as `data cpu`. */
  readonly name: string;
  /** One line for the list of commands; no full stop. */
  readonly summary: string;
  readonly load: () => Promise<{ readonly default: Command }>;
}

/**
 * Makes a command of its description; a command file exports one as its default.
 *
 * @example
 * ```ts ignore
 * export default defineCommand({
 *   description: "Counts the bytes of a file.",
 *   positionals: { file: { placeholder: "FILE", help: "the file to count" } },
 *   options: { json: jsonOption, block: { kind: "integer", minimum: 1, default: 512, help: "bytes of a block" } },
 *   examples: [{ what: "count in blocks of 16 bytes", line: "count a.bin --block 16" }],
 *   run: ({ file, block, json }) => {
 *     const blocks = Deno.statSync(file).size / block;
 *     if (json) printJson({ blocks });
 *     else print(`${blocks} blocks`);
 *   },
 * });
 * ```
 */
export function defineCommand<const O extends Options, const P extends Positionals = Record<never, never>>(
  spec: CommandSpec<O, P>,
): Command {
  const { description, examples } = spec;
  const options = withEmbeddedCheckpoint(spec.options);
  // Without positionals the inferred P has no keys, as has this record.
  const positionals = spec.positionals ?? {} as P;
  return {
    description,
    positionals,
    options,
    examples,
    async execute(args: readonly string[]): Promise<void> {
      await spec.run(parseCommandLine(args, options, positionals));
    },
  };
}

/** What the words of a command line ask for. */
export type Request =
  | { readonly kind: "command"; readonly entry: CommandEntry; readonly args: readonly string[] }
  | { readonly kind: "group"; readonly name: string; readonly entries: readonly CommandEntry[] }
  | { readonly kind: "nothing" };

/**
 * Finds the command that the first words name.
 *
 * @throws {UsageError} for an unknown command, with the nearest known one
 */
export function findCommand(args: readonly string[], table: readonly CommandEntry[]): Request {
  const [first, second] = args;
  if (first === undefined || first.startsWith("-")) return { kind: "nothing" };
  const single = table.find((entry) => entry.name === first);
  if (single !== undefined) return { kind: "command", entry: single, args: args.slice(1) };
  const entries = table.filter((entry) => entry.name.startsWith(`${first} `));
  if (entries.length === 0) throw unknownCommand(first, table.map((entry) => entry.name.split(" ")[0]!), "");
  if (second === undefined || second.startsWith("-")) return { kind: "group", name: first, entries };
  const entry = entries.find((entry) => entry.name === `${first} ${second}`);
  if (entry !== undefined) return { kind: "command", entry, args: args.slice(2) };
  throw unknownCommand(second, entries.map((entry) => entry.name.slice(first.length + 1)), `${first} `);
}

function unknownCommand(given: string, known: readonly string[], group: string): UsageError {
  const near = nearestName(given, known);
  const hint = near === undefined ? `See bgpt ${group}--help` : `Did you mean "${group}${near}"?`;
  return new UsageError(`Unknown command "${group}${given}". ${hint}`);
}
