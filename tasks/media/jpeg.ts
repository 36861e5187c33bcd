import { decode } from "jpeg-js";
import { pictureSegments } from "./jpeg_segments.ts";
import { decoderReason } from "./picture_size.ts";
import type { RgbImage } from "./rgb_image.ts";

/** What jpeg-js may take, by its own count. */
const mostMegabytes = 512;

/**
 * Reads a JPEG, baseline or progressive, in grey or YCbCr; the orientation that a camera notes in EXIF is left as it is.
 * Four components (CMYK) are refused, as what they mean depends on a colour profile and on who wrote them.
 *
 * @throws {SyntaxError} when it is no JPEG, is cut short or damaged, is CMYK, or takes more than 512 MB to decode, about
 * 25 million pixels
 */
export function decodeJpeg(bytes: Uint8Array): RgbImage {
  try {
    const file = pictureSegments(bytes);
    const { width, height, data } = decode(file, {
      useTArray: true,
      formatAsRGBA: false,
      maxMemoryUsageInMB: mostMegabytes,
    });
    return { width, height, pixels: data };
  } catch (error) {
    const reason = decoderReason(error);
    const plain = reason.startsWith("maxMemoryUsageInMB")
      ? `it takes more than ${mostMegabytes} MB to decode. Make it smaller first`
      : reason;
    throw new SyntaxError(`Cannot read JPEG: ${plain}`, { cause: error });
  }
}
