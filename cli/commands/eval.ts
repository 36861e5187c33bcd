import { type Checkpoint, type FileSource, joinEvaluations, windowedSamples } from "@bgpt/core";
import { formatClassification } from "@bgpt/tasks";
import { checkpointOption, openCheckpoint, openGenerativeCheckpoint } from "../checkpoint.ts";
import { defineCommand } from "../command.ts";
import { evaluateConversion } from "../conversion_evaluation.ts";
import { conversionRecord, conversionTable } from "../conversion_report.ts";
import { chosenConversion, pairsOption } from "../conversion_samples.ts";
import { openEvaluationData, wholeFiles } from "../data.ts";
import { type EngineChoice, engineOptions, openEngine } from "../engine.ts";
import { UsageError } from "../errors.ts";
import { evaluateClasses } from "../evaluate_classes.ts";
import { evaluateParts } from "../evaluate_parts.ts";
import { labelledFiles } from "../labelled_files.ts";
import { lossRecord } from "../loss_record.ts";
import { jsonOption } from "../options.ts";
import { print, printJson } from "../terminal.ts";
import { formatCount } from "../units.ts";

/** `bgpt eval`: the loss of files under a checkpoint. */
export default defineCommand({
  description:
    "Measures how well a checkpoint predicts files: bits per byte as published (padding and end counted) and over " +
    "the real bytes alone; of a classifier, accuracy, each class, the confusion matrix and calibration. A file beyond " +
    "the patch length is read up to it, as published, or with --whole to its end.",
  options: {
    checkpoint: checkpointOption,
    data: { kind: "paths", required: true, help: "files, or folders of files" },
    pairs: {
      ...pairsOption,
      help:
        `measure conversions: of "abc->mid", or both ways "abc<->mid", the target alone and the whole pair, beside ` +
        "xz and an order-3 byte model",
    },
    convert: {
      kind: "integer",
      minimum: 0,
      default: 0,
      help:
        "with --pairs: convert so many of them, too, and score the outputs, of MIDI and ABC by their notes",
    },
    baselineData: {
      kind: "paths",
      help: "with --pairs: what the order-3 byte model learns from first, such as the training data",
    },
    whole: {
      kind: "flag",
      help:
        "score all of a file beyond the patch length, by a window over its patches that moves on by half of it",
    },
    batch: { kind: "integer", minimum: 1, default: 4, help: "files of full length computed at a time" },
    ...engineOptions,
    json: jsonOption,
  },
  examples: [
    {
      what: "the newest checkpoint of a run, on files it never saw",
      line: "eval --checkpoint runs/a --data unseen",
    },
    {
      what: "how right tunes are converted, of which 100 are listened to",
      line: `eval --checkpoint runs/tunes --data corpora/abc/eval --pairs "abc->mid" --convert 100`,
    },
    {
      what: "long files to their end",
      line: "eval --checkpoint runs/a --data books --whole",
    },
    { what: "one file, for a program to read", line: "eval --checkpoint runs/a --data photo.bmp --json" },
  ],
  run: async (values) => {
    const { checkpoint: path, pairs, whole } = values;
    if (whole && pairs !== undefined) {
      throw new UsageError(
        "Cannot use --whole with --pairs: a pair is measured within the patch length. Leave one of them out",
      );
    }
    if (pairs !== undefined) return await evaluatePairs(pairs, values);
    if (values.convert > 0 || values.baselineData.length > 0) {
      throw new UsageError("Cannot use --convert or --baseline-data without --pairs. See bgpt eval --help");
    }
    const checkpoint = await openCheckpoint(path);
    if (checkpoint.labels !== undefined) {
      if (whole) {
        throw new UsageError("Cannot use --whole with a classifier: it tells a file's class by its head");
      }
      return await evaluateClassifier(checkpoint, checkpoint.labels, values);
    }
    await evaluateFiles(checkpoint, values);
  },
});

async function evaluateFiles(
  checkpoint: Checkpoint,
  { data, batch, whole, json, ...engineChoice }: EngineChoice & {
    readonly data: readonly string[];
    readonly batch: number;
    readonly whole: boolean;
    readonly json: boolean;
  },
): Promise<void> {
  const { patchLength, patchSize } = checkpoint.model;
  const samples = whole
    ? { all: (files: FileSource) => windowedSamples(files, checkpoint.model) }
    : wholeFiles;
  const parts = await openEvaluationData(data, samples);
  const engine = await openEngine(engineChoice);
  const evaluations = await evaluateParts(engine, checkpoint, parts, batch);
  engine.destroy();
  const { totals } = joinEvaluations(evaluations);
  const fileCounts = parts.map(({ files }) => files.files.length);
  const fileCount = fileCounts.reduce((sum, count) => sum + count, 0);
  // Of a file all patches are scored but the first.
  const patchCount = fileCount + totals.positions / patchSize;

  if (json) {
    return printJson({
      files: fileCount,
      patches: patchCount,
      bytes: totals.bytes,
      ...(whole && { window: patchLength }),
      ...lossRecord(totals),
      ...(parts.length > 1 && {
        sources: Object.fromEntries(
          evaluations.map(({ name, totals }, i) => [name, { files: fileCounts[i], ...lossRecord(totals) }]),
        ),
      }),
    });
  }
  print(
    `${formatCount(fileCount, "file")}, ${formatCount(patchCount, "patch", "patches")}, ${
      formatCount(totals.bytes, "byte")
    } predicted${whole ? ` by a window of ${formatCount(patchLength, "patch", "patches")}` : ""}`,
  );
  const { bpb, bpbBytes, lossNats } = lossRecord(totals);
  print(`bits per byte as published   ${bpb.toFixed(4)}   (${lossNats.toFixed(4)} nats)`);
  print(`bits per real byte           ${bpbBytes?.toFixed(4) ?? "no byte to predict"}`);
  if (parts.length < 2) return;
  for (const { name, totals } of evaluations) {
    print(`  ${lossRecord(totals).bpb.toFixed(4)}   ${name}`);
  }
}

async function evaluatePairs(
  pairs: string,
  { checkpoint: path, data, baselineData, convert, batch, json, ...engineChoice }: EngineChoice & {
    readonly checkpoint: string;
    readonly data: readonly string[];
    readonly baselineData: readonly string[];
    readonly convert: number;
    readonly batch: number;
    readonly json: boolean;
  },
): Promise<void> {
  const conversion = chosenConversion(pairs);
  const checkpoint = await openGenerativeCheckpoint(path, "measure conversions");
  const engine = await openEngine(engineChoice);
  const options = { data, conversion, baselineData, convertCount: convert, batch };
  const directions = await evaluateConversion(engine, checkpoint, options);
  engine.destroy();
  if (json) printJson({ directions: conversionRecord(directions) });
  else print(conversionTable(directions));
}

async function evaluateClassifier(
  checkpoint: Checkpoint,
  labels: readonly string[],
  { data, batch, json, ...engineChoice }: EngineChoice & {
    readonly data: readonly string[];
    readonly batch: number;
    readonly json: boolean;
  },
): Promise<void> {
  const sources = await openEvaluationData(data, labelledFiles(labels));
  const engine = await openEngine(engineChoice);
  const { all, parts } = await evaluateClasses(engine, checkpoint, sources, batch);
  engine.destroy();
  if (json) {
    const reports = Object.fromEntries(parts.map(({ name, report }) => [name, report]));
    return printJson({ ...all, ...(parts.length > 1 && { sources: reports }) });
  }
  print(`${formatCount(all.files, "file")} of ${formatCount(labels.length, "class", "classes")}\n`);
  print(formatClassification(all));
  if (parts.length < 2) return;
  print();
  for (const { name, report } of parts) print(`${(100 * report.accuracy).toFixed(2)} %   ${name}`);
}
