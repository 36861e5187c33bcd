import { sharedPath } from "../../shared.ts";

/** A MIDI file of these tracks, events only; lengths are true. */
export function midiFile(tracks: readonly (readonly number[])[], ticksPerBeat = 480): Uint8Array {
  const word = (value: number) => [value >> 24 & 255, value >> 16 & 255, value >> 8 & 255, value & 255];
  const name = (letters: string) => [...letters].map((letter) => letter.charCodeAt(0));
  const header = [...name("MThd"), ...word(6), 0, 1, 0, tracks.length, ticksPerBeat >> 8, ticksPerBeat & 255];
  return Uint8Array.from([
    ...header,
    ...tracks.flatMap((track) => [...name("MTrk"), ...word(track.length), ...track]),
  ]);
}

/** The event that ends a track. */
export const endOfTrack = [0, 0xff, 0x2f, 0];

/** The published MIDI files, where they are. */
export function publishedMidi(): Uint8Array[] {
  return ["original-mid.mid", "converted-abc2mid.mid"].flatMap((name) => {
    const path = sharedPath("spec", "vectors", name);
    return path === undefined ? [] : [Deno.readFileSync(path)];
  });
}
