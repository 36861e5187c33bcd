/**
 * Inspection: the report of `bgpt inspect`, in the page.
 * @module
 */
import { type FileSource, patchCountOf } from "@bgpt/core";
import { type InspectedFile, inspectFiles, surprisingStretches } from "@bgpt/tasks";
import { lossRecord } from "../cli/loss_record.ts";
import { rowBytes } from "../cli/report/hex_heat.ts";
import { type FileRecord, inspectionReport } from "../cli/report/inspection_report.ts";
import { formatCount } from "../cli/units.ts";
import { field, find, readFile, save } from "./dom.ts";
import { Panel } from "./panel.ts";
import type { Session } from "./session.ts";

/** Bytes of a surprising stretch, and most stretches of a file. */
const stretch = { length: 64, alignment: rowBytes, count: 10 };
/** Most files that are shown byte by byte. */
const shownFiles = 5;
/** Windows of full length computed at a time. */
const batch = 4;

/** Makes the panel work. */
export function inspectPanel(session: Session): void {
  const panel: Panel = new Panel(session, "inspect", run);
  const { form, result } = panel;
  const download = find("button[name=save]", HTMLButtonElement, form);
  let report = "";
  download.addEventListener("click", () => save(report, "inspection.html"));

  async function run(): Promise<void> {
    const files = [...field(form, "files").files!];
    result.hidden = true;
    download.disabled = true;
    await session.compute(async (engine, { name, checkpoint }) => {
      const inspected: InspectedFile[] = [];
      const onProgress = (done: number, all: number) =>
        panel.say(`${done} of ${formatCount(all, "window")} computed…`);
      panel.say("Preparing…");
      const source = fileSource(files);
      for await (const file of inspectFiles(engine, checkpoint, source, { batch, onProgress })) {
        inspected.push(file);
      }
      inspected.sort((a, b) => rank(b) - rank(a));
      const { patchSize, patchLength } = checkpoint.model;
      report = inspectionReport({
        checkpoint: name,
        patchLength,
        windowed: files.some(({ size }) => patchCountOf(size, patchSize) > patchLength),
        records: inspected.map(recordOf),
        shown: inspected.slice(0, shownFiles),
      });
    });
    panel.say("");
    result.replaceChildren(...bodyOf(report));
    result.hidden = false;
    download.disabled = false;
  }
}

function fileSource(files: readonly File[]): FileSource {
  return {
    files: files.map(({ name, size }) => ({ path: name, byteLength: size })),
    read: (index) => readFile(files[index]!),
  };
}

function recordOf({ path, bytes, bits, totals }: InspectedFile): FileRecord {
  return {
    path,
    bytes: bytes.length,
    ...lossRecord(totals),
    surprising: surprisingStretches(bits, stretch),
  };
}

/** Files of most bits per byte stand first, empty ones last. */
function rank({ totals }: InspectedFile): number {
  return lossRecord(totals).bpbBytes ?? -1;
}

/** What a report says, for a page that has its style. */
function bodyOf(report: string): Element[] {
  const main = find("main", HTMLElement, new DOMParser().parseFromString(report, "text/html"));
  return [...main.children].map((element) => document.adoptNode(element));
}
