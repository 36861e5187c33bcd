import { assert, assertEquals, assertLess, assertNotEquals } from "@std/assert";
import {
  type Config,
  initialParameters,
  meanLossNats,
  parameterTable,
  type StepMetrics,
  type Strip,
  Trainer,
  trainingPlan,
} from "@bgpt/core";
import { type Engine, ReferenceEngine } from "@bgpt/kernels";
import { engineTest } from "../engines.ts";
import { assertClose } from "../kernels/compare.ts";
import { smallCapacity, smallConfig, smallStrip } from "./small_checkpoint.ts";

const patchCapacity = smallCapacity;
const config: Config = {
  ...smallConfig,
  steps: 100,
  warmup: 4,
  schedule: "constant",
  learningRate: 3e-3,
  dropout: 0.1,
};

function trainerOf(engine: Engine, own: Config): Promise<Trainer> {
  return Trainer.create(engine, own, trainingPlan(own, patchCapacity));
}

async function* strips(...all: Strip[]): AsyncGenerator<{ strip: Strip }> {
  for (const strip of all) yield await Promise.resolve({ strip });
}

/** Registers a test on the reference engine and on every other. */
function everyEngineTest(name: string, run: (engine: Engine) => Promise<void>): void {
  Deno.test(`reference: ${name}`, () => run(new ReferenceEngine()));
  engineTest(name, run);
}

/** Trains on these strips, one after the other, and returns everything that a resumed run needs. */
async function trained(engine: Engine, changes: Partial<Config>, batches: readonly (readonly Strip[])[]) {
  const trainer = await trainerOf(engine, { ...config, ...changes });
  for (const batch of batches) trainer.train(batch);
  const metrics = await trainer.metrics();
  const state = await trainer.state();
  trainer.destroy();
  return { metrics, state };
}

Deno.test("training starts from tables of bytes as the configuration says", async () => {
  for (const byteTables of ["random", "bits"] as const) {
    const { state } = await trained(new ReferenceEngine(), { byteTables }, []);
    assertEquals(state.parameters, initialParameters(parameterTable(config), config.seed, byteTables));
  }
});

everyEngineTest("overfitting one batch drives the loss to 0", async (engine) => {
  const strip = smallStrip(1);
  // Next to no dropout rather than none, which would be another plan: see smallConfig.
  const changes = { learningRate: 1e-2, dropout: 1e-9 };
  const { metrics } = await trained(engine, changes, Array(60).fill([strip]));
  const losses = metrics.map(({ totals }) => meanLossNats(totals));
  assert(
    losses[0]! > 5 && losses[0]! < 6.5,
    `the first loss is ${losses[0]}, about ln 257 was to be expected`,
  );
  assertLess(losses.at(-1)!, 0.01);
});

everyEngineTest("the same seed gives the same bits twice, another seed others", async (engine) => {
  const batches = [[smallStrip(1)], [smallStrip(2)], [smallStrip(3)]];
  const { state } = await trained(engine, {}, batches);
  assertEquals((await trained(engine, {}, batches)).state, state);
  assertNotEquals(
    (await trained(engine, { seed: 1 }, batches)).state.parameters,
    state.parameters,
  );
});

everyEngineTest("evaluation between steps changes nothing that training sees", async (engine) => {
  const batches = [[smallStrip(1), smallStrip(2)], [smallStrip(3), smallStrip(4)], [
    smallStrip(5),
    smallStrip(6),
  ]];
  const changes = { accumulate: 2 };
  const { state, metrics } = await trained(engine, changes, batches);
  const trainer = await trainerOf(engine, { ...config, ...changes });
  for (const batch of batches) {
    await trainer.evaluate(strips(smallStrip(7), smallStrip(8)));
    trainer.train(batch);
  }
  await trainer.evaluate(strips(smallStrip(7)));
  assertEquals(await trainer.metrics(), metrics);
  assertEquals(await trainer.state(), state);
  trainer.destroy();
});

Deno.test("evaluation has no dropout, and sums over strips", async () => {
  const trainer = await trainerOf(new ReferenceEngine(), { ...config, dropout: 0.5 });
  const plain = await trainerOf(new ReferenceEngine(), { ...config, dropout: 0 });
  const { totals: one } = await trainer.evaluate(strips(smallStrip(1)));
  const { totals: other, samples, patches } = await plain.evaluate(
    strips(smallStrip(1), smallStrip(2), smallStrip(1)),
  );
  assertEquals([samples, patches, one.positions, other.positions], [6, 21, 20, 60]);
  const { totals: second } = await plain.evaluate(strips(smallStrip(2)));
  assertClose(
    [other.lossNats],
    [2 * one.lossNats + second.lossNats],
    { absolute: 0, relative: 1e-6 },
    "loss",
  );
});

Deno.test("a step over several strips is the mean of their mean losses", async () => {
  const [one, two] = [smallStrip(1), smallStrip(2)];
  const single = await trained(new ReferenceEngine(), { dropout: 0 }, [[one]]);
  const triple = await trained(new ReferenceEngine(), { dropout: 0, accumulate: 3 }, [[one, one, one]]);
  assertClose(
    triple.state.parameters,
    single.state.parameters,
    { absolute: 1e-7, relative: 0 },
    "three equal strips",
  );
  const norm = triple.metrics[0]!.gradientNorm;
  assertClose([norm], [single.metrics[0]!.gradientNorm], { absolute: 0, relative: 1e-6 }, "gradient norm");
  const mixed = await trained(new ReferenceEngine(), { dropout: 0, accumulate: 2 }, [[one, two]]);
  assertNotEquals(mixed.state.parameters, single.state.parameters);
  const sum = (await trained(new ReferenceEngine(), { dropout: 0 }, [[two]])).metrics[0]!.totals.lossNats +
    single.metrics[0]!.totals.lossNats;
  assertClose([mixed.metrics[0]!.totals.lossNats], [sum], { absolute: 0, relative: 1e-6 }, "summed loss");
});

Deno.test("strips of one step draw dropout masks of their own", async () => {
  const strip = smallStrip(1);
  const single = await trained(new ReferenceEngine(), { dropout: 0.3 }, [[strip]]);
  const double = await trained(new ReferenceEngine(), { dropout: 0.3, accumulate: 2 }, [[strip, strip]]);
  assertNotEquals(double.metrics[0]!.totals.lossNats, 2 * single.metrics[0]!.totals.lossNats);
});

Deno.test("a step reports its number, rate, loss over every position, and the norm before clipping", async () => {
  const changes = { maxGradientNorm: 1e-3, warmup: 2 };
  const { metrics } = await trained(new ReferenceEngine(), changes, Array(4).fill([smallStrip(1)]));
  assertEquals(metrics.map(({ step }) => step), [1, 2, 3, 4]);
  assertEquals(metrics.map((step) => step.learningRate), [1.5e-3, 3e-3, 3e-3, 3e-3]);
  for (const { totals, gradientNorm } of metrics) {
    // (3 + 2) predicted patches of 4 bytes; of these the end patches are not told apart from random bytes.
    assertEquals([totals.positions, totals.bytes], [20, 20]);
    assert(gradientNorm > 0.01, `gradient norm ${gradientNorm}`);
  }
});

Deno.test("metrics of more steps than the device keeps are asked for in time", async () => {
  const strip = smallStrip(1);
  const metricsOf = async (mustReport: (trainer: Trainer) => boolean) => {
    const trainer = await trainerOf(new ReferenceEngine(), config);
    const metrics: StepMetrics[] = [];
    for (let step = 1; step <= 70; step++) {
      trainer.train([strip]);
      if (mustReport(trainer)) metrics.push(...await trainer.metrics());
    }
    return [...metrics, ...await trainer.metrics()];
  };
  const metrics = await metricsOf((trainer) => trainer.mustReport);
  assertEquals(metrics.map(({ step }) => step), Array.from({ length: 70 }, (_, i) => i + 1));
  assertEquals(metrics, await metricsOf(() => true));
});

everyEngineTest(
  "with a parameter that is no number, steps are dropped and leave weights and moments as they were",
  async (engine) => {
    const { state } = await trained(engine, {}, [[smallStrip(1)]]);
    const { offset } = parameterTable(config).parameters.at(-1)!;
    for (const value of [NaN, Infinity]) {
      const broken = { ...state, parameters: state.parameters.slice() };
      broken.parameters[offset] = value;
      const trainer = await trainerOf(engine, config);
      trainer.restore(broken);
      trainer.train([smallStrip(2)]);
      trainer.train([smallStrip(3)]);
      const metrics = await trainer.metrics();
      assertEquals(metrics.map(({ step, dropped }) => [step, dropped]), [[2, true], [3, true]]);
      assert(metrics.every(({ totals }) => Number.isNaN(totals.lossNats)));
      const { parameters, moment1, moment2 } = await trainer.state();
      assertEquals(parameters.join(), broken.parameters.join());
      assertEquals([moment1, moment2], [state.moment1, state.moment2]);
      trainer.destroy();
    }
  },
);

engineTest("training follows the reference engine", async (engine) => {
  const batches = [[smallStrip(1)], [smallStrip(2)], [smallStrip(3)], [smallStrip(1)]];
  const losses = async (engine: Engine) =>
    (await trained(engine, {}, batches)).metrics.map(({ totals }) => meanLossNats(totals));
  const expected = await losses(new ReferenceEngine());
  assertClose(await losses(engine), expected, { absolute: 0, relative: 1e-4 }, "losses");
});
