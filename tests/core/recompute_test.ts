import { assert, assertEquals, assertLess } from "@std/assert";
import {
  classificationTrainingPlan,
  type Config,
  presets,
  type TrainedPlan,
  Trainer,
  trainingPlan,
} from "@bgpt/core";
import { type Engine, planMemory, ReferenceEngine } from "@bgpt/kernels";
import { cpu, engineTest } from "../engines.ts";
import { smallCapacity, smallConfig, smallStrip } from "./small_checkpoint.ts";

const config: Config = {
  ...smallConfig,
  patchLayers: 2,
  byteLayers: 2,
  dropout: 0.1,
  warmup: 1,
  accumulate: 2,
};

/** Rows that are rotated, in place, before a block attends to them, and bytes that see those of patches before. */
const windowed: Config = {
  ...config,
  ...{
    byteHidden: 128,
    byteWindow: 6,
    byteGlobalHeads: 1,
    ngramRows: 16,
    byteConvolution: 5,
    positions: "rotary",
  },
};

/** Weights and moments after two steps of two strips each. */
async function trained(engine: Engine, plan: TrainedPlan, config: Config) {
  const trainer = await Trainer.create(engine, config, plan);
  for (const step of [1, 2]) trainer.train([smallStrip(2 * step), smallStrip(2 * step + 1)]);
  const state = await trainer.state();
  trainer.destroy();
  return state;
}

const plans = (recompute: boolean, own = config) => ({
  bytes: trainingPlan(own, smallCapacity, { recompute }),
  classes: classificationTrainingPlan(own, smallCapacity, 2, { recompute }),
});

async function testSameBits(engine: Engine, own = config): Promise<void> {
  const [kept, again] = [plans(false, own), plans(true, own)];
  for (const task of ["bytes", "classes"] as const) {
    assertEquals(await trained(engine, again[task], own), await trained(engine, kept[task], own), task);
  }
}

Deno.test("reference: blocks that are computed again give the same bits, dropout among them", () =>
  testSameBits(new ReferenceEngine()));
engineTest("blocks that are computed again give the same bits, dropout among them", testSameBits);

for (const engine of [new ReferenceEngine(), cpu]) {
  Deno.test({
    name: `${engine.name}: blocks with rotation and a window that are computed again give the same bits`,
    // The cpu engine outlives each test on purpose.
    sanitizeResources: false,
    sanitizeOps: false,
    fn: () => testSameBits(engine, windowed),
  });
}

Deno.test("only what a block needs is computed again, once, and the backward pass reads nothing else of it", () => {
  const [kept, again] = [plans(false).bytes.plan, plans(true).bytes.plan];
  const labels = (plan: typeof kept) => plan.programs.get("backward")!.map(({ label }) => label);
  const added = labels(again).filter((label) => label.endsWith(".again"));
  assertEquals(labels(again).filter((label) => !label.endsWith(".again")), labels(kept));
  assertEquals(new Set(added).size, added.length);
  const parts = ["ln_1", "qkv", "attention", "projection", "projection.dropout", "ln_2", "expand"];
  for (const block of ["patch.0", "patch.1", "byte.0", "byte.1"]) {
    for (const part of parts) assert(added.includes(`${block}.${part}.again`), `${block}.${part}`);
  }
  assertEquals(added.length, 4 * parts.length);
  for (const { operands } of again.programs.get("backward")!) {
    for (const { storage } of Object.values(operands)) assert(!/\.(qkv|preGelu|inner)$/.test(storage.name));
  }
});

Deno.test("a deep model takes less memory for a fifth more of arithmetic", () => {
  const { base } = presets;
  const [kept, again] = [false, true].map((recompute) =>
    trainingPlan(base, 4 * base.patchLength, { recompute }).plan
  ) as [TrainedPlan["plan"], TrainedPlan["plan"]];
  const flops = ({ programs }: typeof kept) =>
    [...programs.values()].flat().reduce((sum, { kernel, shape }) => sum + kernel.cost(shape).flops, 0);
  const activations = (plan: typeof kept) => planMemory(plan).bytesByRole.activation;
  assertLess(activations(again), 0.6 * activations(kept));
  assertLess(flops(again), 1.25 * flops(kept));
});
