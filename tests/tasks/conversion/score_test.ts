import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { ConversionScore } from "@bgpt/tasks";
import { endOfTrack, midiFile } from "../music/midi_files.ts";

/** Notes one after the other, 60 ticks each. */
const tune = (...pitches: number[]) =>
  midiFile([[...pitches.flatMap((pitch) => [0, 0x90, pitch, 90, 60, pitch, 0]), ...endOfTrack]]);

function scoreOf(...outputs: { expected: Uint8Array; actual: Uint8Array; ended?: boolean }[]) {
  const score = new ConversionScore();
  for (const { expected, actual, ended = true } of outputs) {
    score.add({ expected, actual, ended, music: { expected, actual } });
  }
  return score.report();
}

Deno.test("notes are averaged over all outputs, not output by output", () => {
  const { outputs, ended, exact, music } = scoreOf(
    { expected: tune(60, 62, 64), actual: tune(60, 62, 64) },
    { expected: tune(60), actual: tune(60, 61, 63), ended: false },
    { expected: tune(60, 62), actual: tune(61) },
  );
  assertEquals({ outputs, ended, exact }, { outputs: 3, ended: 2, exact: 1 });
  const { precision, recall, f1, ...counts } = music!;
  assertEquals(counts, {
    outputs: 3,
    parsed: 3,
    playable: 3,
    allNotesRight: 1,
    expectedNotes: 6,
    actualNotes: 7,
    rightNotes: 4,
  });
  for (const [actual, expected] of [[precision, 4 / 7], [recall, 4 / 6], [f1, 8 / 13]] as const) {
    assertAlmostEquals(actual, expected);
  }
});

Deno.test("an output whose lengths lie does not parse, but plays; one that is no MIDI does neither, and lacks all notes", () => {
  const expected = tune(60, 62);
  const { exact, music } = scoreOf(
    { expected, actual: expected.with(21, 200) },
    { expected, actual: new Uint8Array(40) },
  );
  const { parsed, playable, allNotesRight, expectedNotes, actualNotes, rightNotes, precision, recall } =
    music!;
  assertEquals([exact, parsed, playable, allNotesRight], [0, 0, 1, 1]);
  assertEquals([expectedNotes, actualNotes, rightNotes, precision, recall], [4, 2, 2, 1, 0.5]);
});

Deno.test("an output that plays nothing where nothing is expected is right; one that is no MIDI is not", () => {
  const { music } = scoreOf({ expected: tune(), actual: tune() }, {
    expected: tune(),
    actual: new Uint8Array(),
  });
  assertEquals([music!.allNotesRight, music!.precision, music!.recall], [1, 0, 0]);
});

Deno.test("without music the bytes alone are compared", () => {
  const score = new ConversionScore();
  const bytes = Uint8Array.of(1, 2);
  score.add({ expected: bytes, actual: bytes.slice(), ended: true });
  score.add({ expected: bytes, actual: bytes.subarray(0, 1), ended: true });
  assertEquals(score.report(), { outputs: 2, ended: 2, exact: 1 });
});

Deno.test("an output that could not be made MIDI does not parse; an expected file that is none is refused", () => {
  const score = new ConversionScore();
  const none = { expected: new Uint8Array(), actual: new Uint8Array(1), ended: true };
  score.add({ ...none, music: { expected: tune(60) } });
  assertEquals([score.report().music!.outputs, score.report().music!.parsed], [1, 0]);
  assertThrows(
    () => score.add({ ...none, music: { expected: new Uint8Array() } }),
    SyntaxError,
    "Cannot read MIDI",
  );
});
