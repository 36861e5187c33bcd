import type { MidiNote, MidiNotes } from "./midi_notes.ts";

/** How well the notes of one piece agree with those of another. */
export interface NoteScore {
  /** Notes that should be there. */
  readonly expectedCount: number;
  /** Notes that are there. */
  readonly actualCount: number;
  /** Notes that both have. */
  readonly matchedCount: number;
  /** Share of the actual notes that are expected; 1 where there are none of either. */
  readonly precision: number;
  /** Share of the expected notes that are there; 1 where there are none of either. */
  readonly recall: number;
  /** Harmonic mean of precision and recall; 1 where there are no notes. */
  readonly f1: number;
  /** Every note matches, and there is no other. */
  readonly exact: boolean;
}

/**
 * Compares notes by pitch, onset and duration, whatever their channel and loudness. Times are compared in
 * beats, exactly; each note matches one note at most.
 */
export function scoreNotes(expected: MidiNotes, actual: MidiNotes): NoteScore {
  // Times of both in units that divide the ticks of either.
  const unmatched = new Map<string, number>();
  for (const note of expected.notes) {
    const key = keyOf(note, actual.ticksPerBeat);
    unmatched.set(key, (unmatched.get(key) ?? 0) + 1);
  }
  let matchedCount = 0;
  for (const note of actual.notes) {
    const key = keyOf(note, expected.ticksPerBeat);
    const left = unmatched.get(key) ?? 0;
    if (left === 0) continue;
    unmatched.set(key, left - 1);
    matchedCount++;
  }
  const expectedCount = expected.notes.length;
  const actualCount = actual.notes.length;
  return {
    expectedCount,
    actualCount,
    matchedCount,
    precision: actualCount === 0 ? Number(expectedCount === 0) : matchedCount / actualCount,
    recall: expectedCount === 0 ? Number(actualCount === 0) : matchedCount / expectedCount,
    f1: expectedCount + actualCount === 0 ? 1 : 2 * matchedCount / (expectedCount + actualCount),
    exact: matchedCount === expectedCount && matchedCount === actualCount,
  };
}

function keyOf({ pitch, onsetTicks, durationTicks }: MidiNote, unitsOfTick: number): string {
  return `${pitch} ${onsetTicks * unitsOfTick} ${durationTicks * unitsOfTick}`;
}
