import { parseMidiNotes } from "@bgpt/tasks";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { endOfTrack, midiFile } from "./midi_files.ts";

Deno.test("notes have pitch, onset, duration and channel, with running status and either way to end", () => {
  const track = [
    ...[0, 0xff, 0x03, 2, 65, 66], // a name
    ...[0, 0x90, 60, 100, 10, 64, 100], // two notes, the second by running status
    ...[5, 60, 0], // loudness 0 ends the first
    ...[0, 0xf0, 1, 0xf7], // system exclusive: no running status after it
    ...[0x81, 0, 0x80, 64, 0], // 128 ticks later
    ...[0, 0xc1, 5, 0, 0x91, 60, 1],
    ...[7, ...endOfTrack.slice(1)], // the last note lasts until here
  ];
  const { ticksPerBeat, notes } = parseMidiNotes(midiFile([track, endOfTrack], 96));
  assertEquals(ticksPerBeat, 96);
  assertEquals(notes, [
    { pitch: 60, onsetTicks: 0, durationTicks: 15, channel: 0 },
    { pitch: 64, onsetTicks: 10, durationTicks: 133, channel: 0 },
    { pitch: 60, onsetTicks: 143, durationTicks: 7, channel: 1 },
  ]);
});

Deno.test("of two notes of one pitch the first to sound is the first to end", () => {
  const track = [0, 0x90, 60, 1, 10, 60, 1, 10, 60, 0, 10, 60, 0, ...endOfTrack];
  const durations = parseMidiNotes(midiFile([track])).notes.map((note) => note.durationTicks);
  assertEquals(durations, [20, 20]);
});

Deno.test("chunks of other programs, a longer header and an end without a beginning are no obstacle", () => {
  const file = [...midiFile([[0, 0x80, 60, 0, ...endOfTrack]])];
  file.splice(14, 0, 1, 2, ...[0x58, 0x46, 0x49, 0x48, 0, 0, 0, 3, 9, 9, 9]);
  file[7] = 8;
  assertEquals(parseMidiNotes(Uint8Array.from(file)).notes, []);
});

Deno.test("a file that is none is refused with the byte and the reason", () => {
  const refused: readonly (readonly [readonly number[], string])[] = [
    [[], "it does not begin with a header"],
    [[...midiFile([endOfTrack])].with(12, 0xe8), "ticks of a beat are required"],
    [[...midiFile([endOfTrack])].with(11, 2), "track 2 of 2 is missing at byte 26"],
    [[...midiFile([endOfTrack])].with(21, 5), "the chunk at byte 14 says that it has 5 bytes, 4 are left"],
    [[...midiFile([[0, 0x90, 60, 1]])], "the track at byte 22 has no end-of-track event in its 4 bytes"],
    [[...midiFile([[...endOfTrack, 0]])], "a track ends at byte 26, its length says 27"],
    [[...midiFile([[0, 60, 1, ...endOfTrack]])], "byte 23 is 60, a status from 128 on is required"],
    [
      [...midiFile([[0, 0x90, 60, 1, 0, 0xf0, 1, 0xf7, 0, 60, 0]])],
      "byte 31 is 60, a status from 128 on is required",
    ],
    [[...midiFile([[0, 0x90, 60, 200]])], "byte 25 is 200, a data byte below 128 is required"],
    [[...midiFile([[0x80, 0x80, 0x80, 0x80, 0, 0x90, 1, 1]])], "has more than four bytes"],
    [[...midiFile([[0, 0xf8]])], "byte 23 is the status 248, which files do not have"],
    [[...midiFile([[0, 0xff, 1, 9, 1]])], "says that it has 9 bytes, 1 are left"],
    [[...midiFile([[0, 0x90, 60]])], "the event at byte 22 has no end"],
  ];
  for (const [bytes, reason] of refused) {
    const error = assertThrows(() => parseMidiNotes(Uint8Array.from(bytes)), SyntaxError, reason);
    assert(error.message.startsWith("Cannot read MIDI: "), error.message);
  }
});

Deno.test("bytes within a larger buffer are read where they stand", () => {
  const file = midiFile([[0, 0x90, 60, 1, 5, 60, 0, ...endOfTrack]]);
  const buffer = Uint8Array.from([1, 2, 3, ...file]);
  assertEquals(parseMidiNotes(buffer.subarray(3)), parseMidiNotes(file));
});
