/**
 * The segments of a JPEG (ITU-T T.81, annex B) that its picture needs, checked before a library sees them: jpeg-js takes
 * lengths on trust, allocates what a header declares, and decodes a picture as often as it has scans.
 * @module
 */
import { concatenate } from "../concatenate.ts";
import { sizeProblem } from "./picture_size.ts";

/** What a frame header tells. */
interface Frame {
  readonly width: number;
  readonly height: number;
  /** Sampling factors by the component's number. */
  readonly components: ReadonlyMap<number, { readonly across: number; readonly down: number }>;
}

/** Second bytes of markers; the first is 0xff. */
const marker = {
  tables: 0xc4,
  start: 0xd8,
  end: 0xd9,
  scan: 0xda,
  quantisation: 0xdb,
  restarts: 0xdd,
  adobe: 0xee,
};
/** Baseline, extended and progressive. */
const frames = [0xc0, 0xc1, 0xc2];
/** Markers that have no segment: restarts, start, and one without a meaning. */
const bare = [0x01, 0xd0, 0xd1, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, marker.start];
/** Frames of arithmetic, lossless and hierarchical coding. */
const otherFrames = [0xc3, 0xc5, 0xc6, 0xc7, 0xc9, 0xca, 0xcb, 0xcd, 0xce, 0xcf];
/** A progressive picture has about ten. */
const mostScans = 100;

/**
 * A JPEG of the same picture with nothing but tables, frame and scans, each as long as it says and as the frame has it.
 * Bytes between segments, which some cameras leave, are passed over.
 * @throws {SyntaxError} with the reason, when it is none, is cut short or damaged, is of another coding, or declares more
 * than its bytes can hold
 */
export function pictureSegments(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const kept: Uint8Array[] = [Uint8Array.of(0xff, marker.start)];
  let frame: Frame | undefined;
  let interval = 0;
  let scans = 0;
  let at = nextMarker(bytes, 2);
  for (; bytes[at + 1] !== marker.end; at = nextMarker(bytes, at)) {
    const kind = bytes[at + 1];
    if (kind === undefined) fail(`it ends at byte ${bytes.length} without an end marker. Copy it again`);
    if (bare.includes(kind)) {
      at += 2;
      continue;
    }
    const byteLength = at + 4 <= bytes.length ? view.getUint16(at + 2) : Infinity;
    const end = at + 2 + byteLength;
    if (byteLength < 2 || end > bytes.length) fail(`its segment at byte ${at} is cut short. Copy it again`);
    const data = bytes.subarray(at + 4, end);
    if (otherFrames.includes(kind)) fail("it is neither baseline nor progressive. Convert it first");
    if (frames.includes(kind)) {
      if (frame !== undefined) fail("it has two frames, one is required");
      frame = readFrame(data, bytes.length);
    } else if (kind === marker.restarts) {
      if (data.length !== 2) fail("its restart interval is damaged. Copy it again");
      interval = view.getUint16(at + 4);
    } else if (kind === marker.scan) {
      if (frame === undefined) fail("a scan stands before its frame");
      if (++scans > mostScans) fail(`it has more than ${mostScans} scans. Save it again with fewer`);
      const scanEnd = endOfScan(bytes, end);
      checkRestarts(bytes.subarray(end, scanEnd), unitCount(frame, scanComponents(data, frame)), interval);
      kept.push(bytes.subarray(at, scanEnd));
      at = scanEnd;
      continue;
    } else if (kind === marker.tables) checkTables(data, huffmanBytes);
    else if (kind === marker.quantisation) checkTables(data, quantisationBytes);
    else if (kind !== marker.adobe) {
      at = end;
      continue;
    }
    kept.push(bytes.subarray(at, end));
    at = end;
  }
  if (scans === 0) fail("it has no scan, and so no picture");
  return concatenate([...kept, Uint8Array.of(0xff, marker.end)]);
}

/** Where the next marker stands, or the end; before it may be bytes of 0xff. */
function nextMarker(bytes: Uint8Array, from: number): number {
  let at = from;
  while (at < bytes.length && (bytes[at] !== 0xff || bytes[at + 1] === 0 || bytes[at + 1] === 0xff)) at++;
  return at;
}

/** Where the packed data of a scan end: at a marker that is no restart. */
function endOfScan(bytes: Uint8Array, from: number): number {
  let at = nextMarker(bytes, from);
  while (isRestart(bytes[at + 1])) at = nextMarker(bytes, at + 2);
  return at;
}

function isRestart(kind: number | undefined): boolean {
  return kind !== undefined && kind >= 0xd0 && kind <= 0xd7;
}

function readFrame(data: Uint8Array, fileBytes: number): Frame {
  const count = data[5] ?? 0;
  if (data.length !== 6 + 3 * count) fail("its frame header has a wrong length. Copy it again");
  if (count !== 1 && count !== 3) {
    const cmyk = count === 4 ? " (CMYK)" : "";
    fail(`it has ${count} components${cmyk}, 1 or 3 are required. Convert it to RGB first`);
  }
  if (data[0] !== 8) fail(`its samples are of ${data[0]} bits, 8 are required. Convert it first`);
  const [height, width] = [data[1]! * 256 + data[2]!, data[3]! * 256 + data[4]!];
  const problem = sizeProblem(width, height);
  if (problem !== undefined) fail(problem);
  // Each block of 8 × 8 pixels takes at least a bit.
  if (Math.ceil(width / 8) * Math.ceil(height / 8) > 8 * fileBytes) {
    fail(`it is ${width} × ${height} pixels, more than its ${fileBytes} bytes can hold. Copy it again`);
  }
  const components = new Map<number, { across: number; down: number }>();
  for (let at = 6; at < data.length; at += 3) {
    const [across, down] = [data[at + 1]! >> 4, data[at + 1]! & 15];
    if (across < 1 || across > 4 || down < 1 || down > 4) {
      fail(`it samples a component ${across} × ${down} times, from 1 to 4 are possible`);
    }
    components.set(data[at]!, { across, down });
  }
  if (components.size !== count) fail("two of its components have one number");
  return { width, height, components };
}

/** The numbers of the components that a scan has. */
function scanComponents(data: Uint8Array, { components }: Frame): number[] {
  const count = data[0] ?? 0;
  const numbers = Array.from({ length: count }, (_, i) => data[1 + 2 * i]!);
  const known = new Set(numbers.filter((number) => components.has(number)));
  if (data.length !== 4 + 2 * count || count === 0 || known.size !== count) {
    fail("the header of a scan is damaged. Copy it again");
  }
  return numbers;
}

/** Units that a scan is coded in: blocks where it has one component, else groups of blocks. */
function unitCount({ width, height, components }: Frame, scanned: readonly number[]): number {
  const [mostAcross, mostDown] = [
    Math.max(...[...components.values()].map(({ across }) => across)),
    Math.max(...[...components.values()].map(({ down }) => down)),
  ];
  const units = (size: number, factor: number, most: number) =>
    scanned.length === 1 ? Math.ceil(Math.ceil(size / 8) * factor / most) : Math.ceil(size / 8 / most);
  const { across, down } = components.get(scanned[0]!)!;
  return units(width, across, mostAcross) * units(height, down, mostDown);
}

/** So that none is missing, and jpeg-js meets no bytes behind the last unit. */
function checkRestarts(packed: Uint8Array, units: number, interval: number): void {
  const required = interval === 0 ? 0 : Math.ceil(units / interval) - 1;
  let found = 0;
  for (let at = 0; at + 1 < packed.length; at++) {
    if (packed[at] === 0xff && isRestart(packed[at + 1])) found++;
  }
  if (found === required) return;
  fail(`a scan has ${found} restart markers, ${required} are required. It is damaged: copy it again`);
}

/** Tables fill their segment exactly; `bytesOf` tells the size of the one at a byte. */
function checkTables(data: Uint8Array, bytesOf: (data: Uint8Array, at: number) => number): void {
  let at = 0;
  while (at < data.length) at += bytesOf(data, at);
  if (at !== data.length) fail("its tables are damaged. Copy it again");
}

function huffmanBytes(data: Uint8Array, at: number): number {
  return data.subarray(at + 1, at + 17).reduce((sum, count) => sum + count, 17);
}

function quantisationBytes(data: Uint8Array, at: number): number {
  return data[at]! >> 4 === 0 ? 65 : 129;
}

function fail(reason: string): never {
  throw new SyntaxError(reason);
}
