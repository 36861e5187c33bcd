import { DeviceError } from "@bgpt/kernels";
import { ownLaunch } from "./mpi/launcher.ts";
import { complain, note } from "./terminal.ts";

/** A wrong command line: the command did not start. It ends the program with exit code 2. */
export class UsageError extends Error {
  override name = "UsageError";
}

/** Exit code of a program whose device failed. */
export const deviceErrorCode = 3;

/** A failure that was told already, by another process. It ends the program with its code. */
export class ToldError extends Error {
  override name = "ToldError";
  readonly code: number;

  constructor(code: number) {
    super(`Ended with code ${code}`);
    this.code = code;
  }
}

/**
 * Says on stderr, in one line, why the program ends; with `BGPT_DEBUG=1` the stack follows.
 *
 * @returns the exit code: 2 for a wrong command line, 3 where the device failed, 1 for everything else
 */
export function reportError(error: unknown): number {
  // What fails while a failure is cleaned up after, says less than that failure.
  if (error instanceof SuppressedError) return reportError(error.suppressed);
  if (error instanceof ToldError) return error.code;
  const message = error instanceof Error ? error.message || error.name : String(error);
  const rank = ownLaunch?.rank ?? 0;
  // All ranks were given the same command line.
  if (rank > 0 && error instanceof UsageError) return 2;
  complain(`${rank > 0 ? `rank ${rank}: ` : ""}${message.replace(/\s*\n\s*/g, " ").trim()}`);
  if (Deno.env.get("BGPT_DEBUG") === "1" && error instanceof Error) note(stackOf(error));
  if (error instanceof UsageError) return 2;
  return isOfDevice(error) ? deviceErrorCode : 1;
}

function isOfDevice(error: unknown): boolean {
  return error instanceof Error && (error instanceof DeviceError || isOfDevice(error.cause));
}

function stackOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by ${stackOf(error.cause)}` : "";
  return `${error.stack ?? error.message}${cause}`;
}
