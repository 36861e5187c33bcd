import {
  extensionPatch,
  fileExtension,
  filePatches,
  generate,
  type GenerationRequest,
  patchCountOf,
} from "@bgpt/core";
import { readFile } from "@bgpt/core/files";
import { extname, join } from "@std/path";
import { checkpointOption, openGenerativeCheckpoint } from "../checkpoint.ts";
import { defineCommand } from "../command.ts";
import { engineOptions, openEngine } from "../engine.ts";
import { UsageError } from "../errors.ts";
import { GrowingFile } from "../growing_file.ts";
import { jsonOption } from "../options.ts";
import { checkOutputPath } from "../output_path.ts";
import { ProgressLine } from "../progress.ts";
import { samplingOf, samplingOptions } from "../sampling_options.ts";
import { note, printJson, writeBytes } from "../terminal.ts";
import { formatBytes, formatCount, formatDuration, formatRate } from "../units.ts";
import { checkVacant } from "../vacant_folder.ts";

/** `bgpt generate`: new files, or the rest of a file. */
export default defineCommand({
  description:
    "Generates a file of a given kind, or continues one. The filters apply in the published order: top-k, top-p, then " +
    "temperature. What is written, to --out or else to stdout, is the whole file: the prefix, then the new bytes. A file " +
    "is called NAME.partial while it grows. Beyond the patch length, the model sees the newest half of it and goes on.",
  options: {
    checkpoint: checkpointOption,
    extension: {
      kind: "string",
      placeholder: "EXT",
      help: "kind of file, such as txt (default: that of --prefix)",
    },
    prefix: { kind: "path", placeholder: "FILE", help: "a file to continue; it may end inside a patch" },
    bytes: {
      kind: "integer",
      minimum: 1,
      help: "most new bytes, also beyond the patch length (default: up to it)",
    },
    ignoreEos: { kind: "flag", help: "go on past the end of a file: the end is never drawn" },
    count: { kind: "integer", minimum: 1, maximum: 65536, default: 1, help: "how many files" },
    ...samplingOptions,
    greedy: { kind: "flag", help: "always take the most probable byte" },
    out: {
      kind: "path",
      placeholder: "PATH",
      help: "the file to write; with --count a folder for 0.EXT, 1.EXT, …, new or empty",
    },
    ...engineOptions,
    json: jsonOption,
  },
  examples: [
    { what: "an image", line: "generate --checkpoint runs/images --extension bmp --out new.bmp --seed 1" },
    {
      what: "a text longer than the model sees at a time",
      line: "generate --checkpoint runs/books --extension txt --bytes 100000 --out long.txt",
    },
    {
      what: "ten ways to go on with a text",
      line: "generate --checkpoint runs/books --prefix start.txt --count 10 --out ways",
    },
  ],
  run: async (values) => {
    const { checkpoint: path, prefix: prefixPath, out, count, json } = values;
    const extension = values.extension?.replace(/^\./, "") ??
      (prefixPath === undefined ? undefined : fileExtension(prefixPath));
    if (extension === undefined) {
      throw new UsageError("Missing --extension, or a --prefix to continue. See bgpt generate --help");
    }
    if (out === undefined && count > 1) {
      throw new UsageError(`Cannot write ${count} files to stdout: name --out DIR`);
    }
    if (out === undefined && json) {
      throw new UsageError("Cannot write bytes and JSON to stdout: name --out FILE");
    }
    if (out !== undefined) count === 1 ? checkOutputPath(out) : checkVacant(out, "generate");
    const { model, parameters } = await openGenerativeCheckpoint(path, "generate");
    const start = prefixPath === undefined ? new Uint8Array() : await readFile(prefixPath);
    const prefix = prefixTokens(start, extension, model.patchSize);
    const prefixPatches = Math.floor(prefix.length / model.patchSize);
    if (values.bytes === undefined && prefixPatches >= model.patchLength) {
      throw new UsageError(
        `Cannot continue "${prefixPath}" of ${
          formatCount(start.length, "byte")
        }: the model sees ${model.patchLength} patches of ${model.patchSize} bytes, and leaves no room. Add --bytes N to go on beyond them`,
      );
    }
    const byteLimit = values.bytes ?? model.patchLength * model.patchSize;
    const request: GenerationRequest = {
      prefixes: Array<Uint16Array>(count).fill(prefix),
      byteLimit,
      sampling: samplingOf(values, values.greedy),
      ignoreEnd: values.ignoreEos,
      beyondPatchLength: values.bytes !== undefined,
    };

    const engine = await openEngine(values);
    const started = performance.now();
    const suffix = values.extension === undefined ? extname(prefixPath!) : `.${extension}`;
    const paths = out === undefined ? [] : count === 1 ? [out] : numbered(out, suffix, count);
    const files = paths.map((path) => new GrowingFile(path, start));
    const made = Array<number>(count).fill(0);
    let madeInAll = 0;
    if (out === undefined) writeBytes(start);
    {
      using progress = new ProgressLine("Generating", count * byteLimit, "bytes");
      for await (const { sequence, bytes, finished } of generate(engine, model, parameters, request)) {
        made[sequence]! += bytes.length;
        madeInAll += bytes.length;
        if (out === undefined) writeBytes(bytes);
        files[sequence]?.append(bytes);
        if (finished) files[sequence]?.finish();
        progress.update(madeInAll);
      }
    }
    engine.destroy();
    const seconds = (performance.now() - started) / 1000;
    const windowed = prefix.length + Math.max(...made) > model.patchLength * model.patchSize;
    if (json) {
      return printJson({
        files: paths,
        bytes: madeInAll,
        ...(windowed && { window: model.patchLength }),
        seconds,
        bytesPerSecond: madeInAll / seconds,
      });
    }
    const rate = formatRate(madeInAll / seconds, "B");
    const window = windowed ? `, by a window of ${formatCount(model.patchLength, "patch", "patches")}` : "";
    note(`${formatBytes(madeInAll)} in ${formatDuration(seconds)}, ${rate}${window}`);
  },
});

/** The extension patch, then the bytes that are there; the last patch may be partial. */
function prefixTokens(bytes: Uint8Array, extension: string, patchSize: number): Uint16Array {
  const patchLength = patchCountOf(bytes.length, patchSize);
  const whole = filePatches(bytes, extension, { patchSize, patchLength });
  return whole.subarray(0, extensionPatch(extension, patchSize).length + bytes.length);
}

/** So many files of a folder, in whose listing they stand in order. */
function numbered(folder: string, suffix: string, count: number): string[] {
  const digits = String(count - 1).length;
  return Array.from({ length: count }, (_, i) => join(folder, `${String(i).padStart(digits, "0")}${suffix}`));
}
