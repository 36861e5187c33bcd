import { type Checkpoint, type Config, parametersFrom, parameterTable, type SampleSource } from "@bgpt/core";
import { holdsRun, loadCheckpoint } from "@bgpt/core/files";
import { openCheckpoint } from "../checkpoint.ts";
import { defineCommand } from "../command.ts";
import { chooseConfig, configOptions, configSourceOptions, givenFields } from "../config_options.ts";
import { openTrainingData } from "../data.ts";
import { engineOptions, openEngine } from "../engine.ts";
import { UsageError } from "../errors.ts";
import { jsonOption } from "../options.ts";
import { note, print, printJson } from "../terminal.ts";
import { outcomeRecord, trainInFolder } from "../train_run.ts";
import { formatCount, formatDuration, formatRate } from "../units.ts";

/** `bgpt train`: trains a model on files. */
export default defineCommand({
  description:
    "Trains a byte model on files of any kind. The folder of a run gets checkpoints, metrics.jsonl, TensorBoard " +
    "events and, at the end, report.html. A run that was stopped goes on with --resume, bit for bit as if it had not " +
    "been.",
  options: {
    data: {
      kind: "paths",
      required: true,
      help:
        "files, folders of them or tars to train on; PATH=WEIGHT shows a source so many times in an epoch",
    },
    out: { kind: "path", placeholder: "DIR", required: true, help: "the folder of the run" },
    limit: {
      kind: "integer",
      minimum: 1,
      help: "train on so many samples of each source only; the same ones for the same seed",
    },
    evalData: { kind: "paths", help: "files to evaluate on; without them a share of --data is held out" },
    ...configSourceOptions,
    init: {
      kind: "path",
      placeholder: "CHECKPOINT",
      help:
        "start from these weights, of any modality; the model gets its sizes, only the patch length may differ",
    },
    ...engineOptions,
    resume: { kind: "flag", help: "go on from the newest checkpoint in --out; --steps may be raised" },
    ...configOptions,
    json: jsonOption,
  },
  examples: [
    { what: "a small model on a folder of text", line: "train --data books --out runs/books --preset small" },
    { what: "go on after a stop", line: "train --data books --out runs/books --resume" },
    {
      what: "the published model, trained as published",
      line: "train --data images --out runs/images --preset base --recipe published --steps 100000",
    },
  ],
  run: async (values) => {
    const { data, evalData, out, resume: resumes, json } = values;
    const flags = givenFields(values);
    const found = resumes ? await checkpointToResume(out) : undefined;
    const resume = found?.checkpoint;
    const init = values.init === undefined ? undefined : await openCheckpoint(values.init);
    const config = resume === undefined
      ? await chooseConfig(values, flags, init?.model)
      : resumedConfig(resume, flags);
    const inherited = init === undefined || resume !== undefined
      ? undefined
      : parametersFrom(init, parameterTable(config), config.seed).parameters;
    if (resume === undefined && await holdsRun(out)) {
      throw new Error(
        `Cannot start a run in "${out}": it holds another run. Name a new folder, or add --resume`,
      );
    }

    await checkRunFolder(out);
    const trainingData = await openTrainingData(data, evalData, {
      ...config,
      ...(values.limit !== undefined && { limit: values.limit }),
    });
    const { training } = trainingData;
    if (resume?.run !== undefined && resume.run.sampleCount !== training.count) {
      throw new Error(
        `Cannot resume "${out}": it was trained on ${resume.run.sampleCount} samples, --data now gives ` +
          `${training.count}. Name the same data`,
      );
    }
    if (found !== undefined) note(`Going on from ${found.path}`);
    tellCuts(training, config);

    const engine = await openEngine(values);
    const outcome = await trainInFolder({
      engine,
      config,
      out,
      ...trainingData,
      ...(inherited && { parameters: inherited }),
      ...(resume && { resume }),
    });
    const reportPath = outcome.writeReport();
    engine.destroy();

    if (json) {
      if (outcome.summary.stopped) note(`Go on with ${resumingLine(values)}`);
      return printJson({ ...outcomeRecord(out, outcome), report: reportPath });
    }
    const { summary, seconds, bytesPerSecond, checkpointPath } = outcome;
    print(
      `${summary.stopped ? "Stopped" : "Trained"} after ${formatCount(summary.step, "step")}, ` +
        `${formatDuration(seconds)} at ${formatRate(bytesPerSecond, "B")}`,
    );
    print(`checkpoint   ${checkpointPath}`);
    print(`report       ${reportPath}`);
    if (summary.stopped) print(`go on with   ${resumingLine(values)}`);
  },
});

/** The command that goes on with a stopped run: its configuration is in the checkpoint, its data and device are not. */
function resumingLine(
  { data, evalData, out, device, limit }: {
    readonly data: readonly string[];
    readonly evalData: readonly string[];
    readonly out: string;
    readonly device: string;
    readonly limit?: number;
  },
): string {
  const words = ["bgpt train --data", ...data];
  if (evalData.length > 0) words.push("--eval-data", ...evalData);
  words.push("--out", out);
  if (limit !== undefined) words.push("--limit", `${limit}`);
  if (device !== "auto") words.push("--device", device);
  return [...words, "--resume"].join(" ");
}

async function checkpointToResume(out: string): Promise<{ checkpoint: Checkpoint; path: string }> {
  const { checkpoint, path, passedOver } = await loadCheckpoint(out);
  for (const reason of passedOver) note(`Passed over a damaged checkpoint: ${reason}`);
  if (checkpoint.run === undefined || checkpoint.config === undefined) {
    throw new Error(`Cannot resume "${path}": it has weights but no state of a run. Start a new run`);
  }
  return { checkpoint, path };
}

async function checkRunFolder(path: string): Promise<void> {
  const found = await Deno.stat(path).catch(() => undefined);
  if (found === undefined || found.isDirectory) return;
  throw new Error(`Cannot write a run to "${path}": it is a file. Name a folder`);
}

/** The run's own configuration; only the number of steps may be another. */
function resumedConfig(checkpoint: Checkpoint, flags: Partial<Config>): Config {
  const config = checkpoint.config!;
  for (const [key, value] of Object.entries(flags)) {
    const before = config[key as keyof Config];
    if (key !== "steps" && value !== before) {
      throw new UsageError(
        `Cannot resume with ${key} ${value}: the run was started with ${before}. Leave it out, or start a new run`,
      );
    }
  }
  return { ...config, ...flags };
}

/** Says once how many files are longer than the model reads. */
function tellCuts(source: SampleSource, { patchSize, patchLength, cut }: Config): void {
  let long = 0;
  for (let i = 0; i < source.count; i++) {
    if (source.patchCount(i, { patchSize, patchLength: Infinity }) > patchLength) long++;
  }
  if (long === 0) return;
  note(
    `${long} of ${formatCount(source.count, "file")} ${long === 1 ? "is" : "are"} longer than ` +
      `${patchLength} patches, cut ` + (cut === "random" ? "at random (head, body or tail)" : "at the head"),
  );
}
