import { fuzzTests } from "./fuzz.ts";
import { parseMidiNotes, trueTrackLengths } from "@bgpt/tasks";
import { assertEquals, assertThrows } from "@std/assert";
import { endOfTrack, midiFile } from "../tasks/music/midi_files.ts";
import { joined, mutate, mutateParts } from "./mutate.ts";

const tune = [
  0,
  0x90,
  60,
  64,
  120,
  64,
  64,
  0x83,
  0x60,
  0x80,
  60,
  0,
  0,
  0xff,
  0x51,
  3,
  7,
  161,
  32,
  0,
  0xf0,
  2,
  1,
  0xf7,
];
const seeds = [
  midiFile([[...tune, ...endOfTrack]]),
  midiFile([[...tune, ...endOfTrack], [...tune, ...endOfTrack]]),
];

fuzzTests({
  format: "midi",
  seeds,
  read: (bytes) => {
    const mended = trueTrackLengths(bytes);
    const ticksPerBeat = mended[12]! * 256 + mended[13]!;
    // Whatever a model wrote, its mended tracks are read; no other time division than beats is.
    if (ticksPerBeat > 0 && ticksPerBeat < 0x8000) {
      try {
        parseMidiNotes(mended);
      } catch (error) {
        throw new Error(`what was mended cannot be read: ${error}`);
      }
    }
    parseMidiNotes(bytes);
  },
  isOwnError: (error) => error instanceof SyntaxError,
  mutateOwn: (random, seed) => {
    // The events of a track, byte by byte, in a chunk whose length is true.
    const track = mutate(random, seed.subarray(22), [Uint8Array.from(tune), Uint8Array.from(endOfTrack)]);
    const parts = mutateParts(random, [seed.subarray(0, 14), ...midiParts(track)]);
    return joined(...parts);
  },
  mostBytes: { fixed: 1 << 16, perByte: 64 },
});

function midiParts(events: Uint8Array): Uint8Array[] {
  return [midiFile([[...events]]).subarray(14), midiFile([[...events, ...endOfTrack]]).subarray(14)];
}

Deno.test("half a million notes of one byte each under one running status are read in time", () => {
  const events = [
    0,
    0x90,
    60,
    64,
    ...Array.from({ length: 500_000 }, (_, i) => [0, i % 128, 64]).flat(),
    ...endOfTrack,
  ];
  const start = performance.now();
  assertEquals(parseMidiNotes(midiFile([events])).notes.length, 500_001);
  const ms = performance.now() - start;
  if (ms > 5000) throw new Error(`it took ${ms} ms`);
});

Deno.test("a time without an end and a length beyond the file are refused", () => {
  assertThrows(
    () => parseMidiNotes(midiFile([Array(64).fill(0xff)])),
    SyntaxError,
    "has more than four bytes",
  );
  const meta = [0, 0xff, 1, 0xff, 0xff, 0xff, 0x7f];
  assertThrows(
    () => parseMidiNotes(midiFile([[...meta, ...endOfTrack]])),
    SyntaxError,
    "says that it has 268435455",
  );
});
