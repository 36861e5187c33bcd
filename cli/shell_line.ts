/** Words as one line that a POSIX shell takes apart into the same words: what is not plain stands in single quotes. */
export function shellLine(words: readonly string[]): string {
  return words.map((word) => /^[\w./=:,+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`).join(
    " ",
  );
}
