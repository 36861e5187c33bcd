import type { RgbImage } from "./rgb_image.ts";

/** One weight for each pixel of a row (or column) that a pixel of the result is made of. */
interface Tap {
  readonly from: number;
  readonly weight: number;
}

/**
 * A picture of another size. Along a side that shrinks, a pixel is the mean of the area that it covers, parts of pixels
 * by their parts, so that nothing is skipped; along a side that grows, it is interpolated between the centres of its two
 * neighbours. Values are taken as they are, without regard to gamma, as image libraries do; they are rounded once.
 *
 * @param width of the result, at least 1
 * @param height of the result, at least 1
 */
export function resize(image: RgbImage, width: number, height: number): RgbImage {
  if (image.width === width && image.height === height) return image;
  const columns = tapsOf(image.width, width);
  const rows = tapsOf(image.height, height);
  // Along the rows first, into numbers that are not yet rounded.
  const narrowed = new Float64Array(3 * width * image.height); // [image.height, width, 3]
  for (let y = 0, to = 0; y < image.height; y++) {
    for (const taps of columns) {
      for (const { from, weight } of taps) {
        const at = 3 * (y * image.width + from);
        for (let channel = 0; channel < 3; channel++) {
          narrowed[to + channel]! += weight * image.pixels[at + channel]!;
        }
      }
      to += 3;
    }
  }
  const rowLength = 3 * width;
  const pixels = new Uint8Array(rowLength * height);
  for (const [y, taps] of rows.entries()) {
    for (let i = 0; i < rowLength; i++) {
      const value = taps.reduce((sum, { from, weight }) => sum + weight * narrowed[from * rowLength + i]!, 0);
      pixels[y * rowLength + i] = Math.round(value);
    }
  }
  return { width, height, pixels };
}

/** What each of `to` pixels is made of, where there were `from`; weights sum to 1. */
function tapsOf(from: number, to: number): readonly (readonly Tap[])[] {
  const scale = from / to;
  return Array.from({ length: to }, (_, i) => {
    if (from > to) {
      const start = i * scale;
      const end = Math.min(from, (i + 1) * scale);
      const first = Math.floor(start);
      return Array.from({ length: Math.ceil(end) - first }, (_, k) => ({
        from: first + k,
        weight: (Math.min(end, first + k + 1) - Math.max(start, first + k)) / (end - start),
      }));
    }
    // The outermost pixels go on beyond the edge.
    const centre = Math.min(from - 1, Math.max(0, (i + 0.5) * scale - 0.5));
    const first = Math.min(Math.floor(centre), Math.max(0, from - 2));
    return [
      { from: first, weight: 1 - (centre - first) },
      { from: Math.min(first + 1, from - 1), weight: centre - first },
    ];
  });
}
