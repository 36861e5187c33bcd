import { join } from "@std/path";
import { type Checkpoint, initialParameters, modelConfig, parameterTable, vocabularySize } from "@bgpt/core";
import { smallConfig } from "../core/small_checkpoint.ts";

/** A byte that one file of the data is made of, and no other has. */
const badByte = 0xee;

/** Weights that are all finite, but overflow wherever a patch holds the bad byte. */
export function poisoned(): Checkpoint {
  const table = parameterTable(smallConfig);
  const parameters = initialParameters(table, 1);
  const { offset } = table.parameters.find(({ name }) =>
    name.startsWith("patch_level_decoder.patch_embedding.weight")
  )!;
  const { hidden, patchSize } = smallConfig;
  for (let place = 0; place < patchSize; place++) {
    const row = offset + (place * vocabularySize + badByte) * hidden;
    parameters.fill(3e38, row, row + hidden);
  }
  return { model: modelConfig(smallConfig), parameters };
}

/** Files of one byte each, one of them the bad one; returns their folder. */
export async function writePoisonedData(folder: string): Promise<string> {
  await Deno.mkdir(folder);
  for (const name of ["a", "b", "c", "d"]) {
    await Deno.writeFile(join(folder, `${name}.bin`), new Uint8Array(20).fill(name.charCodeAt(0)));
  }
  await Deno.writeFile(join(folder, "bad.bin"), new Uint8Array(20).fill(badByte));
  return folder;
}
