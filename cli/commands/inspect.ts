import { windowedSamples } from "@bgpt/core";
import { folderSource } from "@bgpt/core/files";
import { type InspectedFile, inspectFiles, surprisingStretches } from "@bgpt/tasks";
import { checkpointOption, openGenerativeCheckpoint } from "../checkpoint.ts";
import { defineCommand } from "../command.ts";
import { engineOptions, openEngine } from "../engine.ts";
import { type LossRecord, lossRecord } from "../loss_record.ts";
import { jsonOption } from "../options.ts";
import { checkOutputPath } from "../output_path.ts";
import { ProgressLine } from "../progress.ts";
import { rowBytes } from "../report/hex_heat.ts";
import { type FileRecord, inspectionReport } from "../report/inspection_report.ts";
import { note, print, printJson } from "../terminal.ts";
import { formatCount } from "../units.ts";

/** Bytes of a surprising stretch, and most stretches of a file. */
const stretch = { length: 64, alignment: rowBytes, count: 10 };
/** Most files that a report shows byte by byte. */
const shownFiles = 5;
/** Most files that are listed in a terminal. */
const printedFiles = 20;

/** `bgpt inspect`: where files surprise a model. */
export default defineCommand({
  description:
    "Shows where files surprise a model: the bits that each byte costs it. Of several files, those unlike what the " +
    "model learned from stand first. A file beyond the patch length is seen by a window that moves on by half of it, so " +
    "that every byte has at least half a window in front of it.",
  positionals: {
    files: { placeholder: "FILE", many: true, help: "what to inspect: files, or folders of them" },
  },
  options: {
    checkpoint: checkpointOption,
    out: {
      kind: "path",
      placeholder: "FILE",
      help:
        "the report to write, an HTML file: each byte on the colour of its bits, and jumps to what surprises most",
    },
    batch: { kind: "integer", minimum: 1, default: 4, help: "windows of full length computed at a time" },
    ...engineOptions,
    json: jsonOption,
  },
  examples: [
    { what: "one file, byte by byte", line: "inspect --checkpoint runs/images photo.bmp --out report.html" },
    {
      what: "which files of a folder are unlike the others",
      line: "inspect --checkpoint runs/logs logs --out report.html",
    },
    {
      what: "the bits of every byte, for a program to read",
      line: "inspect --checkpoint runs/a photo.bmp --json",
    },
  ],
  run: async (values) => {
    const { files, checkpoint: path, out, batch, json } = values;
    if (out !== undefined) checkOutputPath(out);
    const checkpoint = await openGenerativeCheckpoint(path, "inspect files");
    const source = await folderSource(files);
    const { patchLength } = checkpoint.model;
    const windowCount = windowedSamples(source, checkpoint.model).count;
    const windowed = windowCount > source.files.length;

    const engine = await openEngine(values);
    const records: FileRecord[] = [];
    const shown: InspectedFile[] = [];
    {
      using progress = new ProgressLine("Inspecting", windowCount, "windows");
      const onProgress = (done: number) => progress.update(done);
      for await (const file of inspectFiles(engine, checkpoint, source, { batch, onProgress })) {
        records.push(recordOf(file));
        shown.push(file);
        // Of what will not be shown the bytes are not kept.
        shown.sort((a, b) => rank(lossRecord(b.totals)) - rank(lossRecord(a.totals))).splice(shownFiles);
      }
    }
    engine.destroy();
    records.sort((a, b) => rank(b) - rank(a));

    if (out !== undefined) {
      const report = { checkpoint: path, patchLength, windowed, records, shown };
      Deno.writeTextFileSync(out, inspectionReport(report));
      note(`Wrote ${out}`);
    }
    if (json) {
      const [only] = shown;
      return printJson({
        ...(windowed && { window: patchLength }),
        files: records.length === 1 ? [{ ...records[0], bits: Array.from(only!.bits, rounded) }] : records,
      });
    }
    print(records.length === 1 ? fileText(records[0]!) : listText(records));
    if (windowed) print(`Seen by windows of ${formatCount(patchLength, "patch", "patches")}`);
  },
});

function recordOf({ path, bytes, bits, totals }: InspectedFile): FileRecord {
  const surprising = surprisingStretches(bits, stretch);
  return { path, bytes: bytes.length, ...lossRecord(totals), surprising };
}

/** Files of most bits per byte stand first, empty ones last. */
function rank({ bpbBytes }: LossRecord): number {
  return bpbBytes ?? -1;
}

/** Four decimals tell a byte's bits, and halve the JSON. */
function rounded(bits: number): number {
  return Math.round(bits * 1e4) / 1e4;
}

function fileText({ path, bytes, bpb, bpbBytes, surprising }: FileRecord): string {
  return [
    `${path}, ${formatCount(bytes, "byte")}`,
    `bits per byte as published   ${bpb.toFixed(4)}`,
    `bits per real byte           ${bpbBytes?.toFixed(4) ?? "no byte to predict"}`,
    ...surprising.map(({ offset, length, bits }) =>
      `  ${bits.toFixed(2).padStart(5)} bits per byte   bytes ${offset} to ${offset + length - 1}`
    ),
  ].join("\n");
}

function listText(records: readonly FileRecord[]): string {
  const rows = records.slice(0, printedFiles).map(({ path, bpbBytes }) =>
    `  ${bpbBytes?.toFixed(4) ?? "  none"}   ${path}`
  );
  const leftOut = records.length - rows.length;
  return [
    `${formatCount(records.length, "file")} by bits per real byte`,
    ...rows,
    ...(leftOut > 0 ? [`and ${leftOut.toLocaleString("en")} less surprising`] : []),
  ].join("\n");
}
