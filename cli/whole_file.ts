import { diskReason } from "@bgpt/core/files";

/**
 * Writes a file piece by piece under a temporary name beside it, which it takes the place of when all is there: a failure
 * leaves what stood there before.
 * @returns its bytes
 * @throws {Error} when the file system refuses, or the pieces end in a failure
 */
export async function writeWholeFile(path: string, pieces: AsyncIterable<Uint8Array>): Promise<number> {
  const partial = `${path}.part`;
  const refused = (error: unknown) => {
    throw new Error(`Cannot write "${path}": ${diskReason(error)}`, { cause: error });
  };
  const file = await Deno.create(partial).catch(refused);
  let byteLength = 0;
  try {
    using open = file;
    for await (const bytes of pieces) {
      for (let written = 0; written < bytes.length;) written += await open.write(bytes.subarray(written));
      byteLength += bytes.length;
    }
    await open.sync();
    await Deno.rename(partial, path).catch(refused);
  } catch (error) {
    await Deno.remove(partial);
    throw error;
  }
  return byteLength;
}
