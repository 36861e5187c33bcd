import { type Config, configFields, type EvaluationPart, type LossTask, type RunState } from "@bgpt/core";
import { sampleWords } from "../sample_words.ts";
import { formatBytes, formatCount, formatRate } from "../units.ts";
import { htmlReport, type ReportSection } from "./html_report.ts";
import { type MetricsRecord, readMetrics } from "./metrics_log.ts";
import type { PlotSeries } from "./svg_plot.ts";

/** What the report of a run is made of. */
export interface TrainingReport {
  readonly title: string;
  /** The run's `metrics.jsonl`. */
  readonly metricsPath: string;
  readonly config: Config;
  readonly task: LossTask;
  readonly parameterCount: number;
  readonly device: string;
  readonly trainingSamples: number;
  /** What a sample is, where it is no file that is learnt as a whole. */
  readonly sampleKind?: NonNullable<RunState["sampleKind"]>;
  readonly evaluation: readonly EvaluationPart[];
  /** What follows the curves, such as samples or scores. */
  readonly sections?: readonly ReportSection[];
  /** The result in one sentence; by default the last evaluation. */
  readonly summary?: string;
}

/** The report of a training run as one HTML file: facts, loss curves, learning rate, gradient norm, configuration. */
export function trainingReport(report: TrainingReport): string {
  const records = readMetrics(report.metricsPath);
  const steps = records.filter(({ kind }) => kind === "train");
  const evaluations = records.filter(({ kind }) => kind === "eval");
  const curve = (
    name: string,
    from: readonly MetricsRecord[],
    key: string,
    style: PlotSeries["style"],
  ): PlotSeries => ({
    name,
    points: from.map((record) => [record.step, Number(record[key] ?? NaN)]),
    style: style ?? "plain",
  });
  const last = evaluations.at(-1) ?? steps.at(-1);
  const rates = steps.map(({ bytesPerSecond }) => Number(bytesPerSecond)).sort((a, b) => a - b);
  const medianRate = rates[Math.floor(rates.length / 2)] ?? 0;
  const memory = Math.max(0, ...steps.map(({ memoryBytes }) => Number(memoryBytes)));
  const heldOutCount = report.evaluation.reduce((sum, { source }) => sum + source.count, 0);
  const sources = report.evaluation.length < 2 ? [] : report.evaluation.map(({ name }) => name);
  const measured = evaluations.length > 0 ? "held-out files" : "its training files";
  return htmlReport({
    title: report.title,
    summary: report.summary ??
      `After ${formatCount(last?.step ?? 0, "step")} the model ${resultOf(last, report.task)} ${measured}.`,
    facts: [
      ["Parameters", report.parameterCount.toLocaleString("en")],
      ...(report.sampleKind === undefined ? [] : [["Learnt from", sampleWords(report.sampleKind)] as const]),
      ["Training samples", report.trainingSamples.toLocaleString("en")],
      ["Held-out samples", heldOutCount.toLocaleString("en")],
      ["Steps", String(steps.at(-1)?.step ?? 0)],
      ["Speed (median)", formatRate(medianRate, "B")],
      ["Process memory", formatBytes(memory)],
      ["Device", report.device],
    ],
    sections: [
      ...lossPlots[report.task].map(({ key, title, note, plot }): ReportSection => ({
        title,
        note,
        plot: {
          ...plot,
          xLabel: "optimizer step",
          series: [
            curve("training", steps, key, "noisy"),
            ...(evaluations.length > 0 ? [curve("held out", evaluations, key, "plain")] : []),
            ...sources.map((name) =>
              curve(name, records.filter(({ source }) => source === name), key, "plain")
            ),
          ],
        },
      })),
      ...(report.sections ?? []),
      {
        title: "Learning rate",
        plot: {
          title: "Learning rate against optimizer steps",
          xLabel: "optimizer step",
          yLabel: "learning rate",
          series: [curve("learning rate", steps, "learningRate", "plain")],
        },
      },
      {
        title: "Gradient norm",
        note: "Global L2 norm before clipping.",
        plot: {
          title: "Gradient norm against optimizer steps",
          xLabel: "optimizer step",
          yLabel: "gradient norm",
          logY: true,
          series: [curve("gradient norm", steps, "gradientNorm", "noisy")],
        },
      },
      {
        title: "Configuration",
        table: {
          columns: ["field", "value", "meaning"],
          rows: Object.entries(configFields).map(([key, { meaning }]) => [
            key,
            report.config[key as keyof Config] ?? "as published",
            meaning,
          ]),
        },
      },
    ],
    footer: `Made by bgpt on ${new Date().toISOString().slice(0, 10)}.`,
  });
}

/** What is drawn of the loss of each task, and from which figure of the records. */
const lossPlots = {
  bytes: [{
    key: "bpb",
    title: "Loss",
    note:
      "Bits per byte as published: the mean loss over all positions, padding and end of file included, over ln 2.",
    // The first steps fall from 8 bits, which would flatten all that follows.
    plot: { title: "Bits per byte against optimizer steps", yLabel: "bits per byte", logY: true },
  }],
  classes: [{
    key: "accuracy",
    title: "Accuracy",
    note: "Share of the files whose most probable class is their own.",
    plot: { title: "Accuracy against optimizer steps", yLabel: "share of files", logY: false },
  }, {
    key: "lossNats",
    title: "Loss",
    note: "Mean −ln of the probability of a file's own class.",
    plot: { title: "Loss against optimizer steps", yLabel: "nats", logY: true },
  }],
} as const;

function resultOf(last: MetricsRecord | undefined, task: LossTask): string {
  return task === "bytes"
    ? `needs ${Number(last?.["bpb"] ?? NaN).toFixed(4)} bits per byte on`
    : `finds the class of ${(100 * Number(last?.["accuracy"] ?? NaN)).toFixed(2)} % of`;
}
