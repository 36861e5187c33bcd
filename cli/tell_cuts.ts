import type { SampleSource } from "@bgpt/core";
import { note } from "./terminal.ts";
import { formatCount } from "./units.ts";

/** Says once how many files, or pairs of them, are longer than the model reads. */
export function tellCuts(
  source: SampleSource,
  { patchSize, patchLength, cut }: {
    readonly patchSize: number;
    readonly patchLength: number;
    readonly cut: "head" | "random";
  },
  noun: "file" | "pair" = "file",
): void {
  let long = 0;
  for (let i = 0; i < source.count; i++) {
    if (source.patchCount(i, { patchSize, patchLength: Infinity }) > patchLength) long++;
  }
  if (long === 0) return;
  note(
    `${long} of ${formatCount(source.count, noun)} ${long === 1 ? "is" : "are"} longer than ` +
      `${patchLength} patches, cut ` + (cut === "random" ? "at random (head, body or tail)" : "at the head"),
  );
}
