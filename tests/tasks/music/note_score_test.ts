import { type MidiNotes, scoreNotes } from "@bgpt/tasks";
import { assertEquals } from "@std/assert";
import fc from "../../fast_check.ts";

const notesOf = (
  notes: readonly (readonly [pitch: number, onset: number, duration: number])[],
  ticksPerBeat = 480,
  channel = 0,
): MidiNotes => ({
  ticksPerBeat,
  notes: notes.map(([pitch, onsetTicks, durationTicks]) => ({ pitch, onsetTicks, durationTicks, channel })),
});

Deno.test("a note matches when pitch, onset and duration do, and once", () => {
  const expected = notesOf([[60, 0, 10], [60, 0, 10], [62, 10, 10], [64, 20, 10]]);
  const actual = notesOf([[60, 0, 10], [61, 10, 10], [62, 11, 10], [64, 20, 11], [60, 0, 10], [60, 0, 10]]);
  assertEquals(scoreNotes(expected, actual), {
    expectedCount: 4,
    actualCount: 6,
    matchedCount: 2,
    precision: 2 / 6,
    recall: 2 / 4,
    f1: 0.4,
    exact: false,
  });
});

Deno.test("times are compared in beats, and channels are not", () => {
  const { exact, f1 } = scoreNotes(notesOf([[60, 480, 240]], 480), notesOf([[60, 96, 48]], 96, 3));
  assertEquals([exact, f1], [true, 1]);
});

Deno.test("without notes on one side nothing is right, without any on both all is", () => {
  const none = notesOf([]);
  const one = notesOf([[60, 0, 1]]);
  const figures = (a: MidiNotes, b: MidiNotes) => {
    const { precision, recall, f1, exact } = scoreNotes(a, b);
    return [precision, recall, f1, exact];
  };
  assertEquals(figures(none, none), [1, 1, 1, true]);
  assertEquals(figures(one, none), [0, 0, 0, false]);
  assertEquals(figures(none, one), [0, 0, 0, false]);
});

Deno.test("precision and recall change places with the sides, and a piece matches itself in any order", () => {
  const note = fc.tuple(fc.integer({ min: 60, max: 62 }), fc.integer({ min: 0, max: 2 }), fc.constant(1));
  fc.assert(fc.property(fc.array(note), fc.array(note), (a, b) => {
    const forth = scoreNotes(notesOf(a), notesOf(b));
    const back = scoreNotes(notesOf(b), notesOf(a));
    assertEquals([forth.precision, forth.recall, forth.f1], [back.recall, back.precision, back.f1]);
    assertEquals(scoreNotes(notesOf(a), notesOf(a.toReversed())).exact, true);
  }));
});
