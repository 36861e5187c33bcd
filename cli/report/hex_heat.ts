import type { InspectedFile, Stretch } from "@bgpt/tasks";
import { heatBounds } from "./hex_heat_style.ts";
import { type Markup, markup } from "./markup.ts";

/** Bytes of a row of the dump. */
export const rowBytes = 16;
/** Rows drawn before and after a surprising stretch. */
const contextRows = 4;
/** Rows that a browser lays out together, when they come into view. */
const blockRows = 64;

/** What is drawn of a file. */
export interface HexHeatOptions {
  /** What the anchors of the file's stretches begin with. */
  readonly id: string;
  /** Stretches to be drawn and marked; they start with a row. */
  readonly stretches: readonly Stretch[];
  /** Most rows, but those of the stretches are always drawn. */
  readonly rowLimit: number;
}

/**
 * Draws a file as a hex dump: offset, 16 bytes, their ASCII characters, each byte on the colour of its bits. Beyond the
 * limit only the head and the stretches are drawn, and what is left out is said.
 */
export function hexHeat(file: InspectedFile, options: HexHeatOptions): Markup {
  const rowCount = Math.ceil(file.bytes.length / rowBytes);
  const blocks: Markup[] = [];
  let next = 0;
  const leaveOut = (end: number) => {
    const byteCount = Math.min(end * rowBytes, file.bytes.length) - next * rowBytes;
    if (byteCount > 0) {
      blocks.push(markup`<p class="gap">${byteCount.toLocaleString("en")} bytes are not drawn</p>
`);
    }
  };
  for (const [start, end] of drawnRows(rowCount, options)) {
    leaveOut(start);
    for (let first = start; first < end; first += blockRows) {
      const rows = Array.from(
        { length: Math.min(blockRows, end - first) },
        (_, i) => rowOf(file, first + i, options),
      );
      blocks.push(markup`<div class="rows">${rows}</div>
`);
    }
    next = end;
  }
  leaveOut(rowCount);
  return markup`<div class="heat">${blocks}</div>`;
}

/** The anchor of a stretch in the dump. */
export function stretchId(id: string, { offset }: Stretch): string {
  return `${id}-${offset.toString(16)}`;
}

/** A byte for people, as in `41 A`; 256 is the end of a file. */
export function byteName(value: number): string {
  if (value > 255) return "end of file";
  const named: Readonly<Record<number, string>> = { 9: "tab", 10: "newline", 13: "return", 32: "space" };
  const name = named[value] ?? (isPrintable(value) ? String.fromCharCode(value) : "");
  return `${hex(value, 2)} ${name}`.trimEnd();
}

/** The ASCII characters of bytes, a point for those that are none. */
export function asciiOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => isPrintable(byte) ? String.fromCharCode(byte) : "·").join("");
}

/** Ranges of rows: around the stretches, and from the head on as many as the limit leaves. */
function drawnRows(
  rowCount: number,
  { stretches, rowLimit }: HexHeatOptions,
): [start: number, end: number][] {
  const ranges = stretches.map(({ offset, length }): [number, number] => [
    Math.max(0, Math.floor(offset / rowBytes) - contextRows),
    Math.min(rowCount, Math.ceil((offset + length) / rowBytes) + contextRows),
  ]);
  const aroundStretches = ranges.reduce((sum, [start, end]) => sum + end - start, 0);
  ranges.push([0, Math.min(rowCount, Math.max(contextRows, rowLimit - aroundStretches))]);
  ranges.sort(([a], [b]) => a - b);
  const joined: [number, number][] = [];
  for (const [start, end] of ranges) {
    const last = joined.at(-1);
    if (last !== undefined && start <= last[1]) last[1] = Math.max(last[1], end);
    else joined.push([start, end]);
  }
  return joined;
}

function rowOf(file: InspectedFile, row: number, { id, stretches }: HexHeatOptions): Markup {
  const offset = row * rowBytes;
  const end = Math.min(offset + rowBytes, file.bytes.length);
  const cells: Markup[] = [];
  for (let i = offset; i < end; i++) cells.push(cellOf(file, i), i - offset === 7 ? markup`  ` : markup` `);
  const missing = " ".repeat(3 * (offset + rowBytes - end) + (end - offset < 8 ? 1 : 0));
  const stretch = stretches.find((stretch) =>
    offset >= stretch.offset && offset < stretch.offset + stretch.length
  );
  const marks = stretch === undefined
    ? markup``
    : stretch.offset === offset
    ? markup` class="surprising" id="${stretchId(id, stretch)}"`
    : markup` class="surprising"`;
  return markup`<div${marks}><b>${hex(offset, 8)}</b>  ${cells}${missing} ${
    asciiRuns(file, offset, end)
  }</div>
`;
}

function cellOf({ bytes, bits, best }: InspectedFile, i: number): Markup {
  const [value, guess] = [bytes[i]!, best[i]!];
  const guessed = guess === value ? "as guessed" : `guess ${byteName(guess)}`;
  return markup`<i${heatOf(bits[i]!)} title="${byteName(value)} · ${bits[i]!.toFixed(2)} bits · ${guessed}">${
    hex(value, 2)
  }</i>`;
}

/** Neighbours of one colour are one element. */
function asciiRuns({ bytes, bits }: InspectedFile, offset: number, end: number): Markup {
  const runs: Markup[] = [];
  for (let start = offset, i = offset; i < end; i++) {
    if (i + 1 < end && levelOf(bits[i + 1]!) === levelOf(bits[start]!)) continue;
    runs.push(markup`<s${heatOf(bits[start]!)}>${asciiOf(bytes.subarray(start, i + 1))}</s>`);
    start = i + 1;
  }
  return markup`${runs}`;
}

/** The attribute that colours an element; the coldest has none, as that is what most bytes of a good model are. */
function heatOf(bits: number): Markup {
  const level = levelOf(bits);
  return level === 0 ? markup`` : markup` class="h${level}"`;
}

function levelOf(bits: number): number {
  return heatBounds.findLastIndex((bound) => bits >= bound);
}

function isPrintable(byte: number): boolean {
  return byte >= 32 && byte < 127;
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, "0");
}
