import { joinEvaluations } from "@bgpt/core";
import { openCheckpoint } from "../checkpoint.ts";
import { defineCommand } from "../command.ts";
import { openEvaluationData } from "../data.ts";
import { engineOptions, openEngine } from "../engine.ts";
import { evaluateParts } from "../evaluate_parts.ts";
import { lossRecord } from "../loss_record.ts";
import { jsonOption } from "../options.ts";
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
    const parts = await openEvaluationData(data);
    const engine = await openEngine(engineChoice);
    const evaluations = await evaluateParts(engine, checkpoint, parts, batch);
    const { totals, samples, patches } = joinEvaluations(evaluations);
    engine.destroy();

    if (json) {
      return printJson({
        files: samples,
        patches,
        bytes: totals.bytes,
        ...lossRecord(totals),
        ...(parts.length > 1 && {
          sources: Object.fromEntries(
            evaluations.map(({ name, totals, samples }) => [name, { files: samples, ...lossRecord(totals) }]),
          ),
        }),
      });
    }
    print(
      `${formatCount(samples, "file")}, ${formatCount(patches, "patch", "patches")}, ${
        formatCount(totals.bytes, "byte")
      } predicted`,
    );
    const { bpb, bpbBytes, lossNats } = lossRecord(totals);
    print(`bits per byte as published   ${bpb.toFixed(4)}   (${lossNats.toFixed(4)} nats)`);
    print(`bits per real byte           ${bpbBytes?.toFixed(4) ?? "no byte to predict"}`);
    if (parts.length < 2) return;
    for (const { name, totals } of evaluations) {
      print(`  ${lossRecord(totals).bpb.toFixed(4)}   ${name}`);
    }
  },
});
