import { isField, keyLine } from "./abc_lines.ts";

/** Fields of the header that the music depends on, besides length, metre and key, which follow them. */
const musicFields = "QPVUm";

/** Lines in the body that are music: no fields but these. */
const bodyFields = `${musicFields}LMK`;

/** Fields that the published MIDI was made without; of `X:` another stands there. */
const omittedFields = "XSBE";

/** What stands around the first `K:` of a tune while it becomes MIDI: sounds and loudness, as published. */
const beforeKey = [
  "%%MIDI control 7 96",
  "%%MIDI control 10 64",
  "%%MIDI chordvol 96",
  "%%MIDI bassvol 96",
  "%%MIDI chordprog 24",
  "%%MIDI bassprog 24",
];
const afterKey = ["%%MIDI program 1 0", "%%MIDI control 7 96"];

/** A tune of a tune book. */
export interface AbcTune {
  /** Its number in the book, from 1. */
  readonly number: number;
  /** What its `X:` line says; absent where it has none. */
  readonly reference?: string;
  /** Its lines, from `X:` to the empty line that ends it. */
  readonly lines: readonly string[];
}

/**
 * Splits a tune book at its `X:` lines; a text without any is one tune. What stands before the first and, after a
 * tune's empty line, between tunes is left out.
 * @param abc the text; bytes that are not UTF-8 may be decoded as Latin-1
 */
export function splitTuneBook(abc: string): AbcTune[] {
  const lines = abc.replace(/^\uFEFF/, "").split(/\r\n|\r|\n/);
  const starts = [...lines.keys()].filter((index) => /^X:/.test(lines[index]!));
  if (starts.length === 0) return [{ number: 1, lines: upToEmptyLine(lines) }];
  return starts.map((start, tune) => ({
    number: tune + 1,
    reference: lines[start]!.slice(2).trim(),
    lines: upToEmptyLine(lines.slice(start, starts[tune + 1])),
  }));
}

/** An empty line ends a tune, once it has begun. */
function upToEmptyLine(lines: readonly string[]): string[] {
  const first = lines.findIndex((line) => line.trim() !== "");
  if (first < 0) return [];
  const length = lines.slice(first).findIndex((line) => line.trim() === "");
  return lines.slice(first, length < 0 ? undefined : first + length);
}

/**
 * A tune as the published data are written: no number, title, comment or words, the fields that the music depends on
 * (`Q:`, `P:`, `V:`, `U:`, `m:`, then `L:`, `M:`, `K:`), then the music; lines end in CR LF, the last one in nothing.
 * @throws {SyntaxError} when it has no `K:`, or no music after it
 */
export function publishedAbc(tune: Pick<AbcTune, "lines">): string {
  const lines = tune.lines.map(withoutComment).filter((line) => line.trim() !== "");
  const key = keyLine(lines);
  const header = lines.slice(0, key);
  const fields = (letters: string) => header.filter((line) => isField(line) && letters.includes(line[0]!));
  const body = lines.slice(key + 1).filter((line) => !isField(line) || bodyFields.includes(line[0]!));
  if (body.every(isField)) throw new SyntaxError("Cannot read ABC: it has no music after its K: line");
  return [...fields(musicFields), ...fields("L"), ...fields("M"), lines[key]!, ...body].join("\r\n");
}

/**
 * What abc2midi is given for a tune, so that its output is the published MIDI byte for byte: the lines `S:`, `B:`, `E:` left
 * out, `X:1` first, and sounds and loudness set around the first `K:`. Music that begins like such a line, `E:|`, stays.
 * @param abc one tune
 * @throws {SyntaxError} when it has no `K:`
 */
export function abcForMidi(abc: string): string {
  const isOmitted = (line: string) => isField(line) && omittedFields.includes(line[0]!);
  const lines = abc.split(/\r\n|\r|\n/).filter((line) => !isOmitted(line));
  const key = keyLine(lines);
  return ["X:1", ...lines.slice(0, key), ...beforeKey, lines[key]!, ...afterKey, ...lines.slice(key + 1)]
    .join(
      "\n",
    );
}

/** `%` begins a comment, unless a backslash stands before it; spaces before it belong to it. */
function withoutComment(line: string): string {
  return line.replace(/\s*(?<!\\)%.*$/, "");
}
