/**
 * Bytes of an open file.
 * @throws {Error} when the file ends before them
 */
export function readRange(file: Deno.FsFile, start: number, byteLength: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(byteLength);
  file.seekSync(start, Deno.SeekMode.Start);
  for (let read = 0; read < byteLength;) {
    const count = file.readSync(bytes.subarray(read));
    if (count === null) {
      throw new Error(`it has ended at byte ${start + read}. Leave it alone while it is read`);
    }
    read += count;
  }
  return bytes;
}
