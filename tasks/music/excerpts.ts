/** Bar lines with their repeats, and the numbers of endings that may follow them. */
const barLine = /(?::*\[?\|+[\]:]*|::)(?:\s*\[?\d[\d,.-]*)?|\s\[\d[\d,.-]*/;

/**
 * Cuts a tune into excerpts of some bars each, one after the other: its fields before the music, then those bars. Repeats,
 * endings, line breaks and the fields between lines of music are left out, so that an excerpt plays once and in one key;
 * the last one may have fewer bars.
 * @param abc one tune, as `publishedAbc` writes it
 * @param bars bars of an excerpt, at least 1; an upbeat counts as one
 */
export function tuneExcerpts(abc: string, bars: number): string[] {
  const lines = abc.split("\r\n");
  const firstMusic = lines.findIndex((line) => line.startsWith("K:")) + 1;
  const music = lines.slice(firstMusic)
    .filter((line) => !/^[A-Za-z]:/.test(line))
    .map((line) => line.replace(/[!\\]\s*$/, ""))
    .join(" ");
  // What parts are played in which order is a repeat, too.
  const fields = lines.slice(0, firstMusic).filter((line) => !line.startsWith("P:"));
  const played = music.split(barLine).map((bar) => bar.trim()).filter((bar) => bar !== "");
  const excerpts: string[] = [];
  for (let first = 0; first < played.length; first += bars) {
    const excerpt = `${played.slice(first, first + bars).join("|")}|`;
    excerpts.push([...fields, excerpt].join("\r\n"));
  }
  return excerpts;
}
