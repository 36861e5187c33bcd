/**
 * How right predictions of CPU states are, beside the trivial predictor, which already has about 95 % of the bytes.
 * Counted are the states 1..n of each file: state 0 is random, and given to every predictor.
 * @module
 */
import { instructionTable, type Mnemonic } from "./instructions.ts";
import { stateBytes, stateOffsets } from "./machine.ts";
import type { StateFile } from "./state_file.ts";
import { trivialFreeRunning, trivialTeacherForced } from "./trivial_predictor.ts";

/**
 * What was predicted for one file: the states 1..n, 16 values each. A value may be 256, the end of the file, which is
 * never right. What is missing at the end is wrong; what stands beyond state n makes the run wrong, and counts no
 * further.
 */
export interface StatePredictions {
  /** Each state predicted from the true states before it; leave out where it was not done. */
  readonly teacherForced?: Uint8Array | Uint16Array;
  /** Each state predicted from the predicted ones before it, state 0 given; leave out where it was not done. */
  readonly freeRunning?: Uint8Array | Uint16Array;
}

/** How many bytes and whole states there are, or are right. */
export interface StateTally {
  /** Of 16 in each state. */
  bytes: number;
  /** Of which all 16 bytes count. */
  states: number;
}

/** How many bytes, whole states and whole runs (all states of a file) there are, or are right. */
export interface RunTally extends StateTally {
  /** Of which all states count. */
  runs: number;
}

/** Tallies side by side. */
export interface Compared<Tally> {
  /** What there is. */
  readonly total: Tally;
  /** What the predictions have right. */
  readonly predicted: Tally;
  /** What the trivial predictor has right. */
  readonly trivial: Tally;
}

/**
 * The instruction whose execution a state shows: that of state k is instruction k−2, so `none` in state 1, and `HLT`,
 * after which no state is written, in no state.
 */
export type ShownInstruction = Mnemonic | "none";

/** The score of all files that were predicted in one mode. */
export interface ModeScore extends Compared<RunTally> {
  /** By the instruction that a state shows, in order of opcode; only those that occur. */
  readonly byInstruction: Partial<Record<ShownInstruction, Compared<StateTally>>>;
}

/** The score of a set of files, fit for JSON; a mode in which nothing was predicted is left out. */
export interface StateScoreReport {
  /** Each state from the true ones before it. */
  readonly teacherForced?: ModeScore;
  /** Each state from the predicted ones before it, so a state can be wrong for any earlier instruction. */
  readonly freeRunning?: ModeScore;
}

/**
 * Scores file after file, so that predictions need not be kept.
 *
 * @example
 * ```ts
 * import { cpuStateFile, parseStateFile, StateScore, trivialTeacherForced } from "@bgpt/tasks";
 * const score = new StateScore();
 * const file = parseStateFile(cpuStateFile(0, { seed: 1 }));
 * score.add(file, { teacherForced: trivialTeacherForced(file) });
 * const report = score.report();
 * ```
 */
export class StateScore {
  readonly #teacherForced = new ModeCounter();
  readonly #freeRunning = new ModeCounter();

  /** Adds what was predicted for one file. */
  add(file: StateFile, predictions: StatePredictions): void {
    const { teacherForced, freeRunning } = predictions;
    if (teacherForced) this.#teacherForced.add(file, teacherForced, trivialTeacherForced(file));
    if (freeRunning) this.#freeRunning.add(file, freeRunning, trivialFreeRunning(file));
  }

  /** The score of all files so far. */
  report(): StateScoreReport {
    const teacherForced = this.#teacherForced.score();
    const freeRunning = this.#freeRunning.score();
    return {
      ...(teacherForced.total.runs > 0 ? { teacherForced } : {}),
      ...(freeRunning.total.runs > 0 ? { freeRunning } : {}),
    };
  }
}

/**
 * Scores a set of files at once.
 * @param files the true files
 * @param predictions those of each file, in the same order
 * @throws {RangeError} when there are not as many predictions as files
 */
export function scoreStates(
  files: readonly StateFile[],
  predictions: readonly StatePredictions[],
): StateScoreReport {
  if (files.length !== predictions.length) {
    throw new RangeError(
      `Cannot score ${predictions.length} predictions of ${files.length} files: one of each file is required`,
    );
  }
  const score = new StateScore();
  files.forEach((file, i) => score.add(file, predictions[i]!));
  return score.report();
}

class ModeCounter {
  readonly #all = { total: noRuns(), predicted: noRuns(), trivial: noRuns() };
  /** By opcode + 1; 0 is `none`. */
  readonly #shown = Array.from({ length: instructionTable.length + 1 }, () => ({
    total: noStates(),
    predicted: noStates(),
    trivial: noStates(),
  }));

  add(file: StateFile, predicted: ArrayLike<number>, trivial: ArrayLike<number>): void {
    this.#addRun("total", file, file.states.subarray(stateBytes)); // the truth has everything right
    this.#addRun("predicted", file, predicted);
    this.#addRun("trivial", file, trivial);
  }

  score(): ModeScore {
    const names = ["none", ...instructionTable.map((kind) => kind.mnemonic)];
    const rows = this.#shown.map((tallies, i) => [names[i]!, structuredClone(tallies)] as const);
    return {
      ...structuredClone(this.#all),
      byInstruction: Object.fromEntries(rows.filter(([, tallies]) => tallies.total.states > 0)),
    };
  }

  #addRun(who: keyof Compared<RunTally>, file: StateFile, values: ArrayLike<number>): void {
    const { states, instructionCount } = file;
    let wholeRun = values.length === instructionCount * stateBytes;
    for (let k = 1; k <= instructionCount; k++) {
      const bytes = bytesRight(file, values, k);
      const wholeState = bytes === stateBytes;
      wholeRun &&= wholeState;
      const executed = k === 1 ? 0 : states[(k - 1) * stateBytes + stateOffsets.ir]! + 1;
      for (const tally of [this.#all[who], this.#shown[executed]![who]]) {
        tally.bytes += bytes;
        if (wholeState) tally.states++;
      }
    }
    if (wholeRun) this.#all[who].runs++;
  }
}

/** How many of the 16 bytes of state k are right. */
function bytesRight(file: StateFile, predicted: ArrayLike<number>, k: number): number {
  let right = 0;
  for (let i = k * stateBytes; i < (k + 1) * stateBytes; i++) {
    if (predicted[i - stateBytes] === file.states[i]) right++;
  }
  return right;
}

function noStates(): StateTally {
  return { bytes: 0, states: 0 };
}

function noRuns(): RunTally {
  return { bytes: 0, states: 0, runs: 0 };
}
