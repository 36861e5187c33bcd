import {
  bitsPerByteAsPublished,
  bitsPerRealByte,
  evaluateStrips,
  evaluationPlan,
  meanLossNats,
  stripCapacity,
  stripsOnce,
} from "@bgpt/core";
import { folderSource } from "@bgpt/core/files";
import { openCheckpoint } from "../checkpoint.ts";
import { defineCommand } from "../command.ts";
import { engineOptions, openEngine } from "../engine.ts";
import { jsonOption } from "../options.ts";
import { ProgressLine } from "../progress.ts";
import { print, printJson } from "../terminal.ts";
import { formatCount } from "../units.ts";

/** `bgpt eval`: the loss of files under a checkpoint. */
export default defineCommand({
  description:
    "Measures how well a checkpoint predicts files: bits per byte as published (padding and end counted) and over " +
    "the real bytes alone. A file beyond the patch length is read up to it.",
  options: {
    checkpoint: {
      kind: "path",
      placeholder: "DIR",
      required: true,
      help: "a checkpoint, or the --out folder of a run",
    },
    data: { kind: "paths", required: true, help: "files, or folders of files" },
    batch: { kind: "integer", minimum: 1, default: 4, help: "files of full length computed at a time" },
    ...engineOptions,
    json: jsonOption,
  },
  examples: [
    {
      what: "the newest checkpoint of a run, on files it never saw",
      line: "eval --checkpoint runs/a --data unseen",
    },
    { what: "one file, for a program to read", line: "eval --checkpoint runs/a --data photo.bmp --json" },
  ],
  run: async ({ checkpoint: path, data, batch, json, ...engineChoice }) => {
    const checkpoint = await openCheckpoint(path);
    const source = await folderSource(data);
    const { patchSize, patchLength } = checkpoint.model;
    const files = Math.min(batch, source.files.length);
    const patchCapacity = stripCapacity(source, { batch: files, patchSize, patchLength });
    const engine = await openEngine(engineChoice);
    const plan = evaluationPlan(checkpoint.model, patchCapacity);
    const execution = await engine.prepare(plan.plan);
    execution.write(plan.model.parameters, checkpoint.parameters);

    const strips = stripsOnce(source, { patchSize, patchLength, patchCapacity, cut: "head", seed: 0 });
    using progress = new ProgressLine("Evaluating", source.files.length, "files");
    const { totals, files: fileCount, patches } = await evaluateStrips(
      execution,
      plan,
      counted(strips, progress),
    );
    engine.destroy();

    const report = {
      files: fileCount,
      patches,
      bytes: totals.bytes,
      lossNats: meanLossNats(totals),
      bpb: bitsPerByteAsPublished(totals),
      bpbBytes: totals.bytes > 0 ? bitsPerRealByte(totals) : null,
    };
    if (json) return printJson(report);
    print(
      `${formatCount(fileCount, "file")}, ${formatCount(patches, "patch", "patches")}, ${
        formatCount(totals.bytes, "byte")
      } predicted`,
    );
    print(`bits per byte as published   ${report.bpb.toFixed(4)}   (${report.lossNats.toFixed(4)} nats)`);
    print(`bits per real byte           ${report.bpbBytes?.toFixed(4) ?? "no byte to predict"}`);
  },
});

async function* counted<T extends { strip: { fileCount: number } }>(
  strips: AsyncIterable<T>,
  progress: ProgressLine,
): AsyncGenerator<T> {
  let done = 0;
  for await (const at of strips) {
    yield at;
    done += at.strip.fileCount;
    progress.update(done);
  }
}
