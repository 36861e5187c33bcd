import { note, paint } from "./terminal.ts";

/** A wrong command line: the command did not start. It ends the program with exit code 2. */
export class UsageError extends Error {
  override name = "UsageError";
}

/**
 * Says on stderr, in one line, why the program ends; with `BGPT_DEBUG=1` the stack follows.
 *
 * @returns the exit code: 2 for a wrong command line, 1 for everything else
 */
export function reportError(error: unknown): number {
  // What fails while a failure is cleaned up after, says less than that failure.
  if (error instanceof SuppressedError) return reportError(error.suppressed);
  const message = error instanceof Error ? error.message || error.name : String(error);
  note(`${paint("error:", "red", "stderr")} ${message.replace(/\s*\n\s*/g, " ").trim()}`);
  if (Deno.env.get("BGPT_DEBUG") === "1" && error instanceof Error) note(stackOf(error));
  return error instanceof UsageError ? 2 : 1;
}

function stackOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by ${stackOf(error.cause)}` : "";
  return `${error.stack ?? error.message}${cause}`;
}
