import { fuzzTests } from "./fuzz.ts";
import { decodeJpeg } from "@bgpt/tasks/media";
import { assertEquals, assertThrows } from "@std/assert";
import { gradientFiles } from "../tasks/media/pictures.ts";
import { joined, mutate, mutateParts } from "./mutate.ts";

const { jpeg, progressiveJpeg, greyJpeg } = gradientFiles;
const seeds = [jpeg, progressiveJpeg, greyJpeg];

/** The segments of a JPEG between its start and its end, scans with their packed data. */
function segmentsOf(file: Uint8Array): Uint8Array[] {
  const segments: Uint8Array[] = [];
  for (let at = 2; file[at + 1] !== 0xd9;) {
    let end = at + 2 + file[at + 2]! * 256 + file[at + 3]!;
    if (file[at + 1] === 0xda) { while (file[end] !== 0xff || file[end + 1] === 0) end++; }
    segments.push(file.slice(at, end));
    at = end;
  }
  return segments;
}

function fileOf(segments: readonly Uint8Array[]): Uint8Array {
  return joined(Uint8Array.of(0xff, 0xd8), ...segments, Uint8Array.of(0xff, 0xd9));
}

fuzzTests({
  format: "jpeg",
  seeds,
  read: decodeJpeg,
  isOwnError: (error) => error instanceof SyntaxError,
  mutateOwn: (random, seed) => {
    const changed = mutateParts(random, segmentsOf(seed), segmentsOf(seeds[random.below(3)]!));
    for (const segment of changed) {
      // A true length, but for scans, whose packed data it does not count.
      if (segment.length > 3 && segment[1] !== 0xda) {
        segment.set([segment.length - 2 >> 8, segment.length - 2 & 255], 2);
      }
    }
    return random.below(8) === 0 ? mutate(random, fileOf(changed), seeds) : fileOf(changed);
  },
  // A block of 64 pixels takes a bit at least; jpeg-js holds 24 bytes for each of them.
  mostBytes: { fixed: 1 << 20, perByte: 8 * 64 * 24 },
});

const refused = (bytes: Uint8Array, problem: string) =>
  assertThrows(() => decodeJpeg(bytes), SyntaxError, `Cannot read JPEG: ${problem}`);

/** The grey file with another frame. */
function framed(width: number, height: number, components = [1, 0x11, 0]): Uint8Array {
  const count = components.length / 3;
  const size = [height >> 8, height & 255, width >> 8, width & 255];
  const byteLength = [8 + 3 * count >> 8, 8 + 3 * count & 255];
  const frame = Uint8Array.of(0xff, 0xc0, ...byteLength, 8, ...size, count, ...components);
  return fileOf(segmentsOf(greyJpeg).map((segment) => segment[1] === 0xc0 ? frame : segment));
}

Deno.test("a JPEG that declares more than it can hold is refused before anything of that size is made", () => {
  refused(framed(65_535, 65_535), "it is 65535 × 65535 pixels, at most 67108864");
  refused(framed(8000, 8000), "it is 8000 × 8000 pixels, more than its");
  refused(framed(16, 0), "it is 16 × 0 pixels, at least 1 × 1 is required");
  refused(framed(16, 12, Array(84).fill([1, 0x11, 0]).flat()), "it has 84 components");
  refused(framed(16, 12, [1, 0xff, 0]), "it samples a component 15 × 15 times");
  refused(framed(16, 12, [1, 0x11, 0, 1, 0x11, 0, 1, 0x11, 0]), "two of its components have one number");
});

Deno.test("a JPEG of a thousand scans is refused, and what stands between segments is passed over", () => {
  const segments = segmentsOf(progressiveJpeg);
  const scan = segments.findIndex((segment) => segment[1] === 0xda);
  refused(
    fileOf([...segments, ...Array<Uint8Array>(1000).fill(segments[scan]!)]),
    "it has more than 100 scans",
  );
  const spoiled = fileOf([Uint8Array.of(0, 0xff, 0, 7), ...segments]);
  assertEquals(decodeJpeg(spoiled), decodeJpeg(progressiveJpeg));
});

Deno.test("a JPEG whose scan has too few restart markers is refused as damaged, not half grey", () => {
  // Two blocks by two, a restart after each.
  const interval = Uint8Array.of(0xff, 0xdd, 0, 4, 0, 1);
  refused(fileOf([interval, ...segmentsOf(greyJpeg)]), "a scan has 0 restart markers, 3 are required");
});
