/**
 * The command line program `bgpt`.
 *
 * @example
 * ```ts
 * import { main } from "@bgpt/cli";
 * const exitCode = await main(["data", "cpu", "--help"]);
 * ```
 * @module
 */
import { findCommand } from "./command.ts";
import { commands } from "./commands.ts";
import config from "./deno.json" with { type: "json" };
import { reportError, UsageError } from "./errors.ts";
import { commandHelp, programHelp } from "./help.ts";
import { leaveRanks } from "./mpi/ranks.ts";
import { ClosedOutputError, print } from "./terminal.ts";

/**
 * Runs one command line.
 *
 * @param args the words after `bgpt`
 * @returns the exit code: 0 done, 1 failed, 2 wrong usage, 3 the device failed
 */
export async function main(args: readonly string[]): Promise<number> {
  try {
    await runCommandLine(args);
    return 0;
  } catch (error) {
    return exitCodeOf(error);
  }
}

async function runCommandLine(args: readonly string[]): Promise<void> {
  const ownWords = args.includes("--") ? args.slice(0, args.indexOf("--")) : args;
  const asksHelp = ownWords.includes("--help") || ownWords.includes("-h") || args[0] === "help";
  const request = findCommand(args[0] === "help" ? args.slice(1) : args, commands);
  switch (request.kind) {
    case "command": {
      const { default: command } = await request.entry.load();
      if (asksHelp) return print(commandHelp(request.entry, command));
      return await command.execute(request.args);
    }
    case "group":
      if (asksHelp) return print(programHelp(request.entries, config.version, request.name));
      throw new UsageError(`Missing command after "${request.name}". See bgpt ${request.name} --help`);
    case "nothing":
      if (asksHelp) return print(programHelp(commands, config.version));
      if (args[0] === "--version") return print(`bgpt ${config.version}`);
      throw new UsageError(
        args[0] === undefined
          ? "Missing command. See bgpt --help"
          : `Unknown option "${args[0]}". See bgpt --help`,
      );
  }
}

/** A reader of stdout that has gone, as in `bgpt info … | head`, is no failure. */
function exitCodeOf(error: unknown): number {
  return error instanceof ClosedOutputError ? 0 : reportError(error);
}

if (import.meta.main) {
  // What nobody awaits, such as an error of the GPU, ends the program in one line too.
  const exit = async (code: number) => {
    await leaveRanks(code);
    Deno.exit(code);
  };
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    exit(exitCodeOf(event.reason));
  });
  globalThis.addEventListener("error", (event) => {
    event.preventDefault();
    exit(exitCodeOf(event.error));
  });
  await exit(await main(Deno.args));
}
