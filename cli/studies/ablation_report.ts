import { scoreStates, trivialTeacherForced } from "@bgpt/tasks";
import type { ReportSection, ReportTable } from "../report/html_report.ts";
import { plotColours } from "../report/plot_style.ts";
import type { PlotSeries } from "../report/svg_plot.ts";
import type { AblationData } from "./ablation_data.ts";
import type { AblationPoint, AblationResult } from "./ablation_run.ts";
import type { StudyReport } from "./study_report.ts";
import { muonRate, variants } from "./variants.ts";

/** Share of the bytes of CPU states from which on a model does more than be stuck before it copies. */
const plateauPercent = 60;

/** What the reader of a table has to know. */
const method =
  "Each is trained with the same arithmetic and measured on data that are never trained on; figures are mean ± standard " +
  "deviation over the seeds, at the end of the training. A step's arithmetic is that of its kernels (forward, backward " +
  "and update), attention counted within files of full length; evaluation is not counted. Batch, schedule and learning " +
  `rate are the same for all variants, but Muon takes ${muonRate} times the rate.`;

/** What the report says of each data set, once a run on it is finished. */
export function ablationReport(
  data: readonly AblationData[],
  results: readonly AblationResult[],
): Pick<StudyReport, "summary" | "tables" | "sections"> {
  const found = data.map((set) => ({ set, runs: results.filter((result) => result.data === set.name) }))
    .filter(({ runs }) => runs.length > 0);
  return {
    summary: found.map(({ set, runs }) => summaryOf(set, runs)).join(" ") || "No run is finished yet.",
    tables: [
      {
        title: "Variants",
        note: method,
        table: {
          columns: ["variant", "what it is"],
          rows: byVariant(results).map(([name]) => [name, variants[name]!.what]),
        },
      },
      ...found.map(({ set, runs }) => ({ title: set.name, note: set.note, table: tableOf(set, runs) })),
    ],
    sections: found.flatMap(({ set, runs }) => plots(set, runs)),
  };
}

/** Mean and sample standard deviation. */
interface Spread {
  readonly mean: number;
  /** NaN of a single value. */
  readonly deviation: number;
}

function spreadOf(values: readonly number[]): Spread {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, deviation: Math.sqrt(squares / (values.length - 1)) };
}

function spreadText({ mean, deviation }: Spread, digits: number): string {
  const text = mean.toFixed(digits);
  return Number.isNaN(deviation) ? text : `${text} ± ${deviation.toFixed(digits)}`;
}

/** The runs of each variant that has any, in the order of the variants. */
function byVariant(runs: readonly AblationResult[]): [variant: string, runs: readonly AblationResult[]][] {
  const groups = Map.groupBy(runs, ({ variant }) => variant);
  return Object.keys(variants).filter((name) => groups.has(name)).map((name) => [name, groups.get(name)!]);
}

function lastOf(runs: readonly AblationResult[], key: keyof AblationPoint): Spread {
  return spreadOf(runs.map(({ curve }) => curve.at(-1)![key] ?? NaN));
}

function tableOf(set: AblationData, runs: readonly AblationResult[]): ReportTable {
  const groups = byVariant(runs);
  const base = groups.find(([variant]) => variant === "base")?.[1];
  const isCpu = set.unseen !== undefined;
  const rows = groups.map(([variant, runs]) => {
    const { parameterCount, stepFlops, config: { steps } } = runs[0]!;
    const bits = lastOf(runs, "bitsPerByte");
    return [
      variant,
      spreadText(bits, 4),
      base === undefined || variant === "base"
        ? ""
        : changeText(bits.mean / lastOf(base, "bitsPerByte").mean - 1),
      ...(isCpu
        ? [
          spreadText(lastOf(runs, "bytesPercent"), 2),
          spreadText(lastOf(runs, "statesPercent"), 2),
          plateauText(runs),
        ]
        : []),
      runs.length,
      steps.toLocaleString("en"),
      Math.round(lastOf(runs, "samples").mean).toLocaleString("en"),
      (steps * stepFlops / 1e12).toPrecision(4),
      parameterCount.toLocaleString("en"),
    ];
  });
  const cpuColumns = ["bytes right, %", "whole states right, %", `programs to ${plateauPercent} % of bytes`];
  const trivial = trivialPercents(set);
  return {
    columns: [
      ...["variant", "bits per byte", "to base"],
      ...(isCpu ? cpuColumns : []),
      ...["seeds", "steps", `${set.noun} seen`, "TFLOP", "parameters"],
    ],
    rows: trivial === undefined ? rows : [
      ...rows,
      [
        "trivial",
        "",
        "",
        trivial.bytesPercent.toFixed(2),
        trivial.statesPercent.toFixed(2),
        ...Array(6).fill(""),
      ],
    ],
  };
}

function changeText(share: number): string {
  return `${share > 0 ? "+" : "−"}${Math.abs(100 * share).toFixed(2)} %`;
}

/** Programs seen when the bytes right were first measured above the plateau; known no finer than the measurements. */
function plateauText(runs: readonly AblationResult[]): string {
  const left = runs.map(({ curve }) =>
    curve.find(({ bytesPercent }) => bytesPercent! >= plateauPercent)?.samples
  ).filter((samples) => samples !== undefined);
  if (left.length === 0) return "not reached";
  const text = spreadText(spreadOf(left), 0);
  return left.length === runs.length ? text : `${text} (${left.length} of ${runs.length})`;
}

/** What the trivial predictor has right of the unseen programs. */
function trivialPercents({ unseen }: AblationData) {
  if (unseen === undefined) return undefined;
  const predictions = unseen.map((file) => ({ teacherForced: trivialTeacherForced(file) }));
  const { total, trivial } = scoreStates(unseen, predictions).teacherForced!;
  return {
    bytesPercent: 100 * trivial.bytes / total.bytes,
    statesPercent: 100 * trivial.states / total.states,
  };
}

function plots(set: AblationData, runs: readonly AblationResult[]): ReportSection[] {
  const series = (x: "flops" | "samples", y: keyof AblationPoint): PlotSeries[] =>
    byVariant(runs).map(([name, runs], i) => ({
      name,
      // Beyond its colours, a plot begins again with the first.
      style: i < plotColours ? "plain" : "dashed",
      points: runs[0]!.curve.map((_, at) => {
        const mean = (key: keyof AblationPoint) => spreadOf(runs.map(({ curve }) => curve[at]![key]!)).mean;
        return [x === "flops" ? mean(x) / 1e12 : mean(x), mean(y)];
      }),
    }));
  const section = (y: keyof AblationPoint, yLabel: string, x: "flops" | "samples"): ReportSection => {
    const xLabel = x === "flops" ? "TFLOP of training" : `${set.noun} seen`;
    return {
      title: `${set.name}: ${yLabel} over ${xLabel}`,
      plot: { title: `${yLabel} of ${set.name} over ${xLabel}`, xLabel, yLabel, series: series(x, y) },
    };
  };
  return [
    section("bitsPerByte", "bits per byte", "flops"),
    ...(set.unseen === undefined ? [] : [
      section("bytesPercent", "bytes right, %", "samples"),
      section("statesPercent", "whole states right, %", "samples"),
    ]),
  ];
}

/** The variant with the fewest bits per byte, beside the base where that was run. */
function summaryOf(set: AblationData, runs: readonly AblationResult[]): string {
  const means = byVariant(runs).map(([variant, runs]) =>
    [variant, lastOf(runs, "bitsPerByte").mean] as const
  );
  const [best, bits] = means.reduce((least, other) => other[1] < least[1] ? other : least);
  const base = means.find(([variant]) => variant === "base");
  const beside = base === undefined || best === "base" ? "" : `, base ${base[1].toFixed(4)}`;
  return `${set.name}: fewest bits per byte with ${best}, ${bits.toFixed(4)}${beside}.`;
}
