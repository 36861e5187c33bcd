/** A file that is read piece by piece. */
export interface OpenFile extends Disposable {
  readonly bytes: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly byteLength: number;
}

/**
 * Opens a file to read.
 * @throws {Error} when there is none
 */
export async function openFile(path: string): Promise<OpenFile> {
  const refuse = (why: string): never => {
    throw new Error(`Cannot read "${path}": ${why}. Check the path`);
  };
  let file: Deno.FsFile;
  try {
    file = await Deno.open(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return refuse("there is no such file");
    throw error;
  }
  const { size: byteLength, isFile } = await file.stat();
  const open = { bytes: file.readable, byteLength, [Symbol.dispose]: () => file[Symbol.dispose]() };
  if (isFile) return open;
  open[Symbol.dispose]();
  return refuse("it is no file");
}
