import { dirname } from "@std/path";

/**
 * What a finished run of a study left.
 * @returns undefined where it has left nothing yet
 * @throws {Error} when the file cannot be read
 */
export async function readRecordFile<T>(path: string): Promise<T | undefined> {
  try {
    return JSON.parse(await Deno.readTextFile(path));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw new Error(`Cannot read "${path}": ${(error as Error).message}. Remove it to run it again`);
  }
}

/** Keeps what a finished run of a study came to; makes the folder where it is missing. */
export async function writeRecordFile(path: string, record: unknown): Promise<void> {
  await Deno.mkdir(dirname(path), { recursive: true });
  // Under another name first: half a record would have to be removed by hand.
  await Deno.writeTextFile(`${path}.part`, JSON.stringify(record, null, 2) + "\n");
  await Deno.rename(`${path}.part`, path);
}
