/** Whether a line of ABC is a field, `K:D`, and no music: after the colon of a repeat, `G:|`, a bar line follows. */
export function isField(line: string): boolean {
  return /^[A-Za-z+]:(?![|:])/.test(line);
}

/**
 * Index of the line `K:`, the header's last.
 * @throws {SyntaxError} when there is none
 */
export function keyLine(lines: readonly string[]): number {
  const key = lines.findIndex((line) => line.startsWith("K:"));
  if (key >= 0) return key;
  throw new SyntaxError("Cannot read ABC: it has no K: line, after which the music begins");
}
