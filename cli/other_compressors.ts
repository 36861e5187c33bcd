/** What other programs make of the same file. */
export interface OtherSizes {
  /** Bytes by gzip at its usual level. */
  readonly gzip: number;
  /** Bytes by `xz -9`, where it is installed. */
  readonly xz?: number;
  /** Bytes by `zstd -19`, where it is installed. */
  readonly zstd?: number;
}

/** Compresses a file with what there is, and counts. */
export async function sizesByOthers(path: string): Promise<OtherSizes> {
  using file = await Deno.open(path);
  const [gzip, xz, zstd] = await Promise.all([
    byteLengthOf(file.readable.pipeThrough(new CompressionStream("gzip"))),
    byteLengthBy("xz", "-9", path),
    byteLengthBy("zstd", "-19", path),
  ]);
  return { gzip, ...(xz !== undefined && { xz }), ...(zstd !== undefined && { zstd }) };
}

/** Undefined where the program is not installed, or fails. */
async function byteLengthBy(program: string, level: string, path: string): Promise<number | undefined> {
  const args = [level, "--quiet", "--stdout", "--", path];
  try {
    const process = new Deno.Command(program, { args, stdout: "piped", stderr: "null" }).spawn();
    const byteLength = await byteLengthOf(process.stdout);
    return (await process.status).success ? byteLength : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

async function byteLengthOf(bytes: ReadableStream<Uint8Array>): Promise<number> {
  let byteLength = 0;
  for await (const chunk of bytes) byteLength += chunk.length;
  return byteLength;
}
