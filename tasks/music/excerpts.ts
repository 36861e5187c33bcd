import { isField, keyLine } from "./abc_lines.ts";

/** Bar lines with their repeats, and the numbers of endings that may follow them. */
const barLine = /(?:(?<!:):*\[?\|+[\]:]*|::)(?:\s*\[?\d[\d,.-]*)?|\s\[\d[\d,.-]*/;

/** Key, length, metre and tempo between notes: they hold from there on. */
const inlineField = /\[([KLMQ]:[^\]]*)\]/g;

/**
 * Cuts a tune of one voice into excerpts of some bars each, one after the other: the header, with what key, length, metre
 * and tempo are by then, and those bars. Repeats, endings and line breaks are left out, so that an excerpt plays once; the
 * last one may have fewer bars.
 * @param abc one tune, as `publishedAbc` writes it
 * @param bars bars of an excerpt, at least 1; an upbeat counts as one
 * @throws {RangeError} when `bars` is no integer of at least 1
 * @throws {SyntaxError} when the tune has no `K:`, no bar, or voices in its music
 */
export function tuneExcerpts(abc: string, bars: number): string[] {
  if (!Number.isInteger(bars) || bars < 1) {
    throw new RangeError(`Cannot cut ABC: bars is ${bars}, an integer of at least 1 is required`);
  }
  const lines = abc.split("\r\n");
  const firstMusic = keyLine(lines) + 1;
  const body = lines.slice(firstMusic);
  const voice = body.find((line) => /^V:|\[V:/.test(line));
  if (voice !== undefined) {
    throw new SyntaxError(`Cannot cut ABC: it changes voice in "${voice}", music of one voice is required`);
  }
  const played = barsOf(body);
  if (played.length === 0) throw new SyntaxError("Cannot cut ABC: it has no bar");

  // What parts are played in which order is a repeat, too.
  let header = lines.slice(0, firstMusic).filter((line) => !line.startsWith("P:"));
  const excerpts: string[] = [];
  for (let first = 0; first < played.length; first += bars) {
    const excerpt = `${played.slice(first, first + bars).join("|")}|`;
    excerpts.push([...header, excerpt].join("\r\n"));
    for (const [, field] of excerpt.matchAll(inlineField)) header = withField(header, field!);
  }
  return excerpts;
}

/** The bars of lines of music; fields in lines of their own, and between bar lines, stand in the bar behind them. */
function barsOf(body: readonly string[]): string[] {
  const music = body.map((line) => {
    if (!isField(line)) return line.replace(/[!\\]\s*$/, "");
    const inline = `[${line}]`;
    return inline.match(inlineField) === null ? "" : inline;
  }).join(" ");
  const bars: string[] = [];
  let fields = "";
  for (const part of music.split(barLine)) {
    const bar = fields + part.trim();
    const hasNotes = bar.replaceAll(inlineField, "").trim() !== "";
    if (hasNotes) bars.push(bar);
    fields = hasNotes ? "" : bar;
  }
  return bars;
}

/** The header with a field in the place of that letter's, or before `K:`, which ends it. */
function withField(header: readonly string[], field: string): string[] {
  const at = header.findLastIndex((line) => line[0] === field[0]);
  return at < 0 ? header.toSpliced(-1, 0, field) : header.with(at, field);
}
