import { type FileSource, holdOut, type SampleSource, selectFiles } from "@bgpt/core";
import { labelledSamples, labelOf } from "@bgpt/tasks";
import type { SampleMaker } from "./data.ts";
import { note } from "./terminal.ts";
import { formatCount } from "./units.ts";

/** Files named when some cannot be used. */
const toldNames = 3;

/**
 * Every file is a sample of the class in its name; files without a label are named and left out.
 * @param labels the classes by their numbers
 */
export function labelledFiles(labels: readonly string[]): SampleMaker {
  const all = (files: FileSource): SampleSource => labelledSamples(withLabels(files), labels);
  return { all, split: (files, share, seed) => holdOut(all(files), share, seed) };
}

/**
 * The files whose names have a label; says which ones have none.
 * @throws {Error} when none has one
 */
function withLabels(source: FileSource): FileSource {
  const labelled: number[] = [];
  const others: string[] = [];
  for (const [index, { path }] of source.files.entries()) {
    if (labelOf(path) === undefined) others.push(path);
    else labelled.push(index);
  }
  if (others.length === 0) return source;
  const rest = others.length - toldNames;
  const shown = others.slice(0, toldNames).join(", ") + (rest > 0 ? ` and ${rest} more` : "");
  if (labelled.length === 0) {
    throw new Error(
      `Cannot tell the class of ${shown}: names must begin with a label and "_", as in dog_1.wav. Rename them`,
    );
  }
  note(`${formatCount(others.length, "file")} left out without a label ("dog_1.wav"): ${shown}`);
  return selectFiles(source, labelled);
}
