import {
  bitsPerByteAsPublished,
  type Config,
  fileSamples,
  presets,
  shuffledStrips,
  stripCapacity,
  Trainer,
  trainingOptions,
  trainingPlan,
} from "@bgpt/core";
import type { Engine } from "@bgpt/kernels";
import {
  formatPercentage,
  formatStateScores,
  formatTrace,
  predictFreeRunning,
  predictStates,
  StateScore,
  type StateScoreReport,
} from "@bgpt/tasks";
import { join } from "@std/path";
import { defineCommand } from "../command.ts";
import { openTrainingData } from "../data.ts";
import {
  chooseCorner,
  type Corner,
  describeCorner,
  givenPatches,
  programFile,
  programSource,
  writeCorpus,
} from "../demo/corner.ts";
import { engineOptions, openEngine } from "../engine.ts";
import { givenFiles } from "../given_files.ts";
import { jsonOption } from "../options.ts";
import { note, paint, print, printJson } from "../terminal.ts";
import { outcomeRecord, trainInFolder } from "../train_run.ts";
import { formatCount, formatDuration, formatRate } from "../units.ts";

const trainingPrograms = 40_000;
const unseenPrograms = 200;
/** Seeds of the two corpora: other programs, other start registers. */
const trainingSeed = 1;
const unseenSeed = 2;

/** A small model and few files a step: in these minutes many small steps get further than few large ones. */
const demoConfig: Omit<Config, "patchLength"> = {
  ...presets["v2-tiny"],
  // What a program does next does not show in the latest bytes.
  ngramRows: 0,
  // What a state keeps stood in the one before it: two of them are enough.
  byteConvolution: 32,
  // Arithmetic on bytes is arithmetic on their bits.
  byteTables: "bits",
  hidden: 64,
  byteLayers: 2,
  batch: 8,
  learningRate: 1e-2,
  warmup: 100,
  beta2: 0.98,
  evalShare: 0.005,
};
/** Steps that are timed to find how many fit into the time. */
const timedSteps = 20;
/** Programs that they take in turn. */
const timedPrograms = 200;

/** `bgpt demo`: watch a byte model learn to run a small computer. */
export default defineCommand({
  description:
    "Writes a corpus of programs for a small computer and its states, trains a small model on it, scores it on " +
    "programs it never saw, runs one program in it, and leaves a checkpoint and a report. Takes about five minutes.",
  options: {
    out: {
      kind: "path",
      placeholder: "DIR",
      default: "runs/demo",
      help: "the folder to write; an earlier demo's is kept",
    },
    minutes: { kind: "number", minimum: 0.05, maximum: 600, default: 3.4, help: "minutes to train" },
    ...engineOptions,
    json: jsonOption,
  },
  examples: [
    { what: "as `deno task demo` runs it", line: "demo" },
    { what: "half an hour gets further", line: "demo --minutes 30 --out runs/longer" },
  ],
  run: async (values) => {
    const out = freshFolder(values.out);
    const engine = await openEngine(values);
    heading("A byte model learns to run a small computer");
    note(`Computing on ${engine.name}: ${engine.description}`);
    const { corner, stepSeconds } = await chooseCorner(
      60 * values.minutes,
      (corner) => secondsPerStep(engine, corner),
    );
    const machine = describeCorner(corner);
    note(
      `The part of the machine that ${
        formatDuration(60 * values.minutes)
      } of training are enough for here: ${machine}`,
    );
    note("A file holds a program and the machine's state after each of its instructions, as raw bytes.");

    const corpus = join(out, "corpus.tar");
    heading(`1. Writing ${formatCount(trainingPrograms, "random program")} to ${corpus}`);
    Deno.mkdirSync(out, { recursive: true });
    writeCorpus(corner, corpus, trainingPrograms, trainingSeed);
    const steps = Math.max(20, Math.floor(values.minutes * 60 / stepSeconds));
    const every = Math.max(10, Math.floor(steps / 20));
    const config: Config = { ...configOf(corner), steps, evalEvery: every, saveEvery: every };
    const given = givenPatches(corner);
    const samples = givenFiles(given, config);
    const data = await openTrainingData([corpus], [], config, () => samples);
    const sampleKind = { given: String(given) };
    const unseen = Array.from({ length: unseenPrograms }, (_, i) => programFile(corner, i, unseenSeed));

    heading(
      `2. Training a model of ${config.hidden} channels: ${formatCount(steps, "step")}, about ${
        formatDuration(steps * stepSeconds)
      }`,
    );
    // A machine that gets busy after the steps were timed still keeps to the time, if not to the steps.
    const secondsLimit = values.minutes * 60 * 1.15;
    const outcome = await trainInFolder({ engine, config, ...data, sampleKind, out, secondsLimit });
    const { model, parameters } = outcome.checkpoint;
    const { step, stopped } = outcome.summary;
    if (stopped) note(`Ended after ${step} of ${formatCount(steps, "step")}, early`);
    note(
      `${formatRate(outcome.bytesPerSecond, "B")}, ${
        bitsPerByteAsPublished(outcome.lastTraining).toFixed(4)
      } bits per byte at the end`,
    );

    heading(
      `3. Scoring it on ${formatCount(unseenPrograms, "program")} it never saw, beside the trivial predictor`,
    );
    const predictions = await predictStates(engine, { model, parameters }, unseen, 50);
    const score = new StateScore();
    for (const [i, file] of unseen.entries()) score.add(file, predictions[i]!);
    const report = score.report();
    note(formatStateScores(report));

    heading("4. Running one of them in the model (true→model where it departs)");
    const example = unseen[0]!;
    const trace = formatTrace(
      example,
      (await predictFreeRunning(engine, { model, parameters }, [example], 1))[0]!,
      { registers: corner.programs.registers },
    );
    note(trace);
    engine.destroy();

    const summary = verdict(report);
    const reportPath = outcome.writeReport({
      title: "A byte model learns to run a small computer",
      summary,
      sections: [
        {
          title: "Unseen programs",
          note: `The machine: ${machine} ${summary}`,
          text: formatStateScores(report),
        },
        {
          title: "One program in the model",
          note: "true→model where the model departs from the machine.",
          text: trace,
        },
      ],
    });
    heading("Done");
    if (values.json) {
      const { instructions, registers } = corner.programs;
      return printJson({
        ...outcomeRecord(out, outcome),
        instructions,
        registers,
        report: reportPath,
        scores: { ...report },
      });
    }
    print(summary);
    print(`checkpoint   ${outcome.checkpointPath}`);
    print(`report       ${reportPath}`);
    print(`\nTry next (in a clone, bgpt is deno task bgpt):`);
    print("  bgpt demo --minutes 30 --out runs/longer             the same for longer");
    print("  bgpt data cpu --out runs/full --instances 10000      the full machine");
    print("  bgpt train --data YOUR_FOLDER --out runs/yours       any files of your own");
    print(
      `  bgpt generate --checkpoint ${out} --extension bin --out program.bin    a program and its run, made up by the model`,
    );
  },
});

function heading(text: string): void {
  note(`\n${paint(text, "bold", "stderr")}`);
}

/** The folder itself, or the first free one of DIR-2, DIR-3, … */
function freshFolder(path: string): string {
  for (let n = 1;; n++) {
    const candidate = n === 1 ? path : `${path}-${n}`;
    try {
      Deno.statSync(candidate);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return candidate;
      throw error;
    }
  }
}

function configOf({ patchLength }: Corner): Config {
  return { ...demoConfig, patchLength };
}

/** Times a few steps of a model that is thrown away, queued as in a run; the first warms up and does not count. */
async function secondsPerStep(engine: Engine, corner: Corner): Promise<number> {
  const config = configOf(corner);
  const source = fileSamples(programSource(corner, timedPrograms, trainingSeed), givenPatches(corner));
  const patchCapacity = stripCapacity(source, config);
  const trainer = await Trainer.create(
    engine,
    config,
    trainingPlan(config, patchCapacity, trainingOptions(engine)),
  );
  const strips = shuffledStrips(source, { ...config, patchCapacity });
  const step = async () => trainer.train([(await strips.next()).value!.strip]);
  await step();
  await trainer.metrics();
  const started = performance.now();
  for (let timed = 0; timed < timedSteps; timed++) await step();
  await trainer.metrics();
  const seconds = (performance.now() - started) / 1000;
  await strips.return(undefined);
  trainer.destroy();
  return seconds / timedSteps;
}

/** Where the model stands, in plain words. */
function verdict({ teacherForced }: StateScoreReport): string {
  const { total, predicted, trivial } = teacherForced!;
  const model = formatPercentage(predicted.states, total.states);
  const trivially = formatPercentage(trivial.states, total.states);
  const beats = predicted.states > trivial.states ? "which beats" : "which does not beat";
  return `On programs it never saw the model has ${model} of whole states right (${
    formatPercentage(predicted.bytes, total.bytes)
  } of bytes), ` +
    `${beats} the trivial predictor's ${trivially} (${
      formatPercentage(trivial.bytes, total.bytes)
    } of bytes).`;
}
