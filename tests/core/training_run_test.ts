import { assert, assertEquals, assertMatch, assertNotEquals, assertRejects } from "@std/assert";
import {
  type Checkpoint,
  type Communicator,
  type Config,
  fileSamples,
  type RunEvents,
  type RunStep,
  type RunSummary,
  type SampleSource,
  type StepMetrics,
  stripCapacity,
  Trainer,
  trainingPlan,
  trainingRun,
  UnreadableFileError,
} from "@bgpt/core";
import { loadCheckpoint, saveRunCheckpoint } from "@bgpt/core/files";
import { type Engine, ReferenceEngine } from "@bgpt/kernels";
import { engineTest } from "../engines.ts";
import { ranksInProcess } from "./distributed/ranks_in_process.ts";
import { memorySamples, memorySource } from "./memory_source.ts";
import { smallCapacity, smallConfig } from "./small_checkpoint.ts";

const config: Config = {
  ...smallConfig,
  batch: 1,
  accumulate: 2,
  steps: 6,
  warmup: 2,
  dropout: 0.1,
  evalEvery: 2,
  saveEvery: 100,
};
// Too long, empty, and of lengths that make strips end within an epoch.
const training = memorySamples([40, 3, 0, 17, 9, 25, 8], 1);
const evaluation = memorySamples([11, 6], 2);

/** What a test run tells, and when it is stopped. */
interface Options {
  readonly changes?: Partial<Config>;
  readonly source?: SampleSource;
  /** The folder that its checkpoints go to, and where it goes on from if there are any. */
  readonly folder?: string;
  readonly resume?: boolean;
  readonly evaluates?: boolean;
  /** What it evaluates; two files by default. */
  readonly heldOut?: SampleSource;
  readonly dropsBadSteps?: boolean;
  /** The step after which it is stopped. */
  readonly stopAfter?: number;
}

interface Told {
  readonly summary: RunSummary;
  readonly saved: { checkpoint: Checkpoint; best: boolean }[];
  readonly steps: RunStep[];
  readonly evaluations: number[];
  /** Paths of files that were left out, each time that they were. */
  readonly unreadable: string[];
  /** The checkpoint that was saved last. */
  readonly last: Checkpoint;
}

/** Runs to the end or to the stop, from the folder's newest checkpoint where it is to resume. */
async function run(engine: Engine, options: Options, told?: Partial<Told>): Promise<Told> {
  const { changes, source = training, heldOut = evaluation, folder, stopAfter = Infinity } = options;
  const own = { ...config, ...changes };
  const resume = options.resume ? (await loadCheckpoint(folder!)).checkpoint : undefined;
  const patchCapacity = stripCapacity(source, own);
  assertEquals(patchCapacity, smallCapacity);
  const trainer = await Trainer.create(engine, own, trainingPlan(own, patchCapacity));
  if (resume !== undefined) trainer.restore(resume.optimizer!);
  const { saved = [], steps = [], evaluations = [], unreadable = [] } = told ?? {};
  const events: RunEvents = {
    onSteps: (metrics) => void steps.push(...metrics),
    onEvaluation: (step) => void evaluations.push(step),
    onUnreadable: ({ path }) => void unreadable.push(path),
    async save(checkpoint, best) {
      saved.push({ checkpoint, best });
      if (folder !== undefined) await saveRunCheckpoint(folder, checkpoint, best);
    },
    stop: {
      get aborted() {
        return trainer.step >= stopAfter;
      },
    } as AbortSignal,
  };
  try {
    const data = {
      training: source,
      patchCapacity,
      dropsBadSteps: options.dropsBadSteps ?? false,
      evaluation: options.evaluates ? [{ name: "held out", source: heldOut }] : [],
    };
    const summary = await trainingRun(trainer, data, events, resume?.run);
    return {
      summary,
      saved,
      steps,
      evaluations,
      unreadable,
      get last() {
        return saved.at(-1)!.checkpoint;
      },
    };
  } finally {
    trainer.destroy();
  }
}

async function inTempFolder<T>(test: (folder: string) => Promise<T>): Promise<T> {
  const folder = await Deno.makeTempDir();
  try {
    return await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Everything of a checkpoint that must not depend on how the run got there. */
function stateOf({ parameters, optimizer, run }: Checkpoint) {
  const { position, step } = run!;
  return { parameters, moment1: optimizer!.moment1, moment2: optimizer!.moment2, position, step };
}

async function assertResumes(engine: Engine, stops: readonly (readonly number[])[]): Promise<void> {
  const undisturbed = await run(engine, {});
  assertEquals(undisturbed.summary, { step: 6, stopped: false });
  for (const stopSteps of stops) {
    await inTempFolder(async (folder) => {
      const losses: StepMetrics[] = [];
      for (const [index, stopAfter] of stopSteps.entries()) {
        const { summary, steps } = await run(engine, { folder, stopAfter, resume: index > 0 });
        assertEquals(summary, { step: stopAfter, stopped: true });
        losses.push(...steps);
      }
      // The last part is evaluated in between, which must not matter either.
      const { last, steps } = await run(engine, { folder, resume: true, evaluates: true });
      assertEquals(stateOf(last), stateOf(undisturbed.last), `stopped after ${stopSteps}`);
      assertEquals([...losses, ...steps], undisturbed.steps, `stopped after ${stopSteps}`);
    });
  }
}

Deno.test("reference: training stopped at any step and resumed gives the same bits", () =>
  assertResumes(new ReferenceEngine(), [[1], [2], [3], [4], [5], [1, 2, 4]]));
engineTest(
  "training stopped at any step and resumed gives the same bits",
  (engine) => assertResumes(engine, [[1], [2, 3], [5]]),
);

Deno.test("the strips of one step are averaged, the next step takes the next ones", async () => {
  const twice = await run(new ReferenceEngine(), { changes: { steps: 2 } });
  const once = await run(new ReferenceEngine(), { changes: { steps: 4, accumulate: 1 } });
  assertEquals(twice.last.run!.position, once.last.run!.position);
  assertNotEquals(twice.last.parameters, once.last.parameters);
});

Deno.test("checkpoints are saved every so many steps, at the end, and where an evaluation is the best", async () => {
  const { saved, evaluations, summary } = await run(new ReferenceEngine(), {
    changes: { saveEvery: 4, steps: 7, learningRate: 0 },
    evaluates: true,
  });
  assertEquals(evaluations, [2, 4, 6, 7]);
  // With a rate of 0 the first evaluation stays the best.
  assertEquals(saved.map(({ checkpoint, best }) => [checkpoint.run!.step, best]), [[2, true], [4, false], [
    7,
    false,
  ]]);
  assertEquals(summary.best!.step, 2);
  assert(saved.every(({ checkpoint }) => checkpoint.run!.best?.step === 2));
});

Deno.test("a resumed run remembers the best evaluation", () =>
  inTempFolder(async (folder) => {
    const changes = { learningRate: 0 };
    await run(new ReferenceEngine(), { changes, folder, evaluates: true, stopAfter: 3 });
    const { summary, saved } = await run(new ReferenceEngine(), {
      changes,
      folder,
      evaluates: true,
      resume: true,
    });
    assertEquals(summary.best!.step, 2);
    assert(saved.every(({ best }) => !best));
  }));

Deno.test("every step is told once and in order, also by a run that is stopped", async () => {
  const { steps, last } = await run(new ReferenceEngine(), { stopAfter: 5 });
  assertEquals(steps.map(({ step }) => step), [1, 2, 3, 4, 5]);
  assertEquals(last.run!.step, 5);
});

Deno.test("a run whose steps are done, or that is stopped before the first, saves nothing", () =>
  inTempFolder(async (folder) => {
    const changes = { steps: 1 };
    await run(new ReferenceEngine(), { folder, changes });
    const done = await run(new ReferenceEngine(), { folder, changes, resume: true });
    assertEquals([done.saved, done.summary], [[], { step: 1, stopped: false }]);
    const stopped = await run(new ReferenceEngine(), { stopAfter: 0 });
    assertEquals([stopped.saved, stopped.summary], [[], { step: 0, stopped: true }]);
  }));

Deno.test("a file that cannot be read any more ends the run with its error, and loses no step", async () => {
  let reads = 0;
  const failing: SampleSource = {
    ...training,
    read: (...how) => ++reads > 12 ? Promise.reject(new Error("Cannot read it")) : training.read(...how),
  };
  const told = { saved: [], steps: [] as StepMetrics[] };
  await assertRejects(() => run(new ReferenceEngine(), { source: failing }, told), Error, "Cannot read it");
  const [saved] = told.saved as Told["saved"];
  assert(saved !== undefined && told.steps.length > 0);
  assertEquals(saved.checkpoint.run!.step, told.steps.length);
  const { last } = await run(new ReferenceEngine(), { stopAfter: told.steps.length });
  assertEquals(stateOf(saved.checkpoint), stateOf(last));
});

/** Samples of files of which some vanish after so many reads. */
function vanishing(vanishes: (path: string) => boolean, afterReads: number): SampleSource {
  const files = memorySource([40, 3, 0, 17, 9, 25, 8], 1);
  let reads = 0;
  return fileSamples({
    files: files.files,
    read: (index) =>
      ++reads > afterReads && vanishes(files.files[index]!.path)
        ? Promise.reject(new Error("It has gone"))
        : files.read(index),
  });
}

Deno.test("a run goes on without a file that vanished, stopped and resumed with the same bits", () =>
  inTempFolder(async (folder) => {
    const source = () => vanishing((path) => path === "file3.bin", 0);
    const whole = await run(new ReferenceEngine(), { source: source() });
    assertEquals(whole.last.run!.step, 6);
    assert(whole.unreadable.length >= 2 && whole.unreadable.every((path) => path === "file3.bin"));
    assertNotEquals(whole.last.parameters, (await run(new ReferenceEngine(), {})).last.parameters);
    await run(new ReferenceEngine(), { source: source(), folder, stopAfter: 3 });
    const { last } = await run(new ReferenceEngine(), { source: source(), folder, resume: true });
    assertEquals(stateOf(last), stateOf(whole.last));
  }));

Deno.test("a run whose files have all gone ends with an error, and is kept up to there", async () => {
  const told = { saved: [], steps: [] as RunStep[], unreadable: [] as string[] };
  await assertRejects(
    () => run(new ReferenceEngine(), { source: vanishing(() => true, 12) }, told),
    UnreadableFileError,
    "Cannot go on without files: none of the 7 can be read any more. It has gone",
  );
  assertEquals(new Set(told.unreadable).size, 7);
  const [saved] = told.saved as Told["saved"];
  assertEquals(saved!.checkpoint.run!.step, told.steps.length);
});

Deno.test("one of two ranks that fails by itself asks nothing more of the other, which knows nothing of it", async () => {
  let reads = 0;
  const failing: SampleSource = {
    ...training,
    read: (...how) => ++reads > 2 ? Promise.reject(new Error("Cannot read it")) : training.read(...how),
  };
  const calls: string[][] = [[], []];
  const ranks = ranksInProcess(2).map((communicator): Communicator => {
    const told = <T>(name: string, call: T): T => (calls[communicator.rank]!.push(name), call);
    return {
      ...communicator,
      allReduceSum: (values) => told("sum", communicator.allReduceSum(values)),
      reduceSum: (values, root) => told(`sum for ${root}`, communicator.reduceSum(values, root)),
      broadcast: (values, root) => told(`broadcast of ${root}`, communicator.broadcast(values, root)),
    };
  });
  const events: RunEvents = {
    onSteps() {},
    onEvaluation() {},
    onUnreadable() {},
    save: () => Promise.resolve(),
  };
  const [waiting, failed] = ranks.map(async (communicator) => {
    const plan = trainingPlan(config, smallCapacity, { shard: communicator });
    const trainer = await Trainer.create(new ReferenceEngine(), config, plan, communicator);
    const source = communicator.rank === 1 ? failing : training;
    const data = { training: source, evaluation: [], patchCapacity: smallCapacity };
    return await trainingRun(trainer, data, events);
  });
  let settled = false;
  void waiting!.finally(() => settled = true);
  await assertRejects(() => failed!, Error, "Cannot read it");
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert(calls[1]!.length > 4 && !settled, `${calls[1]!.length} calls`);
  assertEquals(calls[0], [...calls[1]!, "sum"]);
});

Deno.test("an evaluation whose loss is no number is told, and never the best", async () => {
  let reads = 0;
  // Of the first evaluation nothing is scored.
  const heldOut: SampleSource = {
    ...evaluation,
    read: async (...how) => ({
      ...await evaluation.read(...how),
      ...(++reads <= evaluation.count && { givenPatches: 100 }),
    }),
  };
  await inTempFolder(async (folder) => {
    const changes = { saveEvery: 2 };
    const { summary, evaluations, saved } = await run(new ReferenceEngine(), {
      ...{ changes, evaluates: true, heldOut, folder },
    });
    assertEquals(evaluations, [2, 4, 6]);
    assertEquals([saved[0]!.best, saved[0]!.checkpoint.run!.best], [false, undefined]);
    assert(summary.best!.step >= 4 && Number.isFinite(summary.best!.lossNats));
    assertEquals((await loadCheckpoint(folder)).checkpoint.run!.best, summary.best);
  });
});

/** So high a rate that the first step throws the weights far out. */
const farOut = { learningRate: 1e38, warmup: 0, maxGradientNorm: 0 };

Deno.test("a loss that is no number ends the run before anything is saved, with the files and the tensor", async () => {
  const told = { saved: [], steps: [] as StepMetrics[] };
  const { message } = await assertRejects(
    () => run(new ReferenceEngine(), { changes: farOut }, told),
    RangeError,
    "go on from the last checkpoint with a lower learning rate, or drop such steps",
  );
  assertMatch(
    message,
    /^Stopped at step 2: the loss is Infinity and the gradient norm Infinity; the first bad tensor is "patch\./,
  );
  assertMatch(message, /; the step was on file\d\.bin/);
  assertEquals([told.saved, told.steps.map(({ step }) => step)], [[], [1]]);
});

Deno.test("a run that drops bad steps ends where no good one comes", async () => {
  const told = { saved: [], steps: [] as RunStep[] };
  const changes = { ...farOut, steps: 20 };
  await assertRejects(
    () => run(new ReferenceEngine(), { changes, dropsBadSteps: true }, told),
    RangeError,
    "Stopped at step 11: the loss is Infinity",
  );
  assertEquals(told.saved, []);
  assertEquals(told.steps.map(({ dropped, bad }) => [dropped, bad?.step]), [
    [false, undefined],
    ...Array.from({ length: 9 }, (_, i) => [true, i + 2]),
  ]);
});

Deno.test("weights that are no numbers after a good step are not saved", async () => {
  const told = { saved: [], steps: [] };
  const changes = { ...farOut, learningRate: 1e39, saveEvery: 1 };
  await assertRejects(
    () => run(new ReferenceEngine(), { changes }, told),
    RangeError,
    "Stopped at step 1: the parameter of ",
  );
  assertEquals(told.saved, []);
});
