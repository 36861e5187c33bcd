import { fileExtension } from "@bgpt/core";
import { compress } from "@bgpt/tasks";
import { basename } from "@std/path";
import { checkpointOption, openGenerativeCheckpoint } from "../checkpoint.ts";
import { codingBatchOption, openCodingEngine } from "../coding_engine.ts";
import { defineCommand } from "../command.ts";
import { alignedLines } from "../doctor/text_table.ts";
import { engineOptions } from "../engine.ts";
import { openFile } from "../open_file.ts";
import { jsonOption } from "../options.ts";
import { checkOutputPath } from "../output_path.ts";
import { sizesByOthers } from "../other_compressors.ts";
import { ProgressLine } from "../progress.ts";
import { print, printJson } from "../terminal.ts";
import { formatCount, formatDuration, formatRate } from "../units.ts";
import { writeWholeFile } from "../whole_file.ts";

/** `bgpt compress`: a file to a container, without loss. */
export default defineCommand({
  description:
    "Compresses a file without loss: its bytes are coded with the probabilities that the model gives them, in " +
    "independent blocks of a patch length. bgpt decompress with the same checkpoint gives it back, on every machine " +
    "unless --device says otherwise. The size is shown beside that of gzip and, where they are installed, of xz -9 " +
    "and zstd -19.",
  positionals: { file: { placeholder: "FILE", help: "the file to compress" } },
  options: {
    checkpoint: checkpointOption,
    out: { kind: "path", placeholder: "FILE", required: true, help: "the container to write" },
    device: {
      kind: "choice",
      choices: ["strict", "cpu", "gpu", "reference"],
      default: "strict",
      help:
        "what computes: the processor with operations that give the same bits everywhere; or, for containers that " +
        "only the same device can decompress, faster ones, a GPU, plain f64 loops",
    },
    threads: engineOptions.threads,
    batch: codingBatchOption,
    json: jsonOption,
  },
  examples: [
    { what: "a text", line: "compress --checkpoint runs/books book.txt --out book.bgpt" },
    {
      what: "its size beside others', for a program",
      line: "compress --checkpoint a a.bmp --out a.bgpt --json",
    },
  ],
  run: async ({ file: path, checkpoint: checkpointPath, out, device, threads, batch, json }) => {
    using file = await openFile(path);
    checkOutputPath(out, [path]);
    const { byteLength } = file;
    const checkpoint = await openGenerativeCheckpoint(checkpointPath, "compress");
    const engine = await openCodingEngine(device === "strict" ? "strict cpu" : device, threads);
    const started = performance.now();
    let compressedLength: number;
    {
      using progress = new ProgressLine("Compressing", byteLength, "bytes");
      const bytes = file.bytes.pipeThrough(counter((count) => progress.update(count)));
      const input = { bytes, byteLength, extension: fileExtension(basename(path)) };
      const options = batch === undefined ? {} : { batch };
      compressedLength = await writeWholeFile(out, compress(engine, checkpoint, input, options));
    }
    engine.destroy();
    const seconds = (performance.now() - started) / 1000;
    const others = await sizesByOthers(path);
    if (json) {
      return printJson({
        file: path,
        out,
        bytes: byteLength,
        compressedBytes: compressedLength,
        ratio: byteLength / compressedLength,
        bitsPerByte: byteLength === 0 ? null : 8 * compressedLength / byteLength,
        othersBytes: others,
        seconds,
        bytesPerSecond: byteLength / seconds,
      });
    }
    const sizes = { bgpt: compressedLength, gzip: others.gzip, "xz -9": others.xz, "zstd -19": others.zstd };
    const rows = Object.entries(sizes).map(([name, size]) => [
      name,
      size === undefined ? "not installed" : formatCount(size, "byte"),
      size === undefined || byteLength === 0 ? "" : `${(8 * size / byteLength).toFixed(3)} bits a byte`,
      size === undefined || byteLength === 0 ? "" : `ratio ${(byteLength / size).toFixed(2)}`,
    ]);
    print(
      `${formatCount(byteLength, "byte")} in ${formatDuration(seconds)}, ${
        formatRate(byteLength / seconds, "B")
      }`,
    );
    for (const line of alignedLines(rows, ["left", "right", "right", "right"])) print(line);
  },
});

/** Passes bytes on and tells how many there were. */
function counter(onCount: (count: number) => void): TransformStream<Uint8Array, Uint8Array> {
  let count = 0;
  return new TransformStream({
    transform(bytes, controller) {
      onCount(count += bytes.length);
      controller.enqueue(bytes);
    },
  });
}
