/** Codes of a PNG's colour type. */
export const pngColours = { grey: 0, rgb: 2, greyAlpha: 4, rgbAlpha: 6 } as const;

/** A PNG written by hand: rows of packed samples, none filtered (W3C, "Portable Network Graphics", third edition). */
export async function pngFile(
  header: {
    readonly width: number;
    readonly depth: number;
    readonly colour: number;
    readonly interlaced?: true;
  },
  rows: readonly (readonly number[])[],
  transparent: readonly number[] = [],
): Promise<Uint8Array> {
  const { width, depth, colour, interlaced } = header;
  const numbers = [0, 0, 0, width, 0, 0, 0, rows.length, depth, colour, 0, 0, interlaced ? 1 : 0];
  const scanLines = Uint8Array.from(rows.flatMap((row) => [0, ...row]));
  const packed = new Blob([scanLines]).stream().pipeThrough(new CompressionStream("deflate"));
  return Uint8Array.from([
    ...[0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a],
    ...chunk("IHDR", numbers),
    ...transparent.length > 0 ? chunk("tRNS", transparent) : [],
    ...chunk("IDAT", await new Response(packed).bytes()),
    ...chunk("IEND", []),
  ]);
}

function chunk(name: string, data: Iterable<number>): number[] {
  const body = [...new TextEncoder().encode(name), ...data];
  return [...bigEndian(body.length - 4), ...body, ...bigEndian(crc32(body))];
}

function bigEndian(value: number): number[] {
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 0xff);
}

function crc32(bytes: readonly number[]): number {
  let remainder = ~0;
  for (const byte of bytes) {
    remainder ^= byte;
    for (let bit = 0; bit < 8; bit++) remainder = (remainder >>> 1) ^ (remainder & 1 ? 0xedb88320 : 0);
  }
  return ~remainder;
}
