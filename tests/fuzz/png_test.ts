import { fuzzTests } from "./fuzz.ts";
import { decodePng } from "@bgpt/tasks/media";
import { assertThrows } from "@std/assert";
import { Buffer } from "node:buffer";
import { deflateSync, inflateSync } from "node:zlib";
import { crc32 } from "../../core/torch/crc32.ts";
import { gradientFiles, paletteFile } from "../tasks/media/pictures.ts";
import { pngColours, pngFile } from "../tasks/media/png_files.ts";
import { joined, mutate, mutateParts } from "./mutate.ts";

const { grey, rgb, greyAlpha } = pngColours;
const seeds = [
  gradientFiles.png,
  gradientFiles.png16,
  paletteFile,
  await pngFile({ width: 3, depth: 1, colour: grey }, [[0xa0], [0x40]]),
  await pngFile({ width: 3, depth: 8, colour: rgb }, [[1, 2, 3, 1, 2, 4, 0, 0, 0]], [0, 1, 0, 2, 0, 4]),
  await pngFile({ width: 1, depth: 16, colour: greyAlpha }, [[128, 0, 255, 255]]),
  await pngFile({ width: 1, depth: 8, colour: grey, interlaced: true }, [[77]]),
];

/** Chunks without lengths and checks: names and data. */
function chunksOf(file: Uint8Array): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  const view = new DataView(file.buffer, file.byteOffset);
  for (let at = 8; at < file.length;) {
    const end = at + 8 + view.getUint32(at);
    chunks.push(file.slice(at + 4, end));
    at = end + 4;
  }
  return chunks;
}

/** A PNG of chunks, whose lengths and checks are true. */
function fileOf(chunks: readonly Uint8Array[]): Uint8Array {
  const number = (value: number) => Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
  return joined(
    gradientFiles.png.subarray(0, 8),
    ...chunks.flatMap((chunk) => [number(chunk.length - 4), chunk, number(crc32(chunk))]),
  );
}

const nameOf = (chunk: Uint8Array) => new TextDecoder().decode(chunk.subarray(0, 4));
const chunk = (name: string, data: ArrayLike<number>) =>
  joined(new TextEncoder().encode(name), Uint8Array.from(data));

fuzzTests({
  format: "png",
  seeds,
  read: decodePng,
  isOwnError: (error) => error instanceof SyntaxError,
  mutateOwn: (random, seed) => {
    const extra = [chunk("iCCP", [97, 0, 0, ...deflateSync(Buffer.alloc(4000))]), chunk("tEXt", [97, 0, 98])];
    const chunks = [...chunksOf(seed), ...extra.slice(random.below(3))];
    const pixels = chunks.findIndex((chunk) => nameOf(chunk) === "IDAT");
    if (random.below(3) === 0) {
      // The rows behind their packing.
      const rows = new Uint8Array(inflateSync(chunks[pixels]!.subarray(4)));
      chunks[pixels] = chunk("IDAT", deflateSync(mutate(random, rows, [rows])));
    }
    return fileOf(mutateParts(random, chunks).filter(({ length }) => length >= 4));
  },
  // Deflate makes 1032 bytes of one at most, which have 8 pixels each, held as they are and as colours.
  mostBytes: { fixed: 1 << 20, perByte: 1032 * 40 },
});

const refused = (bytes: Uint8Array, problem: string) =>
  assertThrows(() => decodePng(bytes), SyntaxError, `Cannot read PNG: ${problem}`);

/** A PNG of any size with any packed data, the header's last three numbers 0. */
function sized(width: number, height: number, depth: number, colour: number, packed: Uint8Array): Uint8Array {
  const header = new Uint8Array(13);
  new DataView(header.buffer).setUint32(0, width);
  new DataView(header.buffer).setUint32(4, height);
  header.set([depth, colour], 8);
  return fileOf([chunk("IHDR", header), chunk("IDAT", packed), chunk("IEND", [])]);
}

Deno.test("a PNG that declares more pixels than it has is refused before they are made", () => {
  refused(sized(65_535, 65_535, 8, rgb, deflateSync(Buffer.alloc(9))), "it is 65535 × 65535 pixels, at most");
  refused(
    sized(2 ** 32 - 1, 1, 8, grey, deflateSync(Buffer.alloc(9))),
    "it is 4294967295 × 1 pixels, at most",
  );
  refused(
    sized(8192, 8192, 16, rgb, deflateSync(Buffer.alloc(9))),
    "its 8192 × 8192 pixels take 402661376 bytes",
  );
  refused(
    sized(8192, 8192, 8, rgb, deflateSync(Buffer.alloc(9))),
    "its data unpack to 9 bytes, by its header",
  );
});

Deno.test("a PNG that unpacks to more than it declares is refused, and no profile is unpacked", () => {
  const bomb = deflateSync(Buffer.alloc(1 << 28));
  refused(sized(1, 1, 8, grey, bomb), "its data unpack to more than 65538 bytes, by its header they are 2");
  const profile = chunk("iCCP", [97, 0, 0, ...bomb]);
  const [header, ...others] = chunksOf(gradientFiles.png);
  const start = performance.now();
  decodePng(fileOf([header!, profile, ...others]));
  if (performance.now() - start > 1000) throw new Error("the profile was unpacked");
});

Deno.test("a palette that a picture of colours proposes is passed over, one that is missing is told", async () => {
  const file = await pngFile({ width: 2, depth: 8, colour: rgb }, [[1, 2, 3, 4, 5, 6]]);
  const [header, ...others] = chunksOf(file);
  const { pixels } = decodePng(fileOf([header!, chunk("PLTE", [9, 9, 9]), ...others]));
  if (pixels.join() !== "1,2,3,4,5,6") throw new Error(`the pixels are ${pixels}`);
  const without = chunksOf(paletteFile).filter((chunk) => !["PLTE", "tRNS"].includes(nameOf(chunk)));
  refused(fileOf(without), "it has no palette");
});
