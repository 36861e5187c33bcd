/**
 * Labels of files, as published: the name of a file says its class.
 * @module
 */
import { fileSamples, type FileSource, type SampleSource } from "@bgpt/core";

/**
 * The class that a path names: what stands before the first `_` of the file's name, and its extension. `a/Dog_12.wav` is a
 * `Dog.wav`.
 * @returns `undefined` where the name has no `_`, or nothing before it
 */
export function labelOf(path: string): string | undefined {
  const name = path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1);
  const dot = name.lastIndexOf(".");
  const [stem, extension] = dot < 0 ? [name, ""] : [name.slice(0, dot), name.slice(dot)];
  const end = stem.indexOf("_");
  return end > 0 ? stem.slice(0, end) + extension : undefined;
}

/** The classes of the paths, sorted by code units and each once: a class's number is its place. */
export function labelsOf(paths: Iterable<string>): string[] {
  const labels = new Set<string>();
  for (const path of paths) {
    const label = labelOf(path);
    if (label !== undefined) labels.add(label);
  }
  return [...labels].sort();
}

/**
 * Each file as a sample of its class.
 * @param labels the classes by their numbers
 * @throws {RangeError} naming a file that has no label, or one that is not among the classes
 */
export function labelledSamples(files: FileSource, labels: readonly string[]): SampleSource {
  const numbers = new Map(labels.map((label, number) => [label, number]));
  const classes = files.files.map(({ path }) => classOf(path, numbers));
  const samples = fileSamples(files);
  return {
    ...samples,
    read: async (index, options, random) => ({
      ...await samples.read(index, options, random),
      label: classes[index]!,
    }),
  };
}

function classOf(path: string, numbers: ReadonlyMap<string, number>): number {
  const label = labelOf(path);
  if (label === undefined) {
    throw new RangeError(
      `Cannot tell the class of "${path}": its name must begin with a label and "_", as in dog_1.wav. Rename it`,
    );
  }
  const number = numbers.get(label);
  if (number !== undefined) return number;
  const known = [...numbers.keys()];
  const shown = known.slice(0, 5).join(", ") + (known.length > 5 ? ", …" : "");
  throw new RangeError(
    `Cannot use "${path}": its class "${label}" is none of the ${known.length} that are known (${shown}). ` +
      "Rename it, or leave it out",
  );
}
