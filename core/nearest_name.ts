/**
 * The known name that a mistyped one most likely means, for "Did you mean …?"; undefined if none is near.
 * Near is at most a third of the letters changed (at least one), by the edit distance of Levenshtein (1966);
 * capitals and the marks `-` and `_` count as equal.
 */
export function nearestName(name: string, known: Iterable<string>): string | undefined {
  const plain = (text: string): string => text.toLowerCase().replaceAll("_", "-");
  let nearest: string | undefined;
  let leastDistance = Math.max(1, Math.floor(name.length / 3)) + 1;
  for (const candidate of known) {
    // Its letters alone are too many: a name of a file may have millions.
    if (Math.abs(name.length - candidate.length) >= leastDistance) continue;
    const distance = editDistance(plain(name), plain(candidate));
    if (distance < leastDistance) [nearest, leastDistance] = [candidate, distance];
  }
  return nearest;
}

/** How many insertions, deletions and replacements of one character turn `from` into `to`. */
function editDistance(from: string, to: string): number {
  let above = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const replaced = above[column - 1]! + Number(from[row - 1] !== to[column - 1]);
      current.push(Math.min(replaced, above[column]! + 1, current[column - 1]! + 1));
    }
    above = current;
  }
  return above[to.length]!;
}
