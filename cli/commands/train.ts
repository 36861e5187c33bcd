import { type Checkpoint, type Config, type FileSource, patchCountOf } from "@bgpt/core";
import { folderSource, holdOut, holdsRun, loadCheckpoint } from "@bgpt/core/files";
import { defineCommand } from "../command.ts";
import { chooseConfig, configOptions, configSourceOptions, givenFields } from "../config_options.ts";
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
    data: { kind: "paths", required: true, help: "files to train on, or folders of them" },
    out: { kind: "path", placeholder: "DIR", required: true, help: "the folder of the run" },
    evalData: { kind: "paths", help: "files to evaluate on; without them a share of --data is held out" },
    ...configSourceOptions,
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
    const config = resume === undefined ? await chooseConfig(values, flags) : resumedConfig(resume, flags);
    if (resume === undefined && await holdsRun(out)) {
      throw new Error(
        `Cannot start a run in "${out}": it holds another run. Name a new folder, or add --resume`,
      );
    }

    await checkRunFolder(out);
    const source = await folderSource(data);
    const split = evalData.length > 0
      ? { training: source, evaluation: await folderSource(evalData) }
      : holdOut(source, config.evalShare, config.seed);
    if (resume?.run !== undefined && resume.run.fileCount !== split.training.files.length) {
      throw new Error(
        `Cannot resume "${out}": it was trained on ${resume.run.fileCount} files, --data now gives ` +
          `${split.training.files.length}. Name the same data`,
      );
    }
    if (found !== undefined) note(`Going on from ${found.path}`);
    tellCuts(split.training, config);

    const engine = await openEngine(values);
    const outcome = await trainInFolder({ engine, config, out, ...split, ...(resume && { resume }) });
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
  { data, evalData, out, device }: {
    readonly data: readonly string[];
    readonly evalData: readonly string[];
    readonly out: string;
    readonly device: string;
  },
): string {
  const words = ["bgpt train --data", ...data];
  if (evalData.length > 0) words.push("--eval-data", ...evalData);
  words.push("--out", out);
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
function tellCuts(source: FileSource, { patchSize, patchLength, cut }: Config): void {
  const long =
    source.files.filter(({ byteLength }) => patchCountOf(byteLength, patchSize) > patchLength).length;
  if (long === 0) return;
  note(
    `${long} of ${formatCount(source.files.length, "file")} ${long === 1 ? "is" : "are"} longer than ` +
      `${patchLength} patches, cut ` + (cut === "random" ? "at random (head, body or tail)" : "at the head"),
  );
}
