import { fileSamples, type FileSource, RandomStream, type SampleSource } from "@bgpt/core";

/** Files in memory, of these lengths in bytes; the content is a pure function of the seed. */
export function memorySource(byteLengths: readonly number[], seed = 1): FileSource {
  const contents = byteLengths.map((byteLength, file) => {
    const random = new RandomStream(seed, file);
    return Uint8Array.from({ length: byteLength }, () => random.below(256));
  });
  return {
    files: byteLengths.map((byteLength, file) => ({ path: `file${file}.bin`, byteLength })),
    read: (index) => Promise.resolve(contents[index]!),
  };
}

/** The same files as samples. */
export function memorySamples(byteLengths: readonly number[], seed = 1): SampleSource {
  return fileSamples(memorySource(byteLengths, seed));
}
