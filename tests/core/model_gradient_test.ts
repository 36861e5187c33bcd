/** The gradients of the whole model: against differences of its loss, and every engine's against the reference engine's. */
import { assert } from "@std/assert";
import {
  type Config,
  initialParameters,
  packStrip,
  RandomStream,
  type Strip,
  type TrainingPlan,
  trainingPlan,
} from "@bgpt/core";
import {
  encodeStep,
  type Engine,
  type Execution,
  ReferenceEngine,
  type ReferenceExecution,
} from "@bgpt/kernels";
import { engineTest } from "../engines.ts";
import { assertClose } from "../kernels/compare.ts";
import { smallCapacity, smallConfig } from "./small_checkpoint.ts";

const patchCapacity = smallCapacity;

/** A file of four patches and one of two, with two patches of padding behind them. */
function testStrip(patchSize: number): Strip {
  const random = new RandomStream(7);
  const files = [4, 2].map((patches) =>
    Uint16Array.from({ length: patches * patchSize }, () => random.below(257))
  );
  return packStrip(files.map((tokens) => ({ tokens })), patchCapacity, patchSize);
}

interface Case {
  readonly config: Config;
  readonly plan: TrainingPlan;
  readonly strip: Strip;
  readonly parameters: Float32Array;
  /** What the loss is multiplied by, as the device holds it. */
  readonly lossScale: number;
}

function testCase(patchSize: number, dropout: number, changes: Partial<Config> = {}): Case {
  const config = { ...smallConfig, patchSize, dropout, ...changes };
  const plan = trainingPlan(config, patchCapacity);
  const strip = testStrip(patchSize);
  // Biases are not zero, gains not one and matrices large, so that no gradient hides behind a zero.
  const noise = new RandomStream(8);
  const parameters = initialParameters(plan.model.table, 3).map((value) =>
    4 * value * (0.9 + 0.2 * noise.uniform()) + 0.1 * noise.normal()
  );
  return { config, plan, strip, parameters, lossScale: Math.fround(1 / strip.lossWeight) };
}

async function prepared<E extends Execution>(
  engine: { prepare(plan: TrainingPlan["plan"]): Promise<E> },
  { config, plan, strip, parameters, lossScale }: Case,
): Promise<E> {
  const execution = await engine.prepare(plan.plan);
  execution.write(plan.model.parameters, parameters);
  plan.write(execution, strip);
  const step = { dropoutSeed: 11, dropoutRate: config.dropout, lossScale };
  execution.write(plan.model.step, encodeStep(step));
  return execution;
}

/** A few elements of a gradient: any, and the largest one, which no sparse gradient can hide. */
function sampledElements(gradient: ArrayLike<number>, random: RandomStream): number[] {
  let largest = 0;
  for (let i = 0; i < gradient.length; i++) {
    if (Math.abs(gradient[i]!) > Math.abs(gradient[largest]!)) largest = i;
  }
  return [largest, ...Array.from({ length: 3 }, () => random.below(gradient.length))];
}

function assertGradientsOfLoss(execution: ReferenceExecution, { plan, lossScale }: Case): void {
  const loss = (): number => {
    execution.run("clear", "forward");
    return execution.values(plan.lossSums)[0]! * lossScale;
  };
  execution.run("clear", "forward", "backward");
  const gradients = execution.values(plan.gradients).slice();
  const parameters = execution.values(plan.model.parameters);
  const random = new RandomStream(12);
  const delta = 1e-5;
  for (const { name, offset, length, trained } of plan.model.table.parameters) {
    const gradient = gradients.subarray(offset, offset + length);
    assert(!trained || gradient.some((value) => value !== 0), `"${name}" has no gradient at all`);
    for (const element of sampledElements(gradient, random)) {
      const index = offset + element;
      const kept = parameters[index]!;
      parameters[index] = kept + delta;
      const above = loss();
      parameters[index] = kept - delta;
      const below = loss();
      parameters[index] = kept;
      const difference = (above - below) / (2 * delta);
      assertClose(
        [gradient[element]!],
        [difference],
        { absolute: 1e-9, relative: 1e-5 },
        `${name}[${element}]`,
      );
    }
  }
}

for (const patchSize of [16, 8]) {
  for (const dropout of [0, 0.2]) {
    Deno.test(
      `every parameter's gradient is the slope of the loss, patch size ${patchSize}, dropout ${dropout}`,
      async () => {
        const testedCase = testCase(patchSize, dropout);
        assertGradientsOfLoss(await prepared(new ReferenceEngine(), testedCase), testedCase);
      },
    );
  }
}

/** What the published architecture has no word for, apart and together. */
const architectures: readonly Partial<Config>[] = [
  { byteHidden: 128 },
  { positions: "rotary" },
  { byteWindow: 6 },
  { byteWindow: 9, byteHidden: 128, byteLayers: 2, positions: "both" },
  { byteWindow: 6, ngramRows: 16 },
  { byteWindow: 6, byteConvolution: 20 },
  {
    byteWindow: 6,
    byteGlobalHeads: 1,
    ngramRows: 16,
    byteConvolution: 5,
    byteHidden: 128,
    byteLayers: 2,
    positions: "rotary",
  },
];

for (const changes of architectures) {
  Deno.test(`every parameter's gradient is the slope of the loss with ${JSON.stringify(changes)}`, async () => {
    const testedCase = testCase(smallConfig.patchSize, 0.2, changes);
    assertGradientsOfLoss(await prepared(new ReferenceEngine(), testedCase), testedCase);
  });
}

async function gradientsOn(engine: Engine, testedCase: Case): Promise<Float32Array> {
  const execution = await prepared(engine, testedCase);
  execution.run("clear", "forward", "backward");
  const gradients = await execution.readFloats(testedCase.plan.gradients);
  execution.destroy();
  return gradients;
}

Deno.test("dropout changes the gradients, and its seed decides how", async () => {
  const withoutDropout = await gradientsOn(new ReferenceEngine(), testCase(8, 0));
  const withDropout = await gradientsOn(new ReferenceEngine(), testCase(8, 0.2));
  const again = await gradientsOn(new ReferenceEngine(), testCase(8, 0.2));
  assertClose(again, withDropout, { absolute: 0, relative: 0 }, "gradients of the same seed");
  const changed = withDropout.filter((value, i) => value !== withoutDropout[i]).length;
  assert(changed > 0.1 * withDropout.length, `only ${changed} gradients changed`);
});

engineTest("the gradients with dropout are the reference engine's", (engine) => assertGradients(engine));
engineTest(
  "the gradients of a byte level that sees patches before are the reference engine's",
  (engine) => assertGradients(engine, architectures.at(-1)),
);

async function assertGradients(engine: Engine, changes: Partial<Config> = {}): Promise<void> {
  const testedCase = testCase(smallConfig.patchSize, 0.2, changes);
  const actual = await gradientsOn(engine, testedCase);
  const expected = await gradientsOn(new ReferenceEngine(), testedCase);
  for (const { name, offset, length } of testedCase.plan.model.table.parameters) {
    const part = (flat: Float32Array) => flat.subarray(offset, offset + length);
    // The key third of an attention bias has true gradient 0: what is there is rounding.
    assertClose(part(actual), part(expected), { absolute: 1e-6, relative: 1e-4 }, name);
  }
}
