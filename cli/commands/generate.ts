import {
  extensionPatch,
  fileExtension,
  filePatches,
  generate,
  type GenerationRequest,
  patchCountOf,
} from "@bgpt/core";
import { readFile } from "@bgpt/core/files";
import { checkpointOption, openGenerativeCheckpoint } from "../checkpoint.ts";
import { defineCommand } from "../command.ts";
import { engineOptions, openEngine } from "../engine.ts";
import { UsageError } from "../errors.ts";
import { jsonOption } from "../options.ts";
import { checkParentFolder } from "../parent_folder.ts";
import { ProgressLine } from "../progress.ts";
import { samplingOf, samplingOptions } from "../sampling_options.ts";
import { note, printJson, writeBytes } from "../terminal.ts";
import { formatBytes, formatDuration, formatRate } from "../units.ts";

/** `bgpt generate`: new files, or the rest of a file. */
export default defineCommand({
  description:
    "Generates a file of a given kind, or continues one. The filters apply in the published order: top-k, top-p, then " +
    "temperature. What is written, to --out or else to stdout, is the whole file: the prefix, then the new bytes.",
  options: {
    checkpoint: checkpointOption,
    extension: {
      kind: "string",
      placeholder: "EXT",
      help: "kind of file, such as txt (default: that of --prefix)",
    },
    prefix: { kind: "path", placeholder: "FILE", help: "a file to continue; it may end inside a patch" },
    bytes: { kind: "integer", minimum: 1, help: "most new bytes (default: up to the patch length)" },
    ignoreEos: { kind: "flag", help: "go on past the end of a file: the end is never drawn" },
    count: { kind: "integer", minimum: 1, maximum: 65536, default: 1, help: "how many files" },
    ...samplingOptions,
    greedy: { kind: "flag", help: "always take the most probable byte" },
    out: {
      kind: "path",
      placeholder: "FILE",
      help: "the file to write; of several, FILE-0, FILE-1, … before the extension",
    },
    ...engineOptions,
    json: jsonOption,
  },
  examples: [
    { what: "an image", line: "generate --checkpoint runs/images --extension bmp --out new.bmp --seed 1" },
    {
      what: "ten ways to go on with a text",
      line: "generate --checkpoint runs/books --prefix start.txt --count 10 --out go.txt",
    },
  ],
  run: async (values) => {
    const { checkpoint: path, prefix: prefixPath, out, count, json } = values;
    const extension = values.extension ?? (prefixPath === undefined ? undefined : fileExtension(prefixPath));
    if (extension === undefined) {
      throw new UsageError("Missing --extension, or a --prefix to continue. See bgpt generate --help");
    }
    if (out === undefined && count > 1) {
      throw new UsageError(`Cannot write ${count} files to stdout: name --out FILE`);
    }
    if (out === undefined && json) {
      throw new UsageError("Cannot write bytes and JSON to stdout: name --out FILE");
    }
    if (out !== undefined) checkParentFolder(out);
    const { model, parameters } = await openGenerativeCheckpoint(path, "generate");
    const start = prefixPath === undefined ? new Uint8Array() : await readFile(prefixPath);
    const prefix = prefixTokens(start, extension, model.patchSize);
    const byteLimit = values.bytes ?? model.patchLength * model.patchSize;
    const request: GenerationRequest = {
      prefixes: Array<Uint16Array>(count).fill(prefix),
      byteLimit,
      sampling: samplingOf(values, values.greedy),
      ignoreEnd: values.ignoreEos,
    };

    const engine = await openEngine(values);
    const started = performance.now();
    const outputs: Uint8Array[][] = Array.from({ length: count }, () => [start]);
    let made = 0;
    if (out === undefined) writeBytes(start);
    {
      using progress = new ProgressLine("Generating", count * byteLimit, "bytes");
      for await (const { sequence, bytes } of generate(engine, model, parameters, request)) {
        made += bytes.length;
        if (out === undefined) writeBytes(bytes);
        else outputs[sequence]!.push(bytes);
        progress.update(made);
      }
    }
    engine.destroy();
    const seconds = (performance.now() - started) / 1000;
    const paths = out === undefined ? [] : outputs.map((_, index) => numbered(out, index, count));
    for (const [index, chunks] of outputs.entries()) {
      if (out !== undefined) Deno.writeFileSync(paths[index]!, await new Blob(chunks as BlobPart[]).bytes());
    }
    if (json) return printJson({ files: paths, bytes: made, seconds, bytesPerSecond: made / seconds });
    note(`${formatBytes(made)} in ${formatDuration(seconds)}, ${formatRate(made / seconds, "B")}`);
  },
});

/** The extension patch, then the bytes that are there; the last patch may be partial. */
function prefixTokens(bytes: Uint8Array, extension: string, patchSize: number): Uint16Array {
  const patchLength = patchCountOf(bytes.length, patchSize);
  const whole = filePatches(bytes, extension, { patchSize, patchLength });
  return whole.subarray(0, extensionPatch(extension, patchSize).length + bytes.length);
}

function numbered(path: string, index: number, count: number): string {
  if (count === 1) return path;
  const dot = path.lastIndexOf(".");
  return dot <= path.lastIndexOf("/") + 1
    ? `${path}-${index}`
    : `${path.slice(0, dot)}-${index}${path.slice(dot)}`;
}
