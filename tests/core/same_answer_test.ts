/**
 * The same answer everywhere, over a long stretch: every engine beside the f64 reference, and the cpu engine beside itself
 * with other numbers of threads.
 */
import { assertEquals, assertLess } from "@std/assert";
import {
  type Config,
  meanLossNats,
  packStrip,
  RandomStream,
  type Strip,
  Trainer,
  trainingPlan,
} from "@bgpt/core";
import { CpuEngine, type Engine, ReferenceEngine } from "@bgpt/kernels";
import { engineTest } from "../engines.ts";
import { assertClose } from "../kernels/compare.ts";
import { smallCapacity, smallConfig } from "./small_checkpoint.ts";

const steps = 200;
const config: Config = { ...smallConfig, steps, warmup: 10, learningRate: 1e-3, dropout: 0.1 };

/** A file of one step after another from a seeded start: something to learn. */
function stripAt(step: number): Strip {
  const random = new RandomStream(1, step);
  const start = random.below(256);
  const tokens = Uint16Array.from({ length: 7 * config.patchSize }, (_, i) => (start + 3 * i) % 256);
  return packStrip([{ tokens }], smallCapacity, config.patchSize);
}

/** The loss of every step, nats, and the weights at the end. */
async function trained(engine: Engine): Promise<{ losses: number[]; parameters: Float32Array }> {
  const trainer = await Trainer.create(engine, config, trainingPlan(config, smallCapacity));
  const losses: number[] = [];
  for (let step = 1; step <= steps; step++) {
    trainer.train([stripAt(step)]);
    if (trainer.mustReport || step === steps) {
      losses.push(...(await trainer.metrics()).map(({ totals }) => meanLossNats(totals)));
    }
  }
  const { parameters } = await trainer.state();
  trainer.destroy();
  return { losses, parameters };
}

const reference = trained(new ReferenceEngine());

/**
 * f32 rounds each number to 6e-8 of it; AdamW divides by the root of the squared gradient's mean, so where a gradient is
 * next to nothing, its rounding moves the weight by up to the rate. Measured were 1.5e-7 and 5e-6 at most (gpu, cpu and
 * strict cpu, software Vulkan, two cores, 2026-11-23); other adapters sum in other orders.
 */
const lossTolerance = { absolute: 0, relative: 1e-5 };
const weightTolerance = 1e-4;

engineTest(`${steps} training steps follow the f64 reference in losses and weights`, async (engine) => {
  const [actual, expected] = [await trained(engine), await reference];
  assertEquals(actual.losses.length, steps);
  assertClose(actual.losses, expected.losses, lossTolerance, "losses");
  const difference = actual.parameters.map((value, i) => value - expected.parameters[i]!);
  assertLess(norm(difference) / norm(expected.parameters), weightTolerance);
  // It has learnt: weights that hardly move would agree, too.
  assertLess(expected.losses.at(-1)!, expected.losses[0]! - 1);
});

function norm(values: Float32Array): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0));
}

Deno.test(`${steps} training steps have the same bits on 1, 2 and 3 threads`, async () => {
  const results = [];
  for (const threads of [1, 2, 3]) {
    const engine = await CpuEngine.create({ threads });
    results.push(await trained(engine));
    engine.destroy();
  }
  assertEquals(results[1], results[0]);
  assertEquals(results[2], results[0]);
});
