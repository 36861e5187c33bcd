import { diskReason } from "@bgpt/core/files";
import { basename, dirname, join } from "@std/path";
import { statOf } from "./output_path.ts";

/**
 * Writes a file piece by piece under a temporary name beside it, which it takes the place of when all is there: a failure
 * leaves what stood there before. A pipe or a device is written as it is.
 * @returns its bytes
 * @throws {Error} when the file system refuses, or the pieces end in a failure
 */
export async function writeWholeFile(path: string, pieces: AsyncIterable<Uint8Array>): Promise<number> {
  const refused = (error: unknown) => {
    throw new Error(`Cannot write "${path}": ${diskReason(error)}`, { cause: error });
  };
  if (statOf(path)?.isFile === false) {
    using pipe = await Deno.open(path, { write: true }).catch(refused);
    return await writeAll(pipe, pieces);
  }
  const partial = join(dirname(path), `.${basename(path)}.bgpt-tmp-${Deno.pid}`);
  const created = await Deno.create(partial).catch(refused);
  try {
    using file = created;
    const byteLength = await writeAll(file, pieces);
    await file.sync();
    await Deno.rename(partial, path).catch(refused);
    return byteLength;
  } catch (error) {
    await Deno.remove(partial);
    throw error;
  }
}

async function writeAll(file: Deno.FsFile, pieces: AsyncIterable<Uint8Array>): Promise<number> {
  let byteLength = 0;
  for await (const bytes of pieces) {
    for (let written = 0; written < bytes.length;) written += await file.write(bytes.subarray(written));
    byteLength += bytes.length;
  }
  return byteLength;
}
