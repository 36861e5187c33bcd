import type { PresetName } from "@bgpt/core";
import { defineCommand } from "../command.ts";
import { chooseConfig, configOptions, presetNames } from "../config_options.ts";
import { chosenConversion, conversionSamples } from "../conversion_samples.ts";
import { openEvaluationData, wholeFiles } from "../data.ts";
import { engineArguments, engineOptions } from "../engine.ts";
import { UsageError } from "../errors.ts";
import { jsonOption } from "../options.ts";
import type { ReportSection, ReportTable } from "../report/html_report.ts";
import type { LinePlot } from "../report/svg_plot.ts";
import { writeStudyReport } from "../studies/study_report.ts";
import { bestEvaluation, type CommandRecord, StudyRuns } from "../studies/study_runs.ts";
import { print, printJson } from "../terminal.ts";
import { formatCount } from "../units.ts";

/** What the model came to with so much data; percentages of bytes and states for CPU states alone. */
interface Outcome {
  readonly samples: number;
  readonly bitsPerByte: number;
  readonly bytesPercent?: number;
  readonly statesPercent?: number;
}

/** `bgpt study scale`: what more data are worth. */
export default defineCommand({
  description:
    "Trains the same model, for the same number of steps, on growing parts of the same data, and measures each on the " +
    "same held-out files: bits per byte, and for CPU states the bytes and whole states right beside the trivial " +
    "predictor. Writes study.json, study.md and study.html with the curve. A study that was stopped goes on where it was.",
  options: {
    task: { kind: "choice", choices: ["cpu", "conversion"], required: true, help: "what the data are" },
    data: { kind: "path", required: true, help: "training data, as bgpt data cpu or bgpt data abc writes" },
    evalData: { kind: "path", required: true, help: "held-out data of the same kind" },
    pairs: {
      kind: "string",
      placeholder: "A->B",
      help: "for conversion: which files make a pair, such as abc->mid",
    },
    sizes: { kind: "list", required: true, help: "numbers of samples, such as 1000,10000,100000" },
    steps: { ...configOptions.steps, required: true, help: "optimizer steps of each run" },
    out: { kind: "path", placeholder: "DIR", required: true, help: "the folder of the study" },
    preset: {
      kind: "choice",
      choices: presetNames,
      default: "tiny",
      help: "sizes of the model",
    },
    patchLength: { ...configOptions.patchLength, default: 512, help: "most patches of a sample" },
    batch: { ...configOptions.batch, default: 16, help: "samples of full length in a batch" },
    seed: { ...configOptions.seed, default: 0, help: "seed of every run" },
    ...engineOptions,
    json: jsonOption,
  },
  examples: [
    {
      what: "the paper's curve for CPU states, as far as 100,000 programs",
      line:
        "study scale --task cpu --data corpus --eval-data unseen --sizes 1000,10000,100000 --steps 20000 " +
        "--out studies/cpu",
    },
    {
      what: "the same for tunes",
      line: 'study scale --task conversion --pairs "abc->mid" --data tunes/train --eval-data tunes/eval ' +
        "--sizes 100,1000,3000 --steps 5000 --out studies/tunes",
    },
  ],
  run: async (values) => {
    const { task, data, evalData, pairs, out, preset, steps, seed, json } = values;
    const sizes = [...new Set(values.sizes.map(sampleCount))].sort((a, b) => a - b);
    if ((task === "conversion") !== (pairs !== undefined)) {
      throw new UsageError(
        task === "cpu"
          ? "Cannot use --pairs with --task cpu. Leave it out"
          : "Missing --pairs A->B: conversion needs to know which files make a pair",
      );
    }
    await checkSizes(sizes, values);
    const engine = engineArguments(values);
    const every = `${Math.max(1, Math.ceil(steps / 5))}`;
    const training = [
      ...["--data", data, "--eval-data", evalData, "--preset", preset, "--steps", `${steps}`],
      ...["--patch-length", `${values.patchLength}`, "--batch", `${values.batch}`, "--seed", `${seed}`],
      ...["--warmup", `${Math.ceil(steps / 20)}`, "--eval-every", every, "--save-every", every],
      ...(pairs === undefined ? [] : ["--task", "conversion", "--pairs", pairs]),
      ...engine,
    ];
    const runs = new StudyRuns(out, sizes.length * (task === "cpu" ? 2 : 1));
    const outcomes: Outcome[] = [];
    let trivial: Pick<Outcome, "bytesPercent" | "statesPercent"> = {};
    for (const samples of sizes) {
      const name = `samples-${samples}`;
      const record = await runs.train(name, [...training, "--limit", `${samples}`]);
      const bitsPerByte = bestEvaluation(name, record).lossNats / Math.LN2;
      if (task === "conversion") {
        outcomes.push({ samples, bitsPerByte });
        continue;
      }
      const checkpoint = await runs.checkpointOf(name);
      const scored = await runs.measure(`${name}-simulated`, [
        ...["simulate", "--checkpoint", checkpoint, "--data", evalData, "--no-free-running", ...engine],
      ]);
      outcomes.push({ samples, bitsPerByte, ...percentages(scored, "predicted") });
      trivial = percentages(scored, "trivial");
    }

    const summary = summaryOf(outcomes, trivial);
    const record = { task, preset, seed, steps, data, evalData, ...(pairs && { pairs }), outcomes, trivial };
    const files = await writeStudyReport(out, {
      title: `What more data are worth: ${task === "cpu" ? "CPU states" : pairs!}, preset ${preset}`,
      summary,
      facts: [["Preset", preset], ["Steps of each run", String(steps)], ["Held-out data", evalData]],
      tables: [{ title: "Held-out files", table: tableOf(outcomes, trivial) }],
      sections: plots(outcomes, trivial),
      record,
    });
    if (json) return printJson({ out, files, ...record });
    print(summary);
    for (const file of files) print(file);
  },
});

function sampleCount(word: string): number {
  const count = Number(word);
  if (Number.isInteger(count) && count > 0) return count;
  throw new UsageError(`Cannot use --sizes ${word}: give whole numbers from 1, such as 1000,10000`);
}

/**
 * Checks before the first run that the data have the most samples that are asked for.
 * @throws {UsageError} when they have fewer
 */
async function checkSizes(
  sizes: readonly number[],
  { data, pairs, preset, patchLength }: {
    readonly data: string;
    readonly pairs?: string;
    readonly preset: PresetName;
    readonly patchLength: number;
  },
): Promise<void> {
  const config = await chooseConfig({ preset, recipe: "default" }, { patchLength });
  const samples = pairs === undefined
    ? wholeFiles
    : conversionSamples(chosenConversion(pairs), "pair", config);
  // As for an evaluation: all of the data, and each file once whatever its weight.
  const [part] = await openEvaluationData([data], samples);
  const [most, { count }] = [sizes.at(-1)!, part!.source];
  if (most <= count) return;
  throw new UsageError(
    `Cannot use --sizes ${most}: ${data} has ${
      formatCount(count, "sample")
    }. Give sizes up to ${count}, or more data`,
  );
}

/** Shares of the bytes and states that are right, each state from the true one before it. */
function percentages(record: CommandRecord, who: "predicted" | "trivial") {
  type Tally = { readonly bytes: number; readonly states: number };
  const tallies = record["teacherForced"] as Readonly<Record<typeof who | "total", Tally>>;
  return {
    bytesPercent: 100 * tallies[who].bytes / tallies.total.bytes,
    statesPercent: 100 * tallies[who].states / tallies.total.states,
  };
}

function tableOf(outcomes: readonly Outcome[], trivial: Partial<Outcome>): ReportTable {
  const isCpu = trivial.statesPercent !== undefined;
  const shares = ({ bytesPercent, statesPercent }: Partial<Outcome>) =>
    isCpu ? [bytesPercent!.toFixed(2), statesPercent!.toFixed(2)] : [];
  return {
    columns: ["samples", "bits per byte", ...(isCpu ? ["bytes right, %", "whole states right, %"] : [])],
    rows: [
      ...outcomes.map((outcome) => [outcome.samples, outcome.bitsPerByte.toFixed(4), ...shares(outcome)]),
      ...(isCpu ? [["trivial predictor", "", ...shares(trivial)]] : []),
    ],
  };
}

function plots(outcomes: readonly Outcome[], trivial: Partial<Outcome>): ReportSection[] {
  const curve = (key: Exclude<keyof Outcome, "samples">, yLabel: string): ReportSection => {
    const plot: LinePlot = {
      title: `${yLabel} against training samples`,
      xLabel: "training samples",
      yLabel,
      logX: true,
      series: [
        { name: "model", points: outcomes.map((outcome) => [outcome.samples, outcome[key] ?? NaN]) },
        ...(trivial[key] === undefined ? [] : [{
          name: "trivial",
          style: "dashed" as const,
          points: outcomes.map(({ samples }) => [samples, trivial[key]!] as const),
        }]),
      ],
    };
    return { title: yLabel[0]!.toUpperCase() + yLabel.slice(1), plot };
  };
  return [
    curve("bitsPerByte", "bits per byte"),
    ...(trivial.statesPercent === undefined
      ? []
      : [curve("bytesPercent", "bytes right, %"), curve("statesPercent", "whole states right, %")]),
  ];
}

function summaryOf(outcomes: readonly Outcome[], trivial: Partial<Outcome>): string {
  const [least, most] = [outcomes[0]!, outcomes.at(-1)!];
  const states = most.statesPercent === undefined
    ? ""
    : ` With the most data ${
      most.statesPercent.toFixed(2)
    } % of whole states are right, the trivial predictor has ` +
      `${trivial.statesPercent!.toFixed(2)} %.`;
  return `From ${least.samples.toLocaleString("en")} to ${
    most.samples.toLocaleString("en")
  } samples, held-out bits per ` +
    `byte go from ${least.bitsPerByte.toFixed(4)} to ${most.bitsPerByte.toFixed(4)}.${states}`;
}
