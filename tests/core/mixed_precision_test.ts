/**
 * Mixed precision beside f32 on the same device. Where it has tensor cores products run on them:
 *
 *     ../shared/tools/modern-vulkan.sh env GALLIVM_PERF=nopt BGPT_TEST_WEBGPU=dawn \
 *       deno test -A tests/core/mixed_precision_test.ts
 */
import { assert, assertEquals, assertLess, assertMatch } from "@std/assert";
import {
  type Checkpoint,
  type Config,
  meanLossNats,
  packStrip,
  presets,
  RandomStream,
  type RunStep,
  type Strip,
  Trainer,
  trainingOptions,
  trainingPlan,
  trainingRun,
} from "@bgpt/core";
import { encodeStep, firstLossScale, GpuEngine, planMemory, whyNotMixed } from "@bgpt/kernels";
import { gpu } from "../gpu.ts";
import { memorySamples } from "./memory_source.ts";
import { smallCapacity, smallConfig } from "./small_checkpoint.ts";

const config: Config = { ...smallConfig, steps: 100, warmup: 4, learningRate: 2e-3, dropout: 0.1 };

const reason = gpu === undefined ? "needs a WebGPU adapter" : whyNotMixed(gpu.gpu);
const mixed = reason === undefined ? new GpuEngine(gpu!.gpu, { precision: "mixed" }) : undefined;

/** Registers a test that needs half precision. */
function mixedTest(name: string, run: (mixed: GpuEngine, f32: GpuEngine) => Promise<void>): void {
  Deno.test({
    name: reason === undefined ? name : `${name} (${reason})`,
    ignore: reason !== undefined,
    // The device outlives each test on purpose.
    sanitizeResources: false,
    sanitizeOps: false,
    fn: () => run(mixed!, gpu!),
  });
}

function planFor(engine: GpuEngine) {
  return trainingPlan(config, smallCapacity, trainingOptions(engine));
}

/** A file of one step after another from a seeded start: something to learn. */
function stripAt(step: number): Strip {
  const start = new RandomStream(1, step).below(256);
  const tokens = Uint16Array.from({ length: 7 * config.patchSize }, (_, i) => (start + 3 * i) % 256);
  return packStrip([{ tokens }], smallCapacity, config.patchSize);
}

async function trainerOf(engine: GpuEngine): Promise<Trainer> {
  return await Trainer.create(engine, config, planFor(engine));
}

/** A forward and backward pass from fresh weights: the gradient of every parameter, without the loss's scale. */
async function gradientsOf(
  engine: GpuEngine,
): Promise<{ loss: number; gradients: Map<string, Float32Array> }> {
  const plan = planFor(engine);
  const trainer = await trainerOf(engine);
  const { parameters } = await trainer.state();
  trainer.destroy();
  const execution = await engine.prepare(plan.plan);
  execution.write(plan.model.parameters, parameters);
  if (plan.lossScaling !== undefined) execution.write(plan.lossScaling, Float32Array.of(firstLossScale, 0));
  const weight = plan.write(execution, stripAt(1));
  execution.write(
    plan.model.step,
    encodeStep({ dropoutRate: 0.1, dropoutSeed: 5, lossScale: 1 / weight }),
  );
  execution.run("clear", "forward", "backward");
  const [loss] = await execution.readFloats(plan.lossSums);
  const scale = plan.lossScaling === undefined ? 1 : firstLossScale;
  const gradients = new Map<string, Float32Array>();
  for (const { name } of plan.model.table.parameters) {
    const values = await execution.readFloats(plan.gradient(name));
    gradients.set(name, values.map((value) => value / scale));
  }
  execution.destroy();
  return { loss: loss!, gradients };
}

const norm = (values: Float32Array) => Math.hypot(...values);

mixedTest("a gradient in mixed precision is that of f32 but for what f16 rounds", async (mixed, f32) => {
  const [actual, expected] = [await gradientsOf(mixed), await gradientsOf(f32)];
  // f16 keeps 11 bits, 5e-4 of a number; a dozen roundings on the way from the loss to a weight make up to 9e-4 here (2026-11-23).
  const tolerance = 2e-3;
  assertLess(Math.abs(actual.loss / expected.loss - 1), 1e-4);
  for (const [name, gradient] of expected.gradients) {
    const difference = actual.gradients.get(name)!.map((value, i) => value - gradient[i]!);
    assert(norm(difference) <= tolerance * norm(gradient), name);
  }
});

mixedTest("losses in mixed precision follow f32's, with the same bits twice", async (mixed, f32) => {
  const steps = 40;
  const train = async (engine: GpuEngine) => {
    const trainer = await trainerOf(engine);
    for (let step = 1; step <= steps; step++) trainer.train([stripAt(step)]);
    const metrics = await trainer.metrics();
    const { parameters } = await trainer.state();
    trainer.destroy();
    assert(metrics.every(({ dropped }) => !dropped));
    return { losses: metrics.map(({ totals }) => meanLossNats(totals)), parameters };
  };
  const [actual, expected] = [await train(mixed), await train(f32)];
  const off = actual.losses.map((loss, i) => Math.abs(loss / expected.losses[i]! - 1));
  assertLess(expected.losses.at(-1)!, 0.95 * expected.losses[0]!); // or it would have learnt nothing
  assertLess(Math.max(...off), 0.01);
  assertEquals((await train(mixed)).parameters, actual.parameters);
});

mixedTest("a run goes on with the same bits from its weights, moments and loss scale", async (mixed) => {
  const straight = await trainerOf(mixed);
  straight.restore({ ...await straight.state(), lossScaling: { scale: 512, goodSteps: 1998 } });
  for (let step = 1; step <= 2; step++) straight.train([stripAt(step)]);
  const middle = await straight.state();
  assertEquals(middle.lossScaling, { scale: 1024, goodSteps: 0 });
  for (let step = 3; step <= 4; step++) straight.train([stripAt(step)]);
  const end = await straight.state();
  straight.destroy();
  assertEquals(end.lossScaling, { scale: 1024, goodSteps: 2 });

  const resumed = await trainerOf(mixed);
  resumed.restore(middle);
  for (let step = 3; step <= 4; step++) resumed.train([stripAt(step)]);
  assertEquals(await resumed.state(), end);
  resumed.destroy();
});

mixedTest(
  "a loss scaled beyond f16 leaves steps out until it is small enough, and that is no bad step",
  async (mixed) => {
    const trainer = await trainerOf(mixed);
    const fresh = await trainer.state();
    trainer.restore({ ...fresh, lossScaling: { scale: 2 ** 24, goodSteps: 7 } });
    for (let step = 1; step <= 12; step++) trainer.train([stripAt(step)]);
    const metrics = await trainer.metrics();
    const { parameters, lossScaling } = await trainer.state();
    trainer.destroy();
    const overflows = metrics.filter(({ overflowed }) => overflowed).length;
    assert(overflows >= 1 && overflows < 12, `${overflows} steps overflowed`);
    for (const [i, { overflowed, dropped, lossScale, gradientNorm }] of metrics.entries()) {
      assertEquals([overflowed, dropped], [i < overflows, i < overflows]);
      assertEquals(lossScale, 2 ** (24 - Math.min(i, overflows)));
      assertEquals(Number.isFinite(gradientNorm), !overflowed);
    }
    assertEquals(lossScaling, { scale: 2 ** (24 - overflows), goodSteps: 12 - overflows });
    assert(parameters.some((value, i) => value !== fresh.parameters[i]));

    const stopped = await trainerOf(mixed);
    stopped.restore({ ...fresh, lossScaling: { scale: 2 ** 24, goodSteps: 7 } });
    for (let step = 1; step <= overflows; step++) stopped.train([stripAt(step)]);
    const { parameters: kept, moment1, moment2 } = await stopped.state();
    stopped.destroy();
    assertEquals([kept, moment1, moment2], [fresh.parameters, fresh.moment1, fresh.moment2]);
  },
);

mixedTest(
  "a run takes no overflow for a bad step, and goes on from its checkpoint with the same bits",
  async (mixed) => {
    const training = memorySamples([40, 3, 17, 9, 25], 1);
    const run = async (steps: number, from?: Checkpoint) => {
      const own = { ...config, batch: 1, steps };
      const trainer = await Trainer.create(
        mixed,
        own,
        trainingPlan(own, smallCapacity, trainingOptions(mixed)),
      );
      const start = await trainer.state();
      trainer.restore(from?.optimizer ?? { ...start, lossScaling: { scale: 2 ** 27, goodSteps: 0 } });
      const told: RunStep[] = [];
      let saved: Checkpoint | undefined;
      await trainingRun(trainer, { training, evaluation: [], patchCapacity: smallCapacity }, {
        onSteps: (steps) => void told.push(...steps),
        onEvaluation() {},
        onUnreadable() {},
        save: (checkpoint) => Promise.resolve(void (saved = checkpoint)),
      }, from?.run);
      trainer.destroy();
      return { told, saved: saved! };
    };
    const whole = await run(12);
    assert(whole.told[0]!.overflowed && !whole.told[11]!.overflowed);
    assert(whole.told.every(({ bad }) => bad === undefined));
    const { optimizer, run: state } = (await run(12, (await run(2)).saved)).saved;
    assertEquals([optimizer, state], [whole.saved.optimizer, whole.saved.run]);
  },
);

mixedTest(
  "a gradient that is no number with the loss as it is makes a bad step, whose tensor is found",
  async (mixed) => {
    const trainer = await trainerOf(mixed);
    const state = await trainer.state();
    const { offset, length } = trainer.plan.model.table.parameters.find(({ name }) =>
      name.includes("c_fc.weight")
    )!;
    const parameters = state.parameters.slice();
    parameters.fill(1e30, offset, offset + length); // beyond f16, and finite
    trainer.restore({ ...state, parameters, lossScaling: { scale: 4, goodSteps: 0 } });
    for (let step = 1; step <= 4; step++) trainer.train([stripAt(step)]);
    const metrics = await trainer.metrics();
    assertEquals(metrics.map(({ lossScale }) => lossScale), [4, 2, 1, 1]);
    assertEquals(metrics.map(({ overflowed }) => overflowed), [true, true, false, false]);
    assertEquals(metrics.map(({ dropped }) => dropped), [true, true, true, true]);
    const bad = await trainer.diagnose(3, [{ strips: [stripAt(3)], lossWeight: 1 }]);
    trainer.destroy();
    assertMatch(bad!.tensor, /^patch\.0\.(preGelu|inner)$/);
  },
);

mixedTest(
  "f16 is what products and attention read and write; sums, statistics and weights stay f32",
  async (mixed, f32) => {
    const { plan } = planFor(mixed);
    const halves = (engine: GpuEngine) =>
      new Set(engine.memoryOf(plan).slotOf.keys().filter(({ type }) => type === "f16"));
    const names = Array.from(halves(mixed), ({ name }) => name);
    for (const part of ["qkv", "attended", "preGelu", "inner", "ln_1.y", "dPreGelu", "dQkv", "mlp.c_fc.dX"]) {
      assert(names.includes(`byte.0.${part}`), part);
    }
    const f32Names =
      /embedded|sum$|dStream|mean|rstd|logSumExp|logits|loss|norm$|scratch|gradients|moment|step/;
    for (const name of names.filter((name) => name !== "parameters.f16")) {
      assert(!f32Names.test(name), `"${name}" is stored as f16`);
    }
    assert(names.includes("parameters.f16"));
    assertEquals(halves(f32).size, 0);
    const large = trainingPlan(presets.tiny, 256, trainingOptions(mixed)).plan;
    assertLess(mixed.memoryOf(large).bytesByRole.activation, 0.65 * planMemory(large).bytesByRole.activation);
    await Promise.resolve();
  },
);
