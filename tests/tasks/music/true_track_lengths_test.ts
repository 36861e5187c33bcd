import { parseMidiNotes, trueTrackLengths } from "@bgpt/tasks";
import { RandomStream } from "@bgpt/core";
import { assertEquals, assertThrows } from "@std/assert";
import { sharedPath } from "../../shared.ts";
import { endOfTrack, midiFile, publishedMidi } from "./midi_files.ts";

const note = [0, 0x90, 60, 1, 5, 60, 0];
const file = midiFile([[...note, ...endOfTrack], [...note, 3, ...endOfTrack.slice(1)]]);

Deno.test("a file with true lengths stays as it is", () => {
  for (const bytes of [file, ...publishedMidi()]) {
    if (parses(bytes)) assertEquals(trueTrackLengths(bytes), bytes);
  }
});

Deno.test("lengths that lie are made true, too long and too short alike", () => {
  for (const length of [0, 1, 10, 12, 255]) {
    for (const track of [21, 40]) {
      assertEquals(trueTrackLengths(file.with(track, length)), file, `length ${length} at byte ${track}`);
    }
  }
  assertEquals(trueTrackLengths(file.with(18, 200)), file);
  assertEquals(trueTrackLengths(file.with(11, 7)), file, "the number of tracks");
});

Deno.test("the published file that a model made is mended to the notes that it plays", {
  ignore: sharedPath("spec", "vectors") === undefined,
}, () => {
  for (const bytes of publishedMidi()) {
    const lying = bytes.slice();
    lying.set([0, 0, 0, 1], 18);
    assertEquals(parses(lying), false);
    assertEquals(trueTrackLengths(lying), trueTrackLengths(bytes));
  }
});

Deno.test("a track without an end gets one, behind its last whole event", () => {
  const expected = midiFile([[...note, ...endOfTrack]]);
  for (const cut of [[], [0], [0, 0x90], [0, 0x90, 60], [0, 0xf8, 1, 2, 3], [0, 0xff, 0x01, 100, 1]]) {
    assertEquals(trueTrackLengths(midiFile([[...note, ...cut]])), expected, `after it: ${cut}`);
  }
  // The head of a track ends it too, even of one that is cut off.
  const twice = midiFile([[...note, ...endOfTrack], [...note, ...endOfTrack]]);
  assertEquals(trueTrackLengths(midiFile([note, [...note, ...endOfTrack]])), twice);
  assertEquals(trueTrackLengths(Uint8Array.from([...midiFile([note]), 0x4d, 0x54, 0x72, 0x6b, 0])), expected);
});

Deno.test("what is no MIDI at all cannot be mended", () => {
  assertThrows(() => trueTrackLengths(new Uint8Array()), SyntaxError, "it does not begin with a header");
  assertThrows(() => trueTrackLengths(file.subarray(0, 14)), SyntaxError, "no track, MTrk, is in it");
});

Deno.test("whatever is damaged, a mended file can be read, and mending it again changes nothing", () => {
  const random = new RandomStream(3, 1);
  let mended = 0;
  for (const whole of [file, ...publishedMidi()]) {
    for (let round = 0; round < 1000; round++) {
      const bytes = whole.slice(0, round % 3 === 0 ? random.below(whole.length) : whole.length);
      for (let flips = random.below(5); flips > 0; flips--) {
        // The header's division cannot be mended: it is left alone.
        const at = random.below(bytes.length);
        if (at >= 14) bytes[at] = random.below(256);
      }
      try {
        const result = trueTrackLengths(bytes);
        parseMidiNotes(result);
        assertEquals(trueTrackLengths(result), result);
        mended++;
      } catch (error) {
        assertEquals((error as Error).message.split(":")[0], "Cannot mend MIDI", `${(error as Error).stack}`);
      }
    }
  }
  assertEquals(mended > 700, true, `${mended} were mended`);
});

Deno.test("a file made to be slow is not", () => {
  const heads = [0x4d, 0x54, 0x72, 0x6b, 0, 0xff, 0xff, 0xff];
  const timed = (noteCount: number): number => {
    const tracks = Uint8Array.from({ length: 10 * noteCount }, (_, i) => heads[i % 8]!);
    const on = Array.from({ length: 2 * noteCount }, (_, i) => [0, i < noteCount ? 0x90 : 0x80, 60, 1])
      .flat();
    const start = performance.now();
    trueTrackLengths(Uint8Array.from([...file.subarray(0, 14), ...tracks]));
    assertEquals(parseMidiNotes(midiFile([[...on, ...endOfTrack]])).notes.length, noteCount);
    return performance.now() - start;
  };
  // Four times as much takes four times as long, or sixteen times where the time is quadratic, on any machine.
  const quarterMs = Math.max(timed(25_000), timed(25_000));
  const wholeMs = Math.min(timed(100_000), timed(100_000));
  assertEquals(wholeMs < 10 * quarterMs, true, `${quarterMs} ms, and ${wholeMs} ms for four times as much`);
});

function parses(bytes: Uint8Array): boolean {
  try {
    parseMidiNotes(bytes);
    return true;
  } catch {
    return false;
  }
}
