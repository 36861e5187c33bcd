import { assertEquals } from "@std/assert";
import fc from "../fast_check.ts";
import { encodeStep, muonMomentum, type MuonSizes, muonUpdate } from "@bgpt/kernels";
import { engineTest } from "../engines.ts";
import { anyThreadsTest } from "./any_threads.ts";
import { assertClose, compareWithReference, randomFloats, runKernel } from "./compare.ts";

const [momentum, decay] = [0.95, 0.1];
const step = encodeStep({ learningRate: 0.01 });

const sizes: fc.Arbitrary<MuonSizes> = fc.record({
  rows: fc.oneof(fc.constantFrom(1, 15, 16, 17, 257), fc.integer({ min: 1, max: 60 })),
  columns: fc.oneof(fc.constantFrom(1, 15, 16, 17, 257), fc.integer({ min: 1, max: 60 })),
  matrices: fc.constantFrom(1, 2, 3),
});

function momentumInputs({ rows, columns, matrices }: MuonSizes, seed: number, scale = 0.3) {
  const length = rows * columns * matrices;
  return {
    gradient: randomFloats(length, seed),
    moment: randomFloats(length, seed + 1),
    norm: Float32Array.of(7, scale),
  };
}

function updateInputs({ rows, columns, matrices }: MuonSizes, seed: number) {
  const length = rows * columns * matrices;
  return {
    step,
    parameter: randomFloats(length, seed),
    direction: randomFloats(length, seed + 1),
    norm: Float32Array.of(7, 0.3),
  };
}

engineTest("Muon's momentum and update equal the reference at any size", async (engine) => {
  const cases = fc.asyncProperty(sizes, fc.nat(), async (sizes, seed) => {
    const [first, second] = [momentumInputs(sizes, seed), updateInputs(sizes, seed)];
    await compareWithReference(engine, muonMomentum, { ...sizes, momentum }, first);
    await compareWithReference(engine, muonUpdate, { ...sizes, decay }, second);
  });
  await fc.assert(cases, { numRuns: 25 });
});

// By hand, for two matrices [1, 2] side by side. μ = 1/2, norm[1] = 1/2: g = [1, 2, 3, 4], m = [5, 7, 9, 11],
// direction = g + m / 2. A matrix [1, 4] has the factor 0.2 · √4; lr = 1/2, decay = 1/4:
// p = 8 − (2 + 0.4 · direction) / 2.
engineTest(
  "Muon follows steps computed by hand, and splits matrices that stand side by side",
  async (engine) => {
    const { moment, direction } = await runKernel(
      engine,
      muonMomentum,
      { rows: 2, columns: 1, matrices: 2, momentum: 0.5 },
      {
        gradient: Float32Array.of(2, 4, 6, 8),
        moment: Float32Array.of(8, 10, 12, 14),
        norm: Float32Array.of(1, 0.5),
      },
    );
    const exact = { absolute: 1e-6, relative: 0 };
    assertClose(moment!, [5, 7, 9, 11], exact, "moment");
    assertClose(direction!, [3.5, 7.5, 5.5, 9.5], exact, "direction");
    const { parameter } = await runKernel(engine, muonUpdate, {
      rows: 1,
      columns: 4,
      matrices: 2,
      decay: 0.25,
    }, {
      step: encodeStep({ learningRate: 0.5 }),
      parameter: new Float32Array(8).fill(8),
      direction: Float32Array.of(0, 1, 2, 3, 4, 5, 6, 7),
      norm: Float32Array.of(1, 1),
    });
    assertClose(parameter!, [0, 1, 2, 3, 4, 5, 6, 7].map((x) => 7 - 0.2 * x), exact, "parameter");
  },
);

engineTest("a gradient that is not finite changes neither momentum nor parameter", async (engine) => {
  const shape = { rows: 3, columns: 6, matrices: 1 };
  const before = momentumInputs(shape, 1, -1);
  before.gradient.fill(NaN);
  const { moment, direction } = await runKernel(engine, muonMomentum, { ...shape, momentum }, before);
  assertEquals(moment, before.moment);
  assertClose(
    direction!,
    before.moment.map((m) => momentum * m),
    { absolute: 1e-6, relative: 0 },
    "direction",
  );
  const inputs = { ...updateInputs(shape, 2), norm: Float32Array.of(NaN, -1) };
  const { parameter } = await runKernel(engine, muonUpdate, { ...shape, decay }, inputs);
  assertEquals(parameter, inputs.parameter);
});

const shapes = [{ rows: 5, columns: 7, matrices: 3 }, { rows: 64, columns: 130, matrices: 1 }];
anyThreadsTest(muonMomentum, shapes.map((shape) => [{ ...shape, momentum }, momentumInputs(shape, 3)]));
anyThreadsTest(muonUpdate, shapes.map((shape) => [{ ...shape, decay }, updateInputs(shape, 3)]));
