import { convert, type ConvertedFile, trueTrackLengths } from "@bgpt/tasks";
import { checkpointOption, openGenerativeCheckpoint } from "../checkpoint.ts";
import { defineCommand } from "../command.ts";
import { type ConversionJob, conversionJobs } from "../conversion_jobs.ts";
import { engineOptions, openEngine } from "../engine.ts";
import { makeFolder } from "../make_folder.ts";
import { jsonOption } from "../options.ts";
import { ProgressLine } from "../progress.ts";
import { greedyUnlessChosen, samplingOptions } from "../sampling_options.ts";
import { note, print, printJson } from "../terminal.ts";
import { formatBytes, formatCount, formatDuration } from "../units.ts";

/** `bgpt convert`: files into another format. */
export default defineCommand({
  description:
    "Converts files into another format, with a model that was trained on pairs (bgpt train --task conversion). Always " +
    "the most probable byte is taken, unless --top-k, --top-p or --temperature is given. MIDI gets the track lengths that its " +
    "events have, so that it can be played. A file that cannot be converted is named, and the rest goes on; no file is " +
    "overwritten.",
  positionals: {
    files: { placeholder: "FILE", many: true, help: "what to convert: files, or folders of them" },
  },
  options: {
    checkpoint: checkpointOption,
    to: { kind: "string", placeholder: "EXT", required: true, help: "what to convert into, such as mid" },
    out: {
      kind: "path",
      placeholder: "DIR",
      help: "the folder to write NAME.EXT into (default: beside each file)",
    },
    raw: { kind: "flag", help: "leave MIDI as it was generated, wrong track lengths included" },
    bytes: { kind: "integer", minimum: 1, help: "most bytes of an output (default: up to the patch length)" },
    batch: { kind: "integer", minimum: 1, default: 16, help: "files converted at a time" },
    ...samplingOptions,
    ...engineOptions,
    json: jsonOption,
  },
  examples: [
    { what: "a tune to listen to", line: "convert --checkpoint runs/tunes --to mid tune.abc" },
    {
      what: "a folder of MIDI files as sheet music",
      line: "convert --checkpoint runs/tunes --to abc recordings --out sheets",
    },
  ],
  run: async (values) => {
    const { to, out, raw, bytes: byteLimit, batch, json } = values;
    const extension = to.replace(/^\./, "");
    const checkpoint = await openGenerativeCheckpoint(values.checkpoint, "convert");
    const { jobs, leftOut } = await conversionJobs(values.files, extension, out, checkpoint);
    for (const { path, reason } of leftOut) note(`Left out "${path}": ${reason}`);
    if (jobs.length === 0) {
      throw new Error(`Cannot convert: nothing is left of ${formatCount(leftOut.length, "file")}`);
    }
    if (out !== undefined) makeFolder(out);

    const engine = await openEngine(values);
    const started = performance.now();
    const records: ConvertedRecord[] = [];
    {
      using progress = new ProgressLine("Converting", jobs.length, "files");
      const options = {
        sampling: greedyUnlessChosen(values),
        batch,
        ...(byteLimit !== undefined && { byteLimit }),
      };
      const files = jobs.map(({ file }) => file);
      for await (const output of convert(engine, checkpoint, files, extension, options)) {
        const { record, remarks } = writeOutput(
          jobs[output.index]!,
          output,
          /^midi?$/.test(extension) && !raw,
        );
        records.push(record);
        for (const remark of remarks) progress.note(`${record.path}: ${remark}`);
        progress.update(records.length);
      }
    }
    engine.destroy();
    const seconds = (performance.now() - started) / 1000;
    const byteLength = records.reduce((sum, { bytes }) => sum + bytes, 0);
    if (json) return printJson({ files: records, leftOut, bytes: byteLength, seconds });
    const place = out === undefined
      ? (records.length === 1 ? records[0]!.path : "beside the sources")
      : `to ${out}`;
    print(
      `Converted ${formatCount(records.length, "file")} into ${
        formatBytes(byteLength)
      } of .${extension} in ` +
        `${formatDuration(seconds)}, written ${place}`,
    );
  },
});

/** What `--json` says of an output. */
interface ConvertedRecord {
  readonly source: string;
  readonly path: string;
  readonly bytes: number;
  /** Whether the model ended it. */
  readonly ended: boolean;
  /** Whether its track lengths had to be changed. */
  readonly mended?: boolean;
}

function writeOutput(
  { path: source, outPath: path }: ConversionJob,
  { bytes: generated, ended }: ConvertedFile,
  mends: boolean,
): { record: ConvertedRecord; remarks: readonly string[] } {
  const remarks = ended
    ? []
    : [`cut off after ${formatBytes(generated.length)}, as the model did not end it`];
  let bytes: Uint8Array = generated;
  try {
    if (mends) bytes = trueTrackLengths(generated);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    remarks.push(`${error.message}. Written as it was generated`);
  }
  Deno.writeFileSync(path, bytes, { createNew: true });
  const mended = bytes !== generated;
  return { record: { source, path, bytes: bytes.length, ended, ...(mends && { mended }) }, remarks };
}
