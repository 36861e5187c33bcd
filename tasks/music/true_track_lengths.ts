import { concatenate } from "../concatenate.ts";
import {
  chunkHeadBytes,
  hasChunkName,
  isEndOfTrack,
  midiHeaderBytes,
  readMidiEvent,
  runningStatusAfter,
} from "./midi_events.ts";
import { parseMidiNotes } from "./midi_notes.ts";

/** The event that ends a track, at once after the event before. */
const endOfTrack = Uint8Array.of(0x00, 0xff, 0x2f, 0x00);

/**
 * A MIDI file with the track lengths made true, for a model has to write a length before it knows the track. A file that
 * {@linkcode parseMidiNotes} reads stays as it is. Otherwise the events of every track are followed:
 * - up to the end-of-track event; what stands between it and the next `MTrk` is left out
 * - up to an `MTrk` in place of an event, or the last whole event where none can be read; end-of-track is added there
 *
 * The header's length and number of tracks are made true as well. What `parseMidiNotes` then still refuses is a
 * time division that is not in beats.
 * @param bytes the file as it was generated
 * @throws {SyntaxError} when it has no header, or no track
 */
export function trueTrackLengths(bytes: Uint8Array): Uint8Array {
  if (isTrue(bytes)) return bytes;
  if (bytes.length < midiHeaderBytes || !hasChunkName(bytes, 0, "MThd")) {
    throw new SyntaxError("Cannot mend MIDI: it does not begin with a header, MThd and 10 bytes");
  }
  const tracks: Uint8Array[] = [];
  for (let at = nextTrack(bytes, midiHeaderBytes); at !== undefined && tracks.length < 0xffff;) {
    const start = at + chunkHeadBytes;
    const { end, isEnded } = followEvents(bytes, start);
    tracks.push(trackChunk(bytes.subarray(start, end), isEnded ? new Uint8Array() : endOfTrack));
    at = nextTrack(bytes, end);
  }
  if (tracks.length === 0) throw new SyntaxError("Cannot mend MIDI: no track, MTrk, is in it");
  const header = bytes.slice(0, midiHeaderBytes);
  new DataView(header.buffer).setUint32(4, midiHeaderBytes - chunkHeadBytes);
  new DataView(header.buffer).setUint16(10, tracks.length);
  return concatenate([header, ...tracks]);
}

function isTrue(bytes: Uint8Array): boolean {
  try {
    parseMidiNotes(bytes);
    return true;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

/** Where the events from a byte on end, and whether the last is end-of-track. */
function followEvents(bytes: Uint8Array, start: number): { readonly end: number; readonly isEnded: boolean } {
  let at = start;
  let runningStatus = 0;
  while (at < bytes.length && !hasChunkName(bytes, at, "MTrk")) {
    try {
      const event = readMidiEvent(bytes, at, bytes.length, runningStatus);
      at = event.end;
      if (isEndOfTrack(event)) return { end: at, isEnded: true };
      runningStatus = runningStatusAfter(event);
    } catch (error) {
      if (error instanceof SyntaxError) break;
      throw error;
    }
  }
  return { end: at, isEnded: false };
}

/** Where the next whole head of a track stands. */
function nextTrack(bytes: Uint8Array, from: number): number | undefined {
  for (let at = from; at + chunkHeadBytes <= bytes.length; at++) {
    if (hasChunkName(bytes, at, "MTrk")) return at;
  }
  return undefined;
}

function trackChunk(events: Uint8Array, end: Uint8Array): Uint8Array {
  const head = Uint8Array.from("MTrk\0\0\0\0", (letter) => letter.charCodeAt(0));
  new DataView(head.buffer).setUint32(4, events.length + end.length);
  return concatenate([head, events, end]);
}
