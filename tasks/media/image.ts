import { decodeBmp, encodeBmp } from "./bmp.ts";
import { decodeJpeg } from "./jpeg.ts";
import { decodePng } from "./png.ts";
import { resize } from "./resize.ts";
import type { RgbImage } from "./rgb_image.ts";

/** Width and height of the paper's images. */
export const imageSide = 32;

/** What the first bytes of a file say it is. */
const decoders:
  readonly (readonly [signature: readonly number[], decode: (bytes: Uint8Array) => RgbImage])[] = [
    [[0x89, 0x50, 0x4e, 0x47], decodePng],
    [[0xff, 0xd8], decodeJpeg],
    [[0x42, 0x4d], decodeBmp],
  ];

/**
 * Reads a PNG, a JPEG or a BMP; which it is follows from its first bytes, not from its name.
 *
 * @throws {SyntaxError} when it is none of them, or damaged
 */
export function decodeImage(bytes: Uint8Array): RgbImage {
  const decoder = decoders.find(([signature]) => signature.every((byte, i) => bytes[i] === byte));
  if (decoder !== undefined) return decoder[1](bytes);
  const first = Array.from(bytes.subarray(0, 4), (byte) => byte.toString(16).padStart(2, "0")).join(" ");
  throw new SyntaxError(
    bytes.length === 0
      ? "Cannot read image: it is empty. Copy it again"
      : `Cannot read image: it begins with the bytes ${first}, those of a PNG, a JPEG or a BMP are required`,
  );
}

/**
 * A picture as the model reads images: a BMP of 32 × 32 pixels and 24 bits, 3,126 bytes. The whole picture is taken, so
 * one that is not square is stretched to one; see {@linkcode resize} for how.
 *
 * @param file a PNG, a JPEG or a BMP
 * @returns [3126]
 * @throws {SyntaxError} when the file cannot be read
 */
export function imageFile(file: Uint8Array): Uint8Array {
  return encodeBmp(resize(decodeImage(file), imageSide, imageSide));
}
