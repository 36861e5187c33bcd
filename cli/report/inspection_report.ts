import type { InspectedFile, Stretch } from "@bgpt/tasks";
import type { LossRecord } from "../loss_record.ts";
import { formatCount } from "../units.ts";
import { asciiOf, hexHeat, rowBytes, stretchId } from "./hex_heat.ts";
import { heatLegend, heatStyle } from "./hex_heat_style.ts";
import { htmlReport, type ReportSection } from "./html_report.ts";
import { markup } from "./markup.ts";
import type { Point } from "./point.ts";

/** What is told of every file. */
export type FileRecord = LossRecord & {
  readonly path: string;
  readonly bytes: number;
  /** The most surprising first. */
  readonly surprising: readonly Stretch[];
};

/** What the report of an inspection is made of. */
export interface InspectionReport {
  readonly checkpoint: string;
  /** L: patches that the model sees at a time. */
  readonly patchLength: number;
  /** Whether a file was longer, and seen by windows. */
  readonly windowed: boolean;
  /** All files, the one of most bits per byte first. */
  readonly records: readonly FileRecord[];
  /** The first of them, byte by byte. */
  readonly shown: readonly InspectedFile[];
}

/** Most files in the list. */
const listedFiles = 1000;
/** Most rows of a dump, 64 KiB, which are shared by the files that are shown. */
const shownRows = 4096;
/** Most points of a curve. */
const curvePoints = 240;

/** The report of an inspection as one HTML file: the list of files, and those that surprise most as hex dumps. */
export function inspectionReport({ records, shown, ...report }: InspectionReport): string {
  const [first] = records;
  const title = records.length === 1 ? first!.path : `${formatCount(records.length, "file")} under a model`;
  const rowLimit = Math.floor(shownRows / shown.length);
  const byteCount = records.reduce((sum, { bytes }) => sum + bytes, 0);
  return htmlReport({
    title,
    summary: records.length === 1
      ? `The model needs ${figure(first!.bpbBytes)} bits for a byte of this file.`
      : `The model needs from ${
        figure(records.findLast(({ bpbBytes }) => bpbBytes !== undefined)?.bpbBytes)
      } to ${figure(first!.bpbBytes)} bits for a byte of them.`,
    facts: [
      ["Bytes", byteCount.toLocaleString("en")],
      ...(records.length === 1
        ? [
          ["Bits per real byte", figure(first!.bpbBytes)],
          ["Bits per byte as published", first!.bpb.toFixed(4)],
          ["Best guess right", rightShare(shown[0]!)],
        ] as const
        : []),
      ...(report.windowed ? [["Window", formatCount(report.patchLength, "patch", "patches")]] as const : []),
      ["Checkpoint", report.checkpoint],
    ],
    sections: [
      ...(records.length > 1 ? [fileList(records, shown.length)] : []),
      ...shown.flatMap((file, index) =>
        fileSections(file, records[index]!, index, records.length > 1, rowLimit)
      ),
    ],
    style: heatStyle,
    footer: `Made by bgpt on ${new Date().toISOString().slice(0, 10)}.`,
  });
}

function fileList(records: readonly FileRecord[], shownCount: number): ReportSection {
  const leftOut = records.length - listedFiles;
  return {
    title: "Files",
    note:
      "Bits of the real bytes over their number: a file unlike those that the model learned from stands first." +
      (leftOut > 0 ? ` The ${leftOut.toLocaleString("en")} least surprising files are not listed.` : ""),
    table: {
      columns: ["File", "Bytes", "Bits per byte", "As published"],
      rows: records.slice(0, listedFiles).map(({ path, bytes, bpb, bpbBytes }, index) => [
        index < shownCount ? markup`<a href="#f${index}">${path}</a>` : path,
        bytes.toLocaleString("en"),
        figure(bpbBytes),
        bpb.toFixed(4),
      ]),
    },
  };
}

/** The curve, the jumps and the dump of a file; where it is one of several, their titles say of which. */
function fileSections(
  file: InspectedFile,
  { surprising, bpbBytes }: FileRecord,
  index: number,
  named: boolean,
  rowLimit: number,
): ReportSection[] {
  const id = `f${index}`;
  // Whole rows of the dump.
  const step = rowBytes * Math.max(1, Math.ceil(file.bits.length / rowBytes / curvePoints));
  // Without @std/path, whose stand-in no browser has.
  const of = named ? ` of ${file.path.split(/[/\\]/).at(-1)}` : "";
  return [
    {
      id,
      title: named ? file.path : "Along the file",
      ...(named && { note: `${formatCount(file.bytes.length, "byte")}, ${figure(bpbBytes)} bits per byte.` }),
      plot: {
        title: "Bits per byte along the file",
        xLabel: "offset, bytes",
        yLabel: "bits per byte",
        series: [
          { name: `${formatCount(step, "byte")} at a time`, points: curveOf(file.bits, step) },
          {
            name: "whole file",
            points: [[0, bpbBytes ?? NaN], [file.bits.length, bpbBytes ?? NaN]],
            style: "dashed",
          },
        ],
        legendValues: false,
      },
    },
    {
      title: `Most surprising stretches${of}`,
      note: "Bits per byte of stretches of 64 bytes.",
      table: {
        columns: ["Offset", "In hex", "Bits", "Bytes as ASCII"],
        rows: surprising.map((stretch) => [
          markup`<a href="#${stretchId(id, stretch)}">${stretch.offset.toLocaleString("en")}</a>`,
          stretch.offset.toString(16),
          stretch.bits.toFixed(2),
          markup`<code>${
            asciiOf(file.bytes.subarray(stretch.offset, stretch.offset + stretch.length))
          }</code>`,
        ]),
      },
    },
    {
      title: `Bytes${of}`,
      note:
        "On the colour of their bits; 8 are what a byte of random data costs. Point at one for its value, its " +
        "bits and what the model would have written.",
      html: markup`${heatLegend}${hexHeat(file, { id, stretches: surprising, rowLimit })}`,
    },
  ];
}

/** The mean bits of so many bytes at a time. */
function curveOf(bits: Float32Array, step: number): Point[] {
  return Array.from({ length: Math.ceil(bits.length / step) }, (_, i) => {
    const part = bits.subarray(i * step, (i + 1) * step);
    return [i * step + part.length / 2, part.reduce((sum, value) => sum + value, 0) / part.length];
  });
}

/** How many of the bytes the model found most probable. */
function rightShare({ bytes, best }: InspectedFile): string {
  if (bytes.length === 0) return "–";
  const right = bytes.reduce((sum, byte, i) => sum + Number(best[i] === byte), 0);
  return `${(100 * right / bytes.length).toFixed(1)} %`;
}

/** An empty file has no figure. */
function figure(bitsPerByte: number | undefined): string {
  return bitsPerByte?.toFixed(4) ?? "–";
}
