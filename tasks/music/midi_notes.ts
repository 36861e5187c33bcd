import {
  chunkHeadBytes,
  hasChunkName,
  isEndOfTrack,
  midiHeaderBytes,
  readMidiEvent,
  runningStatusAfter,
  uint32At,
} from "./midi_events.ts";

/** A note as it sounds. */
export interface MidiNote {
  /** Its key, 0 to 127; 60 is middle C. */
  readonly pitch: number;
  /** Ticks from the start of the piece. */
  readonly onsetTicks: number;
  /** Ticks until it ends. */
  readonly durationTicks: number;
  /** 0 to 15. */
  readonly channel: number;
}

/** The notes of a MIDI file. */
export interface MidiNotes {
  /** Ticks of a quarter note. */
  readonly ticksPerBeat: number;
  /** Sorted by onset, then pitch, channel and duration. */
  readonly notes: readonly MidiNote[];
}

/**
 * The notes of a Standard MIDI File. It reads strictly, as a player may: every track has the length that it says, and
 * its end stands there. A note that is not ended lasts until its track ends.
 * @throws {SyntaxError} naming the byte where it is no such file; also when times count frames rather than beats
 */
export function parseMidiNotes(bytes: Uint8Array): MidiNotes {
  try {
    return parse(bytes);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new SyntaxError(`Cannot read MIDI: ${error.message}`, { cause: error });
  }
}

function parse(bytes: Uint8Array): MidiNotes {
  if (bytes.length < midiHeaderBytes || !hasChunkName(bytes, 0, "MThd")) {
    throw new SyntaxError("it does not begin with a header, MThd and 10 bytes");
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const trackCount = view.getUint16(10);
  const ticksPerBeat = view.getUint16(12);
  if (ticksPerBeat === 0 || ticksPerBeat >= 0x8000) {
    throw new SyntaxError(`bytes 12 and 13 are ${ticksPerBeat}, 1 to 32767 ticks of a beat are required`);
  }
  const notes: MidiNote[] = [];
  let at = chunkHeadBytes + uint32At(bytes, 4);
  for (let track = 0; track < trackCount;) {
    if (at + chunkHeadBytes > bytes.length) {
      throw new SyntaxError(`track ${track + 1} of ${trackCount} is missing at byte ${at}`);
    }
    const end = at + chunkHeadBytes + uint32At(bytes, at + 4);
    if (end > bytes.length) {
      throw new SyntaxError(
        `the chunk at byte ${at} says that it has ${uint32At(bytes, at + 4)} bytes, ` +
          `${bytes.length - at - chunkHeadBytes} are left`,
      );
    }
    // Chunks of other names are for other programs.
    if (hasChunkName(bytes, at, "MTrk")) {
      readTrack(bytes, at + chunkHeadBytes, end, notes);
      track++;
    }
    at = end;
  }
  notes.sort((a, b) =>
    a.onsetTicks - b.onsetTicks || a.pitch - b.pitch || a.channel - b.channel ||
    a.durationTicks - b.durationTicks
  );
  return { ticksPerBeat, notes };
}

function readTrack(bytes: Uint8Array, start: number, end: number, notes: MidiNote[]): void {
  /** Onsets of notes by channel and pitch, and how many of them, the oldest, have ended. */
  const sounding = new Map<number, { readonly onsets: number[]; ended: number }>();
  let ticks = 0;
  let runningStatus = 0;
  for (let at = start; at < end;) {
    const event = readMidiEvent(bytes, at, end, runningStatus);
    at = event.end;
    runningStatus = runningStatusAfter(event);
    ticks += event.deltaTicks;
    if (isEndOfTrack(event)) {
      if (at !== end) throw new SyntaxError(`a track ends at byte ${at}, its length says ${end}`);
      for (const [key, { onsets, ended }] of sounding) {
        for (const onset of onsets.slice(ended)) notes.push(noteOf(key, onset, ticks));
      }
      return;
    }
    const kind = event.status & 0xf0;
    if (kind !== 0x80 && kind !== 0x90) continue;
    const key = (event.status & 0x0f) << 7 | event.first;
    const same = sounding.get(key) ?? { onsets: [], ended: 0 };
    sounding.set(key, same);
    if (kind === 0x90 && event.second > 0) same.onsets.push(ticks);
    else if (same.ended < same.onsets.length) notes.push(noteOf(key, same.onsets[same.ended++]!, ticks));
  }
  throw new SyntaxError(`the track at byte ${start} has no end-of-track event in its ${end - start} bytes`);
}

function noteOf(key: number, onsetTicks: number, endTicks: number): MidiNote {
  return { pitch: key & 0x7f, onsetTicks, durationTicks: endTicks - onsetTicks, channel: key >> 7 };
}
