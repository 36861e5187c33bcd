import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import fc from "../../fast_check.ts";
import {
  type Communicator,
  type Config,
  lossWeightOf,
  type OptimizerState,
  packStrip,
  RandomStream,
  Trainer,
  trainingOptions,
  trainingPlan,
} from "@bgpt/core";
import { type Engine, GpuEngine, planMemory, ReferenceEngine, whyNotMixed } from "@bgpt/kernels";
import { cutAtOwners, partBounds } from "../../../core/distributed/optimizer_part.ts";
import { engineTest } from "../../engines.ts";
import { gpu } from "../../gpu.ts";
import { smallCapacity, smallConfig } from "../small_checkpoint.ts";
import { ranksInProcess } from "./ranks_in_process.ts";

const config: Config = {
  ...smallConfig,
  ...{ steps: 100, warmup: 1, schedule: "constant", learningRate: 3e-3, dropout: 0 },
};
const steps = 5;

/** What rank 0 has in the end, and the norms of all steps. */
type Trained = { readonly state: OptimizerState; readonly norms: readonly number[] };

/** A strip of its own for each rank and step. */
function stripOf(rank: number, step: number) {
  const random = new RandomStream(rank, step);
  const tokens = Uint16Array.from({ length: 6 * config.patchSize }, () => random.below(256));
  return packStrip([{ tokens }], smallCapacity, config.patchSize);
}

/** Takes the steps with all ranks and returns the states of all. */
async function trained(
  engine: Engine,
  communicators: readonly Communicator[],
  shards: boolean,
  maxGradientNorm: number,
): Promise<Trained> {
  const own = { ...config, maxGradientNorm };
  const all = await Promise.all(communicators.map(async (communicator) => {
    const options = { ...trainingOptions(engine), ...(shards && { shard: communicator }) };
    const plan = trainingPlan(own, smallCapacity, options);
    const trainer = await Trainer.create(engine, own, plan, communicator);
    for (let step = 1; step <= steps; step++) {
      // One rank alone has nothing to do in the last step.
      const strips = step === steps && communicator.rank === 1 ? [] : [stripOf(communicator.rank, step)];
      const lossWeight = communicators.length * lossWeightOf([stripOf(0, step)], "bytes");
      await trainer.trainShares([{ strips, lossWeight }]);
    }
    const metrics = await trainer.metrics();
    assertEquals(metrics.filter(({ dropped }) => dropped), []);
    const norms = metrics.map(({ gradientNorm }) => gradientNorm);
    if (communicator.rank > 0) await trainer.giveMoments();
    const state = communicator.rank === 0 ? await trainer.state() : undefined;
    trainer.destroy();
    return { state, norms };
  }));
  const { state, norms } = all[0]!;
  for (const other of all) assertEquals(other.norms, norms);
  return { state: state!, norms };
}

async function bothWays(
  engine: Engine,
  maxGradientNorm: number,
): Promise<{ actual: Trained; expected: Trained }> {
  const expected = await trained(engine, ranksInProcess(3), false, maxGradientNorm);
  const actual = await trained(engine, ranksInProcess(3), true, maxGradientNorm);
  for (const [i, norm] of expected.norms.entries()) assertAlmostEquals(actual.norms[i]!, norm, 1e-6 * norm);
  return { actual, expected };
}

/** Without clipping the norm, which is summed in another order, changes nothing. */
async function checkSameBits(engine: Engine): Promise<void> {
  const { actual, expected } = await bothWays(engine, 0);
  assertEquals(actual.state, expected.state);
}

const name = "three ranks that update a part each have the weights and moments of an update of all";
Deno.test(`reference: ${name}`, () => checkSameBits(new ReferenceEngine()));
engineTest(name, checkSameBits);

Deno.test("clipping sees the norm of all parts", async () => {
  const { actual, expected } = await bothWays(new ReferenceEngine(), 0.5);
  assert(expected.norms.every((norm) => norm > 0.5));
  const norm = (values: Float32Array) => Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0));
  for (const kind of ["parameters", "moment1", "moment2"] as const) {
    const [a, b] = [actual.state[kind], expected.state[kind]];
    const difference = norm(a.map((value, i) => value - b[i]!)) / norm(b);
    assert(difference <= 1e-6, `${kind} differ by ${difference}`);
  }
});

const reason = gpu === undefined ? "needs a WebGPU adapter" : whyNotMixed(gpu.gpu);
Deno.test({
  name: `mixed precision: ${name}`,
  ignore: reason !== undefined,
  sanitizeResources: false, // The device outlives each test on purpose.
  sanitizeOps: false,
  fn: () => checkSameBits(new GpuEngine(gpu!.gpu, { precision: "mixed" })),
});

Deno.test("parts are even, aligned and cover all; an interval is cut where they meet", () => {
  const sizes = fc.record({ blocks: fc.integer({ min: 9, max: 300 }), size: fc.integer({ min: 1, max: 9 }) });
  fc.assert(fc.property(sizes, fc.nat(), fc.nat(), ({ blocks, size }, from, to) => {
    const bounds = partBounds(64 * blocks, size);
    assertEquals([bounds[0], bounds.at(-1)], [0, 64 * blocks]);
    const lengths = bounds.slice(1).map((end, rank) => (end - bounds[rank]!) / 64);
    assert(
      lengths.every((length) => length === Math.floor(blocks / size) || length === Math.ceil(blocks / size)),
    );
    const [start, end] = [from % blocks * 64, (to % blocks + 1) * 64];
    const intervals = cutAtOwners(bounds, start, end);
    const owned = intervals.flatMap(({ owner, start, end }) =>
      Array.from({ length: (end - start) / 64 }, (_, i) => [start + 64 * i, owner])
    );
    const all = Array.from({ length: Math.max(0, end - start) / 64 }, (_, i) => start + 64 * i);
    assertEquals(owned, all.map((at) => [at, bounds.findLastIndex((bound) => bound <= at)]));
  }));
});

Deno.test("a plan holds the moments of its part alone", () => {
  const bytesOf = (shard?: { rank: number; size: number }) => {
    const plan = trainingPlan(config, smallCapacity, { ...(shard && { shard }) });
    const { bounds } = plan.part ?? { bounds: [0, plan.gradients.length] };
    return { plan, bounds, bytes: planMemory(plan.plan).totalBytes };
  };
  const whole = bytesOf();
  const part = bytesOf({ rank: 1, size: 4 });
  const length = part.bounds[2]! - part.bounds[1]!;
  assertEquals([part.plan.moment1.length, part.plan.moment2.length], [length, length]);
  const moments = 2 * 4 * (whole.plan.gradients.length - length);
  assert(whole.bytes - part.bytes >= 0.99 * moments, `${whole.bytes - part.bytes} of ${moments} bytes`);
});

Deno.test("Muon is refused: a part may end within a matrix", () => {
  const muon = { ...config, optimizer: "muon" as const };
  assertThrows(
    () => trainingPlan(muon, smallCapacity, { shard: { rank: 0, size: 2 } }),
    RangeError,
    "Cannot share Muon's moments among ranks",
  );
});
