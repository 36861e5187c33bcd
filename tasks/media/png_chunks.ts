/**
 * The chunks of a PNG (W3C, "Portable Network Graphics", third edition) that its picture needs, checked before a library
 * sees them: what is left out cannot unpack to any size, and what is left in unpacks to what the header says.
 * @module
 */
import { Unzlib } from "fflate";
import { concatenate } from "../concatenate.ts";
import { sizeProblem } from "./picture_size.ts";

/** What the header tells. */
interface PngHeader {
  readonly width: number;
  readonly height: number;
  /** Bits of a sample. */
  readonly depth: number;
  readonly colour: number;
  readonly interlaced: boolean;
}

const signature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
/** Length, name and check of a chunk. */
const chunkFrameBytes = 12;
const headerBytes = 13;
const mostColours = 256;
const paletteColour = 3;
/** Samples of a pixel, and the depths that they may have, by the code of the colour type. */
const colourTypes: Readonly<
  Record<number, { readonly samples: number; readonly depths: readonly number[] }>
> = {
  0: { samples: 1, depths: [1, 2, 4, 8, 16] },
  2: { samples: 3, depths: [8, 16] },
  [paletteColour]: { samples: 1, depths: [1, 2, 4, 8] },
  4: { samples: 2, depths: [8, 16] },
  6: { samples: 4, depths: [8, 16] },
};
/** Most bytes of all rows; fast-png holds them three times. */
const mostRowBytes = 2 ** 28;
/** First column and row of the passes of an interlaced picture, and the steps between them. */
const passes = [[0, 0, 8, 8], [4, 0, 8, 8], [0, 4, 4, 8], [2, 0, 4, 4], [0, 2, 2, 4], [1, 0, 2, 2], [
  0,
  1,
  1,
  2,
]];
/** Packed bytes that are unpacked at once: at most a thousand times as many come out. */
const packedBytes = 2 ** 16;
/** What some programs write behind the last row. */
const mostSurplus = 2 ** 16;

/**
 * A PNG of the same picture without the chunks that it does not need: profiles, texts, times, a palette that is a mere
 * proposal.
 * @throws {SyntaxError} with the reason, when it is none, is cut short, declares what cannot be or is not supported, or
 * unpacks to another size than it declares
 */
export function pictureChunks(bytes: Uint8Array): Uint8Array {
  if (signature.some((byte, i) => bytes[i] !== byte)) fail("it does not begin with the signature of a PNG");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const kept = [bytes.subarray(0, signature.length)];
  const packed: Uint8Array[] = [];
  const once = new Set<string>();
  let header: PngHeader | undefined;
  for (let at = signature.length, name = ""; name !== "IEND";) {
    const byteLength = at + chunkFrameBytes <= bytes.length ? view.getUint32(at) : Infinity;
    const end = at + chunkFrameBytes + byteLength;
    if (end > bytes.length) fail(`it ends at byte ${bytes.length}, within a chunk. Copy it again`);
    name = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const chunk = bytes.subarray(at, end);
    const data = chunk.subarray(8, -4);
    header ??= readHeader(name, data);
    if (isNeeded(name, header.colour)) {
      if (name === "IDAT") packed.push(data);
      else if (once.has(name)) fail(`it has chunk ${name} twice`);
      once.add(name);
      if (name === "PLTE") checkPalette(data.length);
      kept.push(chunk);
    }
    at = end;
  }
  if (header!.colour === paletteColour && !once.has("PLTE")) fail("it has no palette");
  checkRows(packed, rowBytesOf(header!));
  return concatenate(kept);
}

function readHeader(name: string, data: Uint8Array): PngHeader {
  if (name !== "IHDR" || data.length !== headerBytes) {
    fail("it does not begin with a header, IHDR of 13 bytes");
  }
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  const [width, height] = [view.getUint32(0), view.getUint32(4)];
  const [depth, colour, , , interlacing] = data.subarray(8) as unknown as [
    number,
    number,
    number,
    number,
    number,
  ];
  const problem = sizeProblem(width, height);
  if (problem !== undefined) fail(problem);
  if (!colourTypes[colour]?.depths.includes(depth)) {
    fail(`it is of colour type ${colour} with ${depth} bits a sample, which no PNG has`);
  }
  const header = { width, height, depth, colour, interlaced: interlacing !== 0 };
  if (depth < 8 && header.interlaced) {
    // fast-png 8.0.0 takes the rows of each pass for bytes then.
    fail(`it is interlaced with ${depth} bits a pixel, which is not supported. Save it without`);
  }
  if (rowBytesOf(header) > mostRowBytes) {
    fail(
      `its ${width} × ${height} pixels take ${rowBytesOf(header)} bytes, at most ${mostRowBytes} are read`,
    );
  }
  return header;
}

/** Bytes of all rows, that of each row's filter included. */
function rowBytesOf({ width, height, depth, colour, interlaced }: PngHeader): number {
  const bits = depth * colourTypes[colour]!.samples;
  const rows = (columns: number, count: number) =>
    columns > 0 && count > 0 ? count * (1 + Math.ceil(columns * bits / 8)) : 0;
  if (!interlaced) return rows(width, height);
  return passes.reduce(
    (sum, [x = 0, y = 0, stepX = 1, stepY = 1]) =>
      sum + rows(Math.ceil((width - x) / stepX), Math.ceil((height - y) / stepY)),
    0,
  );
}

function isNeeded(name: string, colour: number): boolean {
  if (name === "PLTE") return colour === paletteColour;
  if (name === "tRNS") return colour <= paletteColour;
  return ["IHDR", "IDAT", "IEND"].includes(name);
}

function checkPalette(byteLength: number): void {
  if (byteLength >= 3 && byteLength <= 3 * mostColours && byteLength % 3 === 0) return;
  fail(`its palette has ${byteLength} bytes, 3 for each of 1 to ${mostColours} colours are required`);
}

/** Unpacks without keeping anything, and stops where it is too much. */
function checkRows(packed: readonly Uint8Array[], rowBytes: number): void {
  let byteLength = 0;
  const unpacker = new Unzlib((rows) => byteLength += rows.length);
  try {
    for (const data of packed) {
      for (let at = 0; at < data.length; at += packedBytes) {
        unpacker.push(data.subarray(at, at + packedBytes));
        if (byteLength > rowBytes + mostSurplus) break;
      }
    }
  } catch {
    fail("its packed data are damaged. Copy it again");
  }
  if (byteLength >= rowBytes && byteLength <= rowBytes + mostSurplus) return;
  const found = byteLength < rowBytes ? `${byteLength}` : `more than ${rowBytes + mostSurplus}`;
  fail(`its data unpack to ${found} bytes, by its header they are ${rowBytes}. It is damaged: copy it again`);
}

function fail(reason: string): never {
  throw new SyntaxError(reason);
}
