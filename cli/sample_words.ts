import type { RunState } from "@bgpt/core";

/** What a run learns from, in the words of the command line: `files`, or `pairs (--pairs "abc->mid" --loss "pair")`. */
export function sampleWords(kind: RunState["sampleKind"]): string {
  if (kind === undefined) return "files";
  const flags = Object.entries(kind).map(([flag, value]) => `--${flag} "${value}"`).join(" ");
  return `${"pairs" in kind ? "pairs" : "files"} (${flags})`;
}
