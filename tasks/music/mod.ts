/** Tunes as ABC and as MIDI: pairs of files to convert into each other, and the notes by which a conversion is scored. */
export * from "./abc.ts";
export * from "./excerpts.ts";
export { type MidiNote, type MidiNotes, parseMidiNotes } from "./midi_notes.ts";
export * from "./note_score.ts";
export { trueTrackLengths } from "./true_track_lengths.ts";
