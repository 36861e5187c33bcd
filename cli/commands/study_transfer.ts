import { join } from "@std/path";
import { defineCommand } from "../command.ts";
import { configOptions, presetNames } from "../config_options.ts";
import { engineArguments, engineOptions } from "../engine.ts";
import { jsonOption } from "../options.ts";
import type { ReportSection } from "../report/html_report.ts";
import { readMetrics } from "../report/metrics_log.ts";
import type { LinePlot } from "../report/svg_plot.ts";
import {
  publishedTransfer,
  type TransferTarget,
  transferTargets,
  type TransferVariant,
  transferVariants,
} from "../studies/published_transfer.ts";
import { writeStudyReport } from "../studies/study_report.ts";
import { bestEvaluation, StudyRuns } from "../studies/study_runs.ts";
import { print, printJson } from "../terminal.ts";

/** What one cell of the grid came out at. */
interface Cell {
  readonly bitsPerByte: number;
  readonly accuracyPercent: number;
}
type Grid = Readonly<Record<TransferVariant, Readonly<Record<TransferTarget, Cell>>>>;

const corpusHelp = (what: string) => `corpus to pre-train on: ${what}`;
const targetHelp = (what: string) =>
  `labelled corpus to transfer to, with train and eval in it, as bgpt data writes: ${what}`;
const steps = (help: string) => ({ ...configOptions.steps, required: true, help } as const);

/** `bgpt study transfer`: the paper's table of transfer between modalities. */
export default defineCommand({
  description:
    "Runs the paper's study of transfer: six models (random, text, image, speech, signal = image and speech, mix = all " +
    "three) are pre-trained and then fine-tuned on labelled text, images and speech, to predict the bytes and to " +
    "tell the classes apart. Writes study.json, study.md and study.html with the published table beside it. A study " +
    "that was stopped goes on where it was.",
  options: {
    text: { kind: "path", required: true, help: corpusHelp("text") },
    image: { kind: "path", required: true, help: corpusHelp("images") },
    speech: { kind: "path", required: true, help: corpusHelp("speech") },
    targetText: { kind: "path", required: true, help: targetHelp("text") },
    targetImage: { kind: "path", required: true, help: targetHelp("images") },
    targetSpeech: { kind: "path", required: true, help: targetHelp("speech") },
    out: { kind: "path", placeholder: "DIR", required: true, help: "the folder of the study" },
    preset: {
      kind: "choice",
      choices: presetNames,
      default: "tiny",
      help: "sizes of the model",
    },
    patchLength: { ...configOptions.patchLength, default: 512, help: "most patches of a file" },
    batch: { ...configOptions.batch, default: 16, help: "files of full length in a batch" },
    pretrainSteps: steps("steps of each pre-training"),
    finetuneSteps: steps("steps of each fine-tuning to predict bytes"),
    classifySteps: steps("steps of each fine-tuning to tell classes apart"),
    seed: { ...configOptions.seed, default: 0, help: "seed of every run" },
    ...engineOptions,
    json: jsonOption,
  },
  examples: [{
    what: "the grid at the smallest preset",
    line:
      "study transfer --text wiki --image imagenet --speech librispeech --target-text agnews --target-image cifar " +
      "--target-speech commands --out studies/transfer --pretrain-steps 2000 --finetune-steps 500 --classify-steps 500",
  }],
  run: async (values) => {
    const { out, preset, seed, json } = values;
    const common = [
      ...["--preset", preset, "--patch-length", `${values.patchLength}`, "--batch", `${values.batch}`],
      ...["--seed", `${seed}`, ...engineArguments(values)],
    ];
    const corpora = { text: values.text, image: values.image, speech: values.speech };
    const targets = { text: values.targetText, image: values.targetImage, speech: values.targetSpeech };
    const variants = Object.keys(transferVariants) as TransferVariant[];
    const runs = new StudyRuns(out, variants.length - 1 + 2 * variants.length * transferTargets.length);
    const bestOf = async (name: string, args: string[]) => bestEvaluation(name, await runs.train(name, args));
    const training = (stepCount: number) => ["--steps", `${stepCount}`, ...schedule(stepCount), ...common];

    const grid = {} as Record<TransferVariant, Record<TransferTarget, Cell>>;
    for (const variant of variants) {
      const sources = transferVariants[variant].map((name) => corpora[name]);
      const init: string[] = [];
      if (sources.length > 0) {
        const name = `pretrain-${variant}`;
        await runs.train(name, ["--data", ...sources, ...training(values.pretrainSteps)]);
        init.push("--init", await runs.checkpointOf(name));
      }
      grid[variant] = {} as Record<TransferTarget, Cell>;
      for (const target of transferTargets) {
        const data = ["--data", join(targets[target], "train"), "--eval-data", join(targets[target], "eval")];
        const generated = await bestOf(`${variant}-to-${target}-bytes`, [
          ...data,
          ...init,
          ...training(values.finetuneSteps),
        ]);
        const classified = await bestOf(`${variant}-to-${target}-classes`, [
          ...["--task", "classification"],
          ...data,
          ...init,
          ...training(values.classifySteps),
        ]);
        grid[variant][target] = {
          bitsPerByte: generated.lossNats / Math.LN2,
          accuracyPercent: 100 * (classified.accuracy ?? NaN),
        };
      }
    }
    const { text, image, speech } = corpora;
    const record = {
      preset,
      seed,
      steps: stepCounts(values),
      corpora: { text, image, speech },
      targets,
      grid,
    };
    const files = await writeStudyReport(out, {
      title: `Transfer between modalities, preset ${preset}`,
      summary: summaryOf(grid),
      facts: [
        ["Preset", preset],
        ["Patch length", String(values.patchLength)],
        ["Steps of pre-training", String(values.pretrainSteps)],
        ["Steps to predict bytes", String(values.finetuneSteps)],
        ["Steps to tell classes apart", String(values.classifySteps)],
      ],
      tables: [
        { title: "Bits per byte of held-out files", note: tableNote, table: gridTable(grid, "bitsPerByte") },
        {
          title: "Accuracy on held-out files, %",
          note: tableNote,
          table: gridTable(grid, "accuracyPercent"),
        },
      ],
      sections: transferTargets.flatMap((target) => curves(out, variants, target)),
      record,
    });
    if (json) return printJson({ out, files, ...record });
    print(summaryOf(grid));
    for (const file of files) print(file);
  },
});

const tableNote =
  "Rows are what the model was pre-trained on; in parentheses the published figure, of the 110-million " +
  "model on the full corpora.";

/** How the variants learnt one target: held-out bits per byte, and accuracy, along the fine-tuning. */
function curves(out: string, variants: readonly TransferVariant[], target: TransferTarget): ReportSection[] {
  const plot = (kind: "bytes" | "classes", key: string, yLabel: string): LinePlot => ({
    title: `${yLabel} of held-out ${target} against fine-tuning steps`,
    xLabel: "optimizer step",
    yLabel,
    series: variants.map((variant) => ({
      name: variant,
      points: readMetrics(join(out, `${variant}-to-${target}-${kind}`, "metrics.jsonl"))
        .filter((record) => record.kind === "eval")
        .map((record) => [record.step, Number(record[key] ?? NaN)]),
    })),
  });
  return [
    { title: `Predicting ${target}`, plot: plot("bytes", "bpb", "bits per byte") },
    { title: `Telling classes of ${target} apart`, plot: plot("classes", "accuracy", "accuracy") },
  ];
}

/** Warm-up and evaluations in proportion to the length of a run. */
function schedule(stepCount: number): string[] {
  const every = Math.max(1, Math.ceil(stepCount / 5));
  return ["--warmup", `${Math.ceil(stepCount / 20)}`, "--eval-every", `${every}`, "--save-every", `${every}`];
}

function stepCounts(values: Readonly<Record<"pretrainSteps" | "finetuneSteps" | "classifySteps", number>>) {
  return { pretrain: values.pretrainSteps, finetune: values.finetuneSteps, classify: values.classifySteps };
}

function gridTable(grid: Grid, figure: keyof Cell) {
  const digits = figure === "bitsPerByte" ? 4 : 2;
  const published = figure === "bitsPerByte" ? 0 : 1;
  return {
    columns: ["pre-trained on", ...transferTargets],
    rows: Object.entries(grid).map(([variant, cells]) => [
      variant,
      ...transferTargets.map((target) => {
        const theirs = publishedTransfer[variant as TransferVariant][target][published]!;
        return `${cells[target][figure].toFixed(digits)} (${theirs.toFixed(digits)})`;
      }),
    ]),
  };
}

/** For each target the variant that came out best. */
function summaryOf(grid: Grid): string {
  const bestFor = (target: TransferTarget, figure: keyof Cell, sign: 1 | -1) =>
    Object.entries(grid).reduce((best, entry) =>
      sign * entry[1][target][figure] > sign * best[1][target][figure] ? entry : best
    )[0];
  const sentences = transferTargets.map((target) =>
    `${target}: bytes ${bestFor(target, "bitsPerByte", -1)}, classes ${bestFor(target, "accuracyPercent", 1)}`
  );
  return `Best pre-training for each target: ${sentences.join("; ")}.`;
}
