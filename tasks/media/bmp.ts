/**
 * BMP files (Microsoft, "Bitmap Storage"): a file header of 14 bytes, `BITMAPINFOHEADER` of 40 or a later one, a palette,
 * rows padded to 4 bytes.
 * @module
 */
import { sizeProblem } from "./picture_size.ts";
import type { RgbImage } from "./rgb_image.ts";

const fileHeaderBytes = 14;
const infoHeaderBytes = 40;

/** Bytes before the pixels of a BMP of 24 bits. */
export const bmpHeaderBytes: number = fileHeaderBytes + infoHeaderBytes;

/** 96 pixels an inch. */
const pixelsPerMetre = 3780;

/** Codes of `biCompression`. */
const uncompressed = 0;
const bitFields = 3;

/** What the headers tell. */
interface BmpHeader {
  readonly width: number;
  readonly height: number;
  readonly bottomUp: boolean;
  readonly bitsPerPixel: number;
  /** First byte of the palette. */
  readonly paletteStart: number;
  readonly paletteCount: number;
  /** First byte of the first row. */
  readonly pixelStart: number;
}

/**
 * Reads a BMP without compression: 24 bits, 32 bits (the fourth byte is not used), or 8 bits with a palette; rows from
 * the bottom up or from the top down.
 *
 * @throws {SyntaxError} when it is no BMP, is cut short, is of another kind, or has more than 8192 × 8192 pixels or 65,535
 * of a side
 */
export function decodeBmp(bytes: Uint8Array): RgbImage {
  const { width, height, bottomUp, bitsPerPixel, paletteStart, paletteCount, pixelStart } = readHeader(bytes);
  const pixelBytes = bitsPerPixel / 8;
  const rowBytes = paddedRowBytes(width * pixelBytes);
  const required = pixelStart + rowBytes * height;
  if (bytes.length < required) {
    throw refusal(
      `it has ${bytes.length} bytes, ${width} × ${height} pixels of ${bitsPerPixel} bits need ${required}. ` +
        `Copy it again`,
    );
  }
  const pixels = new Uint8Array(3 * width * height);
  for (let y = 0, to = 0; y < height; y++) {
    const row = pixelStart + rowBytes * (bottomUp ? height - 1 - y : y);
    for (let x = 0; x < width; x++, to += 3) {
      const at = row + x * pixelBytes;
      // A palette entry is B, G, R, 0; one beyond the palette is black, as elsewhere.
      const from = bitsPerPixel > 8 ? at : bytes[at]! < paletteCount ? paletteStart + 4 * bytes[at]! : -1;
      if (from < 0) continue;
      pixels[to] = bytes[from + 2]!;
      pixels[to + 1] = bytes[from + 1]!;
      pixels[to + 2] = bytes[from]!;
    }
  }
  return { width, height, pixels };
}

/**
 * A BMP of 24 bits without compression, rows from the bottom up, pixels as B, G, R. Its header is that of the published
 * images, resolution included.
 *
 * @returns [54 + height · row], a row padded to a multiple of 4 bytes
 */
export function encodeBmp({ width, height, pixels }: RgbImage): Uint8Array {
  const rowBytes = paddedRowBytes(3 * width);
  const bytes = new Uint8Array(bmpHeaderBytes + rowBytes * height);
  const view = new DataView(bytes.buffer);
  bytes.set([0x42, 0x4d]); // BM
  view.setUint32(2, bytes.length, true);
  view.setUint32(10, bmpHeaderBytes, true);
  view.setUint32(14, infoHeaderBytes, true);
  view.setInt32(18, width, true);
  view.setInt32(22, height, true);
  view.setUint16(26, 1, true); // planes
  view.setUint16(28, 24, true);
  view.setUint32(34, rowBytes * height, true);
  view.setUint32(38, pixelsPerMetre, true);
  view.setUint32(42, pixelsPerMetre, true);
  for (let y = 0, from = 0; y < height; y++) {
    let to = bmpHeaderBytes + rowBytes * (height - 1 - y);
    for (let x = 0; x < width; x++, from += 3) {
      bytes[to++] = pixels[from + 2]!;
      bytes[to++] = pixels[from + 1]!;
      bytes[to++] = pixels[from]!;
    }
  }
  return bytes;
}

function readHeader(bytes: Uint8Array): BmpHeader {
  if (bytes.length < bmpHeaderBytes) {
    throw refusal(`it has ${bytes.length} bytes, its headers alone need ${bmpHeaderBytes}. Copy it again`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const headerBytes = view.getUint32(14, true);
  if (headerBytes < infoHeaderBytes) {
    throw refusal(
      `its header has ${headerBytes} bytes, at least ${infoHeaderBytes} are required. Convert it first`,
    );
  }
  const width = view.getInt32(18, true);
  const signedHeight = view.getInt32(22, true);
  const problem = sizeProblem(width, Math.abs(signedHeight));
  if (problem !== undefined) throw refusal(problem);
  const bitsPerPixel = view.getUint16(28, true);
  const compression = view.getUint32(30, true);
  const plain = compression === uncompressed || bitsPerPixel === 32 && isBgr(view, compression);
  if (![8, 24, 32].includes(bitsPerPixel) || !plain) {
    throw refusal(
      `it is of ${bitsPerPixel} bits a pixel with compression ${compression}, known are 8, 24 and 32 bits without ` +
        `compression. Convert it first`,
    );
  }
  const paletteStart = fileHeaderBytes + headerBytes;
  const declared = bitsPerPixel > 8 ? 0 : view.getUint32(46, true) || 256;
  return {
    width,
    height: Math.abs(signedHeight),
    bottomUp: signedHeight > 0,
    bitsPerPixel,
    paletteStart,
    paletteCount: Math.min(declared, 256, Math.floor(Math.max(0, bytes.length - paletteStart) / 4)),
    pixelStart: view.getUint32(10, true),
  };
}

/** Whether masks, which stand at the same place in every header of 40 bytes or more, say B, G, R in this order. */
function isBgr(view: DataView, compression: number): boolean {
  return compression === bitFields && view.byteLength >= 66 &&
    [0xff0000, 0xff00, 0xff].every((mask, i) => view.getUint32(54 + 4 * i, true) === mask);
}

function paddedRowBytes(byteLength: number): number {
  return Math.ceil(byteLength / 4) * 4;
}

function refusal(reason: string): SyntaxError {
  return new SyntaxError(`Cannot read BMP: ${reason}`);
}
