import type { Config } from "@bgpt/core";
import { join } from "@std/path";
import { defineCommand } from "../command.ts";
import { chooseConfig, configOptions, configSourceOptions, givenFields } from "../config_options.ts";
import { cpuCorpus, cpuCorpusOptions } from "../cpu_corpus.ts";
import { engineOptions, openEngine } from "../engine.ts";
import { UsageError } from "../errors.ts";
import { jsonOption, type Values } from "../options.ts";
import { StopSignal } from "../stop_signal.ts";
import { type AblationData, cpuStates, namedFiles, namedPairs } from "../studies/ablation_data.ts";
import { ablationReport } from "../studies/ablation_report.ts";
import {
  type AblationPlan,
  type AblationResult,
  planAblation,
  runAblation,
} from "../studies/ablation_run.ts";
import { keepResult, keptResult } from "../studies/kept_results.ts";
import { writeStudyReport } from "../studies/study_report.ts";
import { chosenVariants, variants } from "../studies/variants.ts";
import { note, paint, print, printJson } from "../terminal.ts";
import { formatCount } from "../units.ts";

const options = {
  out: { kind: "path", placeholder: "DIR", required: true, help: "the folder of the study" },
  data: {
    kind: "paths",
    placeholder: "NAME=PATH...",
    help: "files to learn, folders of them or tars, each a data set of its own; a share is held out",
  },
  pairs: {
    kind: "paths",
    placeholder: "A->B=PATH...",
    help: 'pairs of files to convert, such as "abc->mid=tunes": the target is learnt',
  },
  cpuPrograms: {
    kind: "integer",
    placeholder: "N",
    minimum: 1,
    maximum: 9_999_999,
    help: "CPU states too: so many generated programs, scored on others",
  },
  ...cpuCorpusOptions,
  maxProgram: { ...cpuCorpusOptions.maxProgram, default: 16 },
  memory: { ...cpuCorpusOptions.memory, default: 64 },
  variants: { kind: "list", help: `of ${Object.keys(variants).join(", ")}; all when not given` },
  budget: {
    kind: "number",
    placeholder: "TFLOP",
    minimum: 1e-6,
    maximum: 1e12,
    required: true,
    help: "arithmetic of each training, in 10¹² operations; steps follow from it",
  },
  seeds: {
    kind: "integer",
    minimum: 1,
    maximum: 100,
    default: 3,
    help: "runs of each variant, from seed 0 on",
  },
  ...configSourceOptions,
  // The variants are changes of published architecture.
  preset: { ...configSourceOptions.preset, choices: ["tiny", "small", "base"], help: "sizes and rates" },
  patchLength: configOptions.patchLength,
  batch: configOptions.batch,
  learningRate: configOptions.learningRate,
  evalShare: configOptions.evalShare,
  ...engineOptions,
  json: jsonOption,
} as const;

/** `bgpt study ablate`: what each change of the architecture is worth at equal arithmetic. */
export default defineCommand({
  description:
    "Trains variants of the published architecture, each on every data set with every seed and with the same " +
    "arithmetic, and measures each on data that are never trained on. The arithmetic of a step is that of its kernels, " +
    "and the steps of a variant are what the budget buys. Writes study.json, study.md and study.html with " +
    "the curves after every run; what is finished is not run again.",
  options,
  examples: [
    {
      what: "every variant on short programs and on text",
      line:
        "study ablate --out studies/v2 --cpu-programs 100000 --data text=books --learning-rate 2e-3 --budget 100",
    },
    {
      what: "one change on the full machine, twice",
      line: "study ablate --out studies/window --variants base,window --seeds 2 --budget 1000 " +
        "--cpu-programs 1000000 --max-program 255 --memory 1024",
    },
  ],
  run: async (values) => {
    const { out, json } = values;
    const names = chosenVariants(values.variants);
    const base = await chooseConfig(values, givenFields(values));
    const data = await openData(values, base);
    using stop = new StopSignal();
    const engine = await openEngine(values);
    const cells = Array.from({ length: values.seeds }, (_, seed) => seed).flatMap((seed) =>
      data.flatMap((set) => names.map((variant) => ({ seed, data: set, variant })))
    );
    const budgetFlops = values.budget * 1e12;
    // All of them before the first is run: what is refused is refused at once.
    const runs = cells.map((cell) => ({
      data: cell.data,
      plan: planAblation(engine, base, { ...cell, budgetFlops }),
    }));
    const results: AblationResult[] = [];
    let files: readonly string[] = [];
    const record = () => ({
      budgetFlops,
      preset: values.preset ?? "tiny",
      device: engine.description,
      data: data.map(({ name, note }) => ({ name, note })),
      variants: names,
      seeds: values.seeds,
      results,
    });
    const report = async () => {
      const facts: [string, string][] = [
        ["Training of each run", `${values.budget} TFLOP`],
        ["Preset", values.preset ?? "tiny"],
        ["Learning rate", String(base.learningRate)],
        ["Batch", String(base.batch)],
        ["Runs", `${results.length} of ${runs.length}`],
        ["Device", `${engine.name}: ${engine.description}`],
      ];
      const title = "What changes of the architecture are worth at equal arithmetic";
      const found = ablationReport(data, results);
      files = await writeStudyReport(out, { title, facts, ...found, record: record() });
      return found.summary;
    };

    for (const [i, { plan, data }] of runs.entries()) {
      const name = runName(plan, data);
      const kept = await keptResult(out, name, plan, data);
      if (kept !== undefined) {
        results.push(kept);
        continue;
      }
      note(`${paint(`[${i + 1} of ${runs.length}] ${name}`, "bold", "stderr")}: ${stepsText(plan)}`);
      const result = await runAblation(engine, plan, data, join(out, name), stop.signal);
      if (result === undefined) break;
      await keepResult(out, name, data, result);
      results.push(result);
      await report();
    }
    const summary = results.length === 0 ? "No run is finished yet." : await report();
    engine.destroy();
    if (results.length < runs.length) {
      note(`Stopped: ${results.length} of ${runs.length} runs are kept; the same command goes on`);
    }
    if (json) return printJson({ out, files, ...record() });
    print(summary);
    for (const file of files) print(file);
  },
});

async function openData(
  values: Values<typeof options, Record<never, never>>,
  base: Config,
): Promise<readonly AblationData[]> {
  const data: AblationData[] = [];
  if (values.cpuPrograms !== undefined) {
    const { seed: _, ...corpus } = cpuCorpus(values, 0);
    data.push(cpuStates(values.cpuPrograms, corpus, base.patchSize));
  }
  for (const word of values.data) data.push(await namedFiles(word, base));
  for (const word of values.pairs) data.push(await namedPairs(word, base));
  if (data.length === 0) {
    throw new UsageError(
      "Cannot study without data. Give --data NAME=PATH, --pairs A->B=PATH or --cpu-programs N",
    );
  }
  const twice = data.find(({ name }, i) => data.findIndex((other) => other.name === name) < i);
  if (twice !== undefined) {
    throw new UsageError(`Cannot use two data sets of the name ${twice.name}. Give each its own`);
  }
  return data;
}

function runName({ variant, seed }: AblationPlan, { name }: AblationData): string {
  return `${name}-${variant}-seed${seed}`;
}

function stepsText({ config: { steps }, stepFlops }: AblationPlan): string {
  return `${formatCount(steps, "step")} of ${(stepFlops / 1e12).toPrecision(3)} TFLOP`;
}
