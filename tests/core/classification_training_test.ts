/** Training of classifiers, on every engine: it learns, is repeatable, and follows the reference. */
import { assert, assertEquals, assertLess, assertNotEquals } from "@std/assert";
import {
  accuracy,
  classificationTrainingPlan,
  classifiedFiles,
  type Config,
  meanLossNats,
  packStrip,
  RandomStream,
  type Strip,
  Trainer,
} from "@bgpt/core";
import { type Engine, ReferenceEngine } from "@bgpt/kernels";
import { engineTest } from "../engines.ts";
import { assertClose } from "../kernels/compare.ts";
import { smallCapacity, smallConfig } from "./small_checkpoint.ts";

const config: Config = {
  ...smallConfig,
  warmup: 2,
  schedule: "constant",
  learningRate: 3e-3,
  dropout: 0.1,
};

/** Three files of random bytes and of classes 2, 0 and 1, and a patch of padding. */
function stripOf(seed: number, labels: readonly (number | undefined)[] = [2, 0, 1]): Strip {
  const random = new RandomStream(seed);
  const samples = [3, 2, 2].map((patches, index) => {
    const tokens = Uint16Array.from({ length: patches * config.patchSize }, () => random.below(256));
    const label = labels[index];
    return { tokens, ...(label !== undefined && { label }) };
  });
  return packStrip(samples, smallCapacity, config.patchSize);
}

async function trained(engine: Engine, strips: readonly Strip[], changes: Partial<Config> = {}) {
  const own = { ...config, ...changes };
  const trainer = await Trainer.create(engine, own, classificationTrainingPlan(own, smallCapacity, 3));
  for (const strip of strips) trainer.train([strip]);
  const metrics = await trainer.metrics();
  const state = await trainer.state();
  const { totals } = await trainer.evaluate((async function* () {
    yield await Promise.resolve({ strip: strips[0]! });
  })());
  trainer.destroy();
  return { metrics, state, totals };
}

function everyEngineTest(name: string, run: (engine: Engine) => Promise<void>): void {
  Deno.test(`reference: ${name}`, () => run(new ReferenceEngine()));
  engineTest(name, run);
}

everyEngineTest("the classes of three files are learnt by heart", async (engine) => {
  const { metrics, totals } = await trained(engine, Array(25).fill(stripOf(1)));
  const first = meanLossNats(metrics[0]!.totals);
  assert(first > 0.8 && first < 1.5, `the first loss is ${first}, about ln 3 was to be expected`);
  assertLess(meanLossNats(totals), 0.02);
  assertEquals([totals.positions, totals.correct, accuracy(totals), totals.bytes], [3, 3, 1, 0]);
});

everyEngineTest(
  "the same seed gives the same classifier bit for bit, another seed another",
  async (engine) => {
    const strips = [stripOf(1), stripOf(2)];
    const { state } = await trained(engine, strips);
    assertEquals((await trained(engine, strips)).state, state);
    assertNotEquals((await trained(engine, strips, { seed: 1 })).state.parameters, state.parameters);
  },
);

engineTest("training classes follows the reference engine", async (engine) => {
  const strips = [stripOf(1), stripOf(2), stripOf(1)];
  const losses = async (engine: Engine) =>
    (await trained(engine, strips)).metrics.map(({ totals }) => meanLossNats(totals));
  const expected = await losses(new ReferenceEngine());
  assertClose(await losses(engine), expected, { absolute: 0, relative: 1e-4 }, "losses");
});

Deno.test("a file without a label is in no loss and moves nothing", async () => {
  const { metrics: [step] } = await trained(new ReferenceEngine(), [stripOf(1, [2, undefined, 1])]);
  assertEquals(step!.totals.positions, 2);
  const { metrics: [none], state } = await trained(new ReferenceEngine(), [stripOf(1, [])], { decay: "all" });
  assertEquals([none!.totals.positions, none!.gradientNorm], [0, 0]);
  assert(state.moment1.every((value) => value === 0));
});

Deno.test("a plan has room for as many files as patches allow", () => {
  assertEquals([2, 3, 8, 9].map(classifiedFiles), [1, 1, 4, 4]);
});
