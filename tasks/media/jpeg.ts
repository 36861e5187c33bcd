import { decode } from "jpeg-js";
import type { RgbImage } from "./rgb_image.ts";

/**
 * Reads a JPEG, baseline or progressive, in grey or YCbCr; the orientation that a camera notes in EXIF is left as it is.
 * Four components (CMYK) are refused, as what they mean depends on a colour profile and on who wrote them.
 *
 * @throws {SyntaxError} when it is no JPEG, is cut short or damaged, or is CMYK
 */
export function decodeJpeg(bytes: Uint8Array): RgbImage {
  if (componentCount(bytes) === 4) {
    throw new SyntaxError(
      "Cannot read JPEG: it has 4 components (CMYK), 1 or 3 are required. Convert it to RGB first",
    );
  }
  try {
    const { width, height, data } = decode(bytes, { useTArray: true, formatAsRGBA: false });
    return { width, height, pixels: data };
  } catch (error) {
    throw new SyntaxError(`Cannot read JPEG: ${(error as Error).message}`, { cause: error });
  }
}

/** The colour components that the frame header names (ITU-T T.81, B.2.2); undefined where none is found. */
function componentCount(bytes: Uint8Array): number | undefined {
  for (let at = 2; at + 9 < bytes.length && bytes[at] === 0xff;) {
    const marker = bytes[at + 1]!;
    // SOF0 to SOF15 without DHT, JPG and DAC.
    if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) return bytes[at + 9];
    // Bytes of 0xff may fill up before a marker.
    at += marker === 0xff ? 1 : 2 + bytes[at + 2]! * 256 + bytes[at + 3]!;
  }
  return undefined;
}
