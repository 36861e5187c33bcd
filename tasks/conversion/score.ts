/**
 * How right conversions are, by what a listener gets: whether an output parses, and whether its notes are those of the
 * expected file.
 * @module
 */
import { parseMidiNotes } from "../music/midi_notes.ts";
import { scoreNotes } from "../music/note_score.ts";
import { trueTrackLengths } from "../music/true_track_lengths.ts";

/** One output beside what was expected. */
export interface ScoredConversion {
  /** The partner of the source. */
  readonly expected: Uint8Array;
  /** As it was generated. */
  readonly actual: Uint8Array;
  /** Whether the model ended it. */
  readonly ended: boolean;
  /** The music of both, where it is known. */
  readonly music?: ComparedMusic;
}

/** The music of an expected file and of an output, as MIDI, whose track lengths may be wrong in the output. */
export interface ComparedMusic {
  /** What it should be. */
  readonly expected: Uint8Array;
  /** Absent where the output could not be made MIDI. */
  readonly actual?: Uint8Array;
}

/** The score of a set of outputs, fit for JSON. */
export interface ConversionScoreReport {
  /** How many there are. */
  readonly outputs: number;
  /** That the model ended. */
  readonly ended: number;
  /** Whose bytes are all as expected. */
  readonly exact: number;
  /** The music of those where it is known; absent where there is none. */
  readonly music?: MusicScore;
}

/** How right the music of outputs is; a note is right with its pitch, onset and duration. */
export interface MusicScore {
  /** How many there are. */
  readonly outputs: number;
  /** That parse as they were generated. */
  readonly parsed: number;
  /** That parse once track lengths are made true; only their notes count. */
  readonly playable: number;
  /** That have every note right, and no other. */
  readonly allNotesRight: number;
  /** Notes of all expected files. */
  readonly expectedNotes: number;
  /** Notes of the outputs that are playable. */
  readonly actualNotes: number;
  /** Of which those are expected. */
  readonly rightNotes: number;
  /** Share of all notes of the outputs that are right; 0 where there are none. */
  readonly precision: number;
  /** Share of all expected notes that are there; those of an output that is not playable are not. */
  readonly recall: number;
  /** Harmonic mean of precision and recall. */
  readonly f1: number;
}

/** Scores output after output, so that they need not be kept. */
export class ConversionScore {
  readonly #all = { outputs: 0, ended: 0, exact: 0 };
  readonly #music = {
    outputs: 0,
    parsed: 0,
    playable: 0,
    allNotesRight: 0,
    expectedNotes: 0,
    actualNotes: 0,
    rightNotes: 0,
  };

  /**
   * Adds an output.
   * @throws {SyntaxError} when the expected music is no MIDI file
   */
  add({ expected, actual, ended, music }: ScoredConversion): void {
    this.#all.outputs++;
    if (ended) this.#all.ended++;
    if (sameBytes(expected, actual)) this.#all.exact++;
    if (music !== undefined) this.#addMusic(music);
  }

  /** The score of all outputs so far. */
  report(): ConversionScoreReport {
    const { expectedNotes, actualNotes, rightNotes } = this.#music;
    const music: MusicScore = {
      ...this.#music,
      precision: share(rightNotes, actualNotes),
      recall: share(rightNotes, expectedNotes),
      f1: share(2 * rightNotes, expectedNotes + actualNotes),
    };
    return { ...this.#all, ...(music.outputs > 0 && { music }) };
  }

  #addMusic({ expected, actual }: ComparedMusic): void {
    const expectedNotes = parseMidiNotes(expected);
    const isParsed = actual !== undefined && unlessSyntaxError(() => parseMidiNotes(actual)) !== undefined;
    const actualNotes = actual && unlessSyntaxError(() => parseMidiNotes(trueTrackLengths(actual)));
    const score = scoreNotes(expectedNotes, actualNotes ?? { ...expectedNotes, notes: [] });
    this.#music.outputs++;
    if (isParsed) this.#music.parsed++;
    if (actualNotes !== undefined) this.#music.playable++;
    if (actualNotes !== undefined && score.exact) this.#music.allNotesRight++;
    this.#music.expectedNotes += score.expectedCount;
    this.#music.actualNotes += score.actualCount;
    this.#music.rightNotes += score.matchedCount;
  }
}

function unlessSyntaxError<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

function share(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}
