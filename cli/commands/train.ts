import { type Checkpoint, checkSameRun, parametersFrom, tableOf } from "@bgpt/core";
import { loadCheckpoint, runIn } from "@bgpt/core/files";
import { openCheckpoint } from "../checkpoint.ts";
import { type Command, defineCommand } from "../command.ts";
import { chooseConfig, configOptions, configSourceOptions, givenFields } from "../config_options.ts";
import { pairsOption } from "../conversion_samples.ts";
import { engineOptions, openEngine } from "../engine.ts";
import { heldOutSections } from "../evaluate_classes.ts";
import { UsageError } from "../errors.ts";
import { ownLaunch } from "../mpi/launcher.ts";
import { localRanks } from "../mpi/local_ranks.ts";
import { openRanks } from "../mpi/ranks.ts";
import { jsonOption } from "../options.ts";
import { optionWords } from "../option_words.ts";
import { resumedConfig } from "../resumed_config.ts";
import { isToBegin, takeRunFolder } from "../run_folder.ts";
import { sampleWords } from "../sample_words.ts";
import { shellLine } from "../shell_line.ts";
import { supervise } from "../supervise.ts";
import { commandToSupervise, ownSupervision } from "../supervised_command.ts";
import { tellCuts } from "../tell_cuts.ts";
import { note, print, printJson } from "../terminal.ts";
import type { TrainRun } from "../prepare_run.ts";
import { outcomeRecord, trainAlong, trainInFolder } from "../train_run.ts";
import { type TaskData, taskOption, trainingTasks } from "../training_tasks.ts";
import { tuneOption } from "../tuning.ts";
import { formatCount, formatDuration, formatRate } from "../units.ts";

/** `bgpt train`: trains a model on files. */
const command: Command = defineCommand({
  description:
    "Trains a byte model on files of any kind, or on pairs of them to convert, or a classifier of files. The folder of " +
    "a run gets checkpoints, metrics.jsonl, TensorBoard events and, at the end, report.html. A run that was stopped goes " +
    "on with --resume, bit for bit as if it had not been.",
  options: {
    data: {
      kind: "paths",
      required: true,
      help:
        "files, folders of them or tars to train on; PATH=WEIGHT shows a source so many times in an epoch",
    },
    out: { kind: "path", placeholder: "DIR", required: true, help: "the folder of the run" },
    task: taskOption,
    pairs: pairsOption,
    loss: {
      kind: "choice",
      choices: ["pair", "target"],
      help: "with --pairs: learn the whole pair, as published and by default, or the target alone",
    },
    given: {
      kind: "integer",
      placeholder: "PATCHES",
      minimum: 1,
      maximum: 65535,
      help:
        "patches at the start of every file that are read but not learnt, such as what is random; the first, its " +
        "extension, always (default: 1)",
    },
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
    tune: tuneOption,
    recompute: {
      kind: "flag",
      help:
        "compute blocks again in the backward pass instead of keeping them: about 40 % less memory for a large model, a " +
        "fifth more of arithmetic, and the same bits",
    },
    resume: {
      kind: "flag",
      help:
        "go on from the newest checkpoint in --out, or from the start where none was kept yet; fields that are said must " +
        "be as at the start, but --steps may be raised",
    },
    shardOptimizer: {
      kind: "flag",
      help:
        "under mpirun: each rank keeps the moments of its part of the weights alone, which takes less memory, sends more, " +
        "and trains the same",
    },
    supervise: {
      kind: "flag",
      help:
        "train in a process of its own, and go on from the last checkpoint when its device or driver fails: up to five " +
        "times in a row without a new one, after growing pauses",
    },
    launch: {
      kind: "string",
      placeholder: "COMMAND",
      help:
        'with --supervise: what starts the processes that train together, such as "mpirun -n 8" or "srun"',
    },
    onBadStep: {
      kind: "choice",
      choices: ["stop", "skip"],
      default: "stop",
      help: "where a loss or gradient is no number: end the run, or drop the step and go on",
    },
    hangTimeout: {
      kind: "number",
      placeholder: "SECONDS",
      minimum: 1,
      maximum: 1_000_000,
      default: 300, // Longer than any step, evaluation or checkpoint takes.
      help: "under mpirun: end the job when a rank has waited so long for the others",
    },
    ...configOptions,
    json: jsonOption,
  },
  examples: [
    { what: "a small model on a folder of text", line: "train --data books --out runs/books --preset small" },
    {
      what: "a classifier, from a model that has learnt to generate",
      line:
        "train --task classification --data spoken --init runs/speech --out runs/words --recipe published",
    },
    {
      what: "to convert tunes into MIDI and back",
      line:
        `train --task conversion --pairs "abc<->mid" --data corpora/abc/train --out runs/tunes --preset small`,
    },
    { what: "go on after a stop", line: "train --data books --out runs/books --resume" },
    {
      what: "the published model, trained as published",
      line: "train --data images --out runs/images --preset base --recipe published --steps 100000",
    },
  ],
  run: async (values) => {
    const { out, task, resume: resumes, json } = values;
    if (task !== "conversion" && (values.pairs ?? values.loss) !== undefined) {
      throw new UsageError("Cannot use --pairs or --loss without --task conversion");
    }
    if (task !== "generation" && values.given !== undefined) {
      throw new UsageError(
        `Cannot use --given with --task ${task}: it says how much of each file is read and not learnt, which ` +
          "only generation does. Leave it out",
      );
    }
    if (values.supervise) {
      if (ownLaunch !== undefined) {
        throw new UsageError(
          "Cannot supervise from within mpirun: all ranks have to be started again together. Give mpirun to it instead: " +
            'bgpt train --supervise --launch "mpirun -n 8"',
        );
      }
      return await supervise({
        command: commandToSupervise(values.launch),
        out,
        ranks: values.launch !== undefined,
      });
    }
    if (values.launch !== undefined) {
      throw new UsageError(
        "Cannot use --launch without --supervise. Start mpirun yourself, or add --supervise",
      );
    }
    const flags = givenFields(values);
    const communicator = openRanks(values.hangTimeout);
    const leads = communicator.rank === 0;
    await checkRunFolder(out);
    // Before anything is read: another process may be training there. Where no run was, a refusal leaves no trace.
    using lock = !leads || await runIn(out) === "nothing" ? undefined : await takeRunFolder(out, resumes);
    await communicator.barrier();
    const begins = !resumes || await isToBegin(out);
    if (resumes && begins) note(`No checkpoint in ${out} yet: starting from the beginning`);
    const found = begins ? undefined : await checkpointToResume(out);
    const resume = found?.checkpoint;
    // A run that goes on has its own weights, and has taken these at its start.
    const init = values.init === undefined || resume !== undefined
      ? undefined
      : await openCheckpoint(values.init);
    const resumed = resume && await resumedConfig(resume.config, values, flags);
    const config = resumed?.config ?? await chooseConfig(values, flags, init?.model);
    if (resumed !== undefined && resumed.overruled.length > 0) {
      note(`Going on as the run was started, not with ${resumed.overruled.join(", ")}`);
    }
    if (resume !== undefined) checkSameTask(resume, task);
    if (values.shardOptimizer && config.optimizer === "muon") {
      throw new UsageError(
        "Cannot use --shard-optimizer with --optimizer muon: a rank's part may end within a matrix, and Muon needs whole " +
          "ones. Leave one of them out",
      );
    }

    const taskData = await trainingTasks[task].open({
      ...values,
      config,
      ...(resume?.labels && { labels: resume.labels }),
    });
    const { training, labels } = taskData;
    const inherited = init === undefined
      ? undefined
      : parametersFrom(init, tableOf({ model: config, ...(labels && { labels }) }), config, labels);
    if (resume?.run !== undefined && resume.run.sampleCount !== training.count) {
      throw new Error(
        `Cannot resume "${out}": it was trained on ${resume.run.sampleCount} samples, --data now gives ` +
          `${training.count}. Name the same data, or start a new run from its weights with --init`,
      );
    }
    if (resume !== undefined) checkSameSamples(resume, taskData.sampleKind);
    if (found !== undefined) {
      note(`Going on from ${found.path}`);
      if (values.init !== undefined) note(`Not read: --init ${values.init}, which was for the run's start`);
    }
    if (inherited !== undefined) {
      tellNames("New, as the checkpoint does not have it", inherited.fresh);
      tellNames("Left behind, as the model does not have it", inherited.dropped);
    }
    if (task === "conversion") tellCuts(training, { ...config, cut: "head" }, "pair");
    else tellCuts(training, config);

    await checkSameRun(
      communicator,
      { ...config, shardOptimizer: values.shardOptimizer },
      taskData,
      resume?.run?.step,
    );
    const engine = await openEngine(values, await localRanks(communicator));
    const run: TrainRun = {
      engine,
      communicator,
      config,
      out,
      lock,
      onBadStep: values.onBadStep,
      tune: values.tune,
      recompute: values.recompute,
      shardOptimizer: values.shardOptimizer,
      ...taskData,
      ...(inherited && { parameters: inherited.parameters }),
      ...(resume && { resume }),
    };
    if (!leads) return await trainAlong(run);
    const outcome = await trainInFolder(run);
    const classified = labels !== undefined && outcome.summary.best !== undefined;
    const sections = classified ? await heldOutSections(engine, out, taskData.evaluation, config.batch) : [];
    const reportPath = outcome.writeReport({ sections });
    engine.destroy();

    const alreadyDone = resume !== undefined && resume.run.step >= config.steps;
    const doneLine = `Already at step ${outcome.summary.step}; raise --steps to train on`;
    if (json) {
      if (alreadyDone) note(doneLine);
      if (outcome.summary.stopped) note(`Go on with ${resumingLine(values)}`);
      return printJson({ ...outcomeRecord(out, outcome), report: reportPath });
    }
    const { summary, seconds, bytesPerSecond, checkpointPath } = outcome;
    const { droppedSteps, overflowedSteps, filesLeftOut } = outcome;
    print(
      alreadyDone
        ? doneLine
        : `${summary.stopped ? "Stopped" : "Trained"} after ${formatCount(summary.step, "step")}, ` +
          `${formatDuration(seconds)} at ${formatRate(bytesPerSecond, "B")}`,
    );
    if (droppedSteps > 0) print(`dropped      ${formatCount(droppedSteps, "bad step")}`);
    if (overflowedSteps > 0) {
      print(`overflowed   ${formatCount(overflowedSteps, "step")} until the loss had its scale`);
    }
    if (filesLeftOut.size > 0) {
      print(`left out     ${formatCount(filesLeftOut.size, "file")} that vanished or changed`);
    }
    print(`checkpoint   ${checkpointPath}`);
    print(`report       ${reportPath}`);
    if (summary.stopped) print(`go on with   ${resumingLine(values)}`);
  },
});

/** `New, as the checkpoint does not have it: classifier.weight and 3 more`; nothing where there are no names. */
function tellNames(what: string, names: readonly string[]): void {
  if (names.length === 0) return;
  note(`${what}: ${names[0]}${names.length === 1 ? "" : ` and ${names.length - 1} more`}`);
}

/** The command that goes on with a stopped run: its configuration is in the checkpoint, all else has to be said again. */
function resumingLine(values: Readonly<Record<string, unknown>>): string {
  const kept = [...Object.keys({ ...configOptions, ...configSourceOptions }), "init", "resume"];
  const options = Object.entries(command.options).filter(([key]) => !kept.includes(key));
  const words = optionWords(Object.fromEntries(options), { ...values, ...ownSupervision() });
  return shellLine(["bgpt", "train", ...words, "--resume"]);
}

type ResumableCheckpoint = Checkpoint & Required<Pick<Checkpoint, "config" | "run">>;

async function checkpointToResume(out: string): Promise<{ checkpoint: ResumableCheckpoint; path: string }> {
  const { checkpoint, path, passedOver } = await loadCheckpoint(out);
  for (const reason of passedOver) note(`Passed over a damaged checkpoint: ${reason}`);
  const { config, run } = checkpoint;
  if (run === undefined || config === undefined) {
    throw new Error(`Cannot resume "${path}": it has weights but no state of a run. Start a new run`);
  }
  return { checkpoint: { ...checkpoint, config, run }, path };
}

/** A checkpoint with labels learns classes, one without bytes. */
function checkSameTask({ labels }: Checkpoint, task: keyof typeof trainingTasks): void {
  if ((labels !== undefined) === (task === "classification")) return;
  throw new UsageError(
    labels === undefined
      ? `Cannot resume with --task ${task}: the run learns to generate. Leave it out, or start a new run`
      : `Cannot resume with --task ${task}: the run learns to classify. Add --task classification`,
  );
}

/** Pairs both ways are as many as their files, and files of which more is given too: their number does not tell. */
function checkSameSamples({ run }: Checkpoint, sampleKind: TaskData["sampleKind"]): void {
  const [before, now] = [sampleWords(run?.sampleKind), sampleWords(sampleKind)];
  if (before === now) return;
  throw new UsageError(
    `Cannot resume with ${now}: the run learns from ${before}. Say the same, or start a new run`,
  );
}

async function checkRunFolder(path: string): Promise<void> {
  const found = await Deno.stat(path).catch(() => undefined);
  if (found === undefined || found.isDirectory) return;
  throw new Error(`Cannot write a run to "${path}": it is a file. Name a folder`);
}

export default command;
