import { convertIndexedToRgb, decode } from "fast-png";
import { decoderReason } from "./picture_size.ts";
import { pictureChunks } from "./png_chunks.ts";
import type { RgbImage } from "./rgb_image.ts";

/**
 * Reads a PNG of any kind but those of less than 8 bits a pixel that are interlaced. Grey becomes equal red, green and
 * blue; 16 bits become 8; what shows through is laid over white.
 *
 * @throws {SyntaxError} when it is no PNG, is damaged, or has more than 8192 × 8192 pixels, 65,535 of a side or 256 MiB
 */
export function decodePng(bytes: Uint8Array): RgbImage {
  try {
    const image = decode(pictureChunks(bytes), { checkCrc: true });
    const { width, height, depth, transparency } = image;
    const palette = image.palette !== undefined;
    const { data, channels, bits } = palette
      ? { data: convertIndexedToRgb(image), channels: image.palette![0]!.length, bits: 8 }
      : depth < 8
      ? { data: unpacked(image.data, width, height, depth), channels: 1, bits: depth }
      : { data: image.data, channels: image.channels, bits: depth };
    const largest = 2 ** bits - 1;
    const colourCount = channels < 3 ? 1 : 3;
    const pixels = new Uint8Array(3 * width * height);
    for (let from = 0, to = 0; to < pixels.length; from += channels, to += 3) {
      const opacity = channels > colourCount
        ? data[from + colourCount]! / largest
        : !palette && isTransparent(data, from, colourCount, transparency)
        ? 0
        : 1;
      for (let channel = 0; channel < 3; channel++) {
        const value = data[from + channel % colourCount]! / largest;
        pixels[to + channel] = Math.round(255 * (value * opacity + 1 - opacity));
      }
    }
    return { width, height, pixels };
  } catch (error) {
    throw new SyntaxError(`Cannot read PNG: ${decoderReason(error)}`, { cause: error });
  }
}

/** Whether a pixel has the one colour that `tRNS` names as transparent. */
function isTransparent(
  data: ArrayLike<number>,
  at: number,
  colourCount: number,
  transparent: ArrayLike<number> | undefined,
): boolean {
  if (transparent === undefined || transparent.length < colourCount) return false;
  for (let channel = 0; channel < colourCount; channel++) {
    if (data[at + channel] !== transparent[channel]) return false;
  }
  return true;
}

/** Samples of less than 8 bits, which stand packed in bytes, the first in the highest bits, rows on whole bytes. */
function unpacked(packed: ArrayLike<number>, width: number, height: number, depth: number): Uint8Array {
  const rowBytes = Math.ceil(width * depth / 8);
  return Uint8Array.from({ length: width * height }, (_, i) => {
    const bit = (i % width) * depth;
    const byte = packed[Math.floor(i / width) * rowBytes + (bit >> 3)]!;
    return (byte >> (8 - depth - bit % 8)) & (2 ** depth - 1);
  });
}
