import { readFile } from "@bgpt/core/files";
import { findInputFiles, notePassedOver } from "./input_files.ts";
import { labelledStem, type LabelSource, labelSource } from "./labels.ts";
import type { Values } from "./options.ts";
import { prepareFiles, type PrepareInput, type prepareOptions } from "./prepare.ts";

/** One file of people's to one file for the model. */
export interface Conversion {
  readonly inputs: readonly string[];
  /** Extensions that are looked for below folders, as in {@linkcode findInputFiles}. */
  readonly inputExtensions: readonly string[];
  readonly label: LabelSource | undefined;
  /** The progress line's title. */
  readonly title: string;
  /** The extension of what is made. */
  readonly extension: string;
  /** @throws {Error} when nothing can be made of the bytes */
  convert(bytes: Uint8Array): Uint8Array;
}

/**
 * Prepares a corpus of one file for each input file.
 *
 * @throws {Error} as {@linkcode prepareFiles}
 */
export async function convertFiles(
  conversion: Conversion,
  options: Values<typeof prepareOptions, Record<never, never>>,
): Promise<void> {
  const { title, extension, convert } = conversion;
  const { files, passedOver } = findInputFiles(conversion.inputs, conversion.inputExtensions);
  const source = labelSource(files, conversion.label);
  const inputs = files.map(({ path }): PrepareInput => ({
    name: path,
    make: async () => [{ stem: labelledStem(path, source), extension, bytes: convert(await readFile(path)) }],
  }));
  await prepareFiles(inputs, title, options, files.length);
  notePassedOver(passedOver, conversion.inputExtensions);
}
