import { newestStep, runIn } from "@bgpt/core/files";
import { deviceErrorCode, ToldError } from "./errors.ts";
import { PassedSignals } from "./passed_signals.ts";
import { note } from "./terminal.ts";
import { formatCount, formatDuration } from "./units.ts";

/** A training run that is restarted when it fails. */
export interface SupervisedRun {
  /** Program and arguments that start it. */
  readonly command: readonly [string, ...string[]];
  /** The run's folder. */
  readonly out: string;
  /** Whether the command starts ranks: then its code is the launcher's, which has its own for one that was killed. */
  readonly ranks?: boolean;
  /** Seconds before each restart in a row without a new checkpoint: so many there are. */
  readonly pauses?: readonly number[];
}

const usualPauses = [1, 5, 25, 125, 625];

/** Of a run that failed. */
const failureCode = 1;
/** Of a wrong command line. */
const usageCode = 2;

/** What Rust ends a process with that panicked: Deno's WebGPU does, within a driver. */
const panicCode = 101;

/**
 * Trains in a process of its own. When its device fails, or a signal or a panic ends it, it is restarted, with `--resume`
 * once its run was begun; any other failure would come again, and ends the supervision. A launcher may end with the code
 * of such a failure when a rank was killed, too (MPICH, where another was just reading the memory of that rank): it is
 * restarted if the run had got further, for what would come again then does so without a new checkpoint. SIGINT and
 * SIGTERM are passed on, and end both.
 * @throws {ToldError} with the exit code of the process, which has said why
 * @throws {Error} when it failed in a row too often without a new checkpoint, or the run has vanished
 */
export async function supervise(
  { command, out, ranks = false, pauses = usualPauses }: SupervisedRun,
): Promise<void> {
  using signals = new PassedSignals();
  let words: readonly [string, ...string[]] = command;
  let inARow = 0;
  let stepBefore = await newestStep(out);
  while (true) {
    const [program, ...args] = words;
    // Detached: the terminal's SIGINT comes from here alone, and once.
    const process = new Deno.Command(program, { args, stdin: "null", detached: true }).spawn();
    signals.passTo(process);
    const { success, code, signal } = await process.status;
    if (success) return;
    const mayHaveCrashed = signal !== null || code === deviceErrorCode || code === panicCode || code > 128 ||
      ranks && code !== usageCode;
    if (signals.received || !mayHaveCrashed) throw new ToldError(code);

    const ended = `Process ${process.pid} ended with ${signal ?? `code ${code}`}`;
    const step = await newestStep(out);
    // A run that was there and is not has lost its disk: nothing may begin in its place.
    if (stepBefore !== undefined && step === undefined) {
      throw new Error(
        `${ended}, and the run in "${out}" is gone. Bring its disk back, then give the same command`,
      );
    }
    const gotFurther = step !== stepBefore;
    if (code === failureCode && !gotFurther) throw new ToldError(code);
    inARow = gotFurther ? 1 : inARow + 1;
    stepBefore = step;
    const what = `${ended}; the run is kept up to step ${step ?? 0}`;
    const pause = pauses[inARow - 1];
    if (pause === undefined) {
      throw new Error(`${what}. It failed ${formatCount(inARow, "time")} in a row without a new checkpoint`);
    }
    note(`${what}. Restart ${inARow} of ${pauses.length} in ${formatDuration(pause)}`);
    if (!await signals.none(pause)) throw new ToldError(code);
    const begun = await runIn(out) !== "nothing";
    words = command.includes("--resume") || !begun ? command : [...command, "--resume"];
  }
}
