import { assert, assertEquals } from "@std/assert";
import fc from "../fast_check.ts";
import {
  layerNorm,
  layerNormBackward,
  layerNormParameterGradient,
  type LayerNormShape,
  ReferenceEngine,
} from "@bgpt/kernels";
import { engineTest } from "../engines.ts";
import { anyThreadsTest } from "./any_threads.ts";
import {
  assertClose,
  compareWithReference,
  finiteDifferences,
  randomFloats,
  runKernel,
  type Values,
} from "./compare.ts";

const rows = fc.oneof(fc.constantFrom(1, 15, 16, 17, 257), fc.integer({ min: 1, max: 200 }));
const channels = fc.oneof(
  fc.constantFrom(1, 15, 16, 17, 64, 257, 768, 1020, 2100),
  fc.integer({ min: 1, max: 400 }),
);

/** Operands of all three kernels; mean and rstd are those of x. */
async function operandsFor({ R, C }: LayerNormShape, seed: number): Promise<Values> {
  const inputs = {
    // Rows of few channels that happen to be nearly equal have an rstd of hundreds, and dx is then what is left of terms
    // that cancel: no f32 can hold the stated tolerance there. Neighbours are kept apart.
    x: randomFloats(R * C, seed).map((value, i) => value + (i % C % 2 === 0 ? 1.5 : -1.5)),
    weight: randomFloats(C, seed + 1, 2),
    bias: randomFloats(C, seed + 2),
  };
  const { mean, rstd } = await runKernel(new ReferenceEngine(), layerNorm, { R, C }, inputs);
  return {
    ...inputs,
    mean: mean!,
    rstd: rstd!,
    dy: randomFloats(R * C, seed + 3),
    dx: randomFloats(R * C, seed + 4),
    dWeight: randomFloats(C, seed + 5),
    dBias: randomFloats(C, seed + 6),
  };
}

/** The gradients of weight and bias on both engines; scratch is the engine's own affair. */
async function compareParameterGradient(
  engine: Parameters<typeof runKernel>[0],
  shape: LayerNormShape,
  inputs: Values,
): Promise<void> {
  const kernel = layerNormParameterGradient;
  const expected = await runKernel(new ReferenceEngine(), kernel, shape, inputs);
  const actual = await runKernel(engine, kernel, shape, inputs);
  for (const name of ["dWeight", "dBias"]) {
    const what = `${kernel.name}.${name} at ${JSON.stringify(shape)}`;
    assertClose(actual[name]!, expected[name]!, kernel.tolerance, what);
  }
}

engineTest("layer norm and its gradients agree with the reference at every size", async (engine) => {
  const cases = fc.asyncProperty(rows, channels, fc.nat(), fc.boolean(), async (R, C, seed, accumulate) => {
    const inputs = await operandsFor({ R, C }, seed);
    await compareWithReference(engine, layerNorm, { R, C }, inputs);
    await compareWithReference(engine, layerNormBackward, { R, C, accumulate }, inputs);
    await compareParameterGradient(engine, { R, C }, inputs);
  });
  await fc.assert(cases, { numRuns: 20 });
});

engineTest(
  "the parameter gradient sums more rows than its slabs hold at their least size",
  async (engine) => {
    for (const R of [64, 65, 16384, 16385, 20000]) {
      const shape = { R, C: R < 1000 ? 132 : 5 };
      await compareParameterGradient(engine, shape, await operandsFor(shape, R));
    }
  },
);

engineTest("layer norm loses no digits where the mean is a thousand times the deviation", async (engine) => {
  const [R, C] = [9, 768];
  const inputs = await operandsFor({ R, C }, 5);
  const x = Float32Array.from(inputs.x!, (value) => value + 1000);
  const expected = await runKernel(new ReferenceEngine(), layerNorm, { R, C }, { ...inputs, x });
  const actual = await runKernel(engine, layerNorm, { R, C }, { ...inputs, x });
  // The mean itself is good to an ulp of 1000, 6e-5; Σ x² − C · mean² would be wrong by tenths.
  assertClose(actual.y!, expected.y!, { absolute: 5e-4, relative: 0 }, "y");
  assertClose(actual.rstd!, expected.rstd!, { absolute: 0, relative: 1e-5 }, "rstd");
});

engineTest("a constant row becomes the bias", async (engine) => {
  const [R, C] = [2, 20];
  const inputs = await operandsFor({ R, C }, 6);
  const { y } = await runKernel(engine, layerNorm, { R, C }, {
    ...inputs,
    x: new Float32Array(R * C).fill(0.5),
  });
  assertClose(y!, [...inputs.bias!, ...inputs.bias!], { absolute: 1e-4, relative: 0 }, "y");
});

engineTest("layer norm's gradients have the same bits every time", async (engine) => {
  const shape = { R: 301, C: 68 };
  const inputs = await operandsFor(shape, 7);
  const run = () => runKernel(engine, layerNormParameterGradient, shape, inputs);
  const [first, second] = [await run(), await run()];
  assertEquals(first, second);
});

const threadCases: [LayerNormShape, Values][] = await Promise.all(
  [[1, 1], [17, 33], [257, 768], [700, 15]].map(async ([R, C]) => {
    const shape = { R: R!, C: C! };
    return [shape, await operandsFor(shape, R!)];
  }),
);
anyThreadsTest(layerNorm, threadCases);
anyThreadsTest(
  layerNormBackward,
  threadCases.map(([shape, inputs]) => [{ ...shape, accumulate: true }, inputs]),
);
anyThreadsTest(layerNormParameterGradient, threadCases);

engineTest("a row's result does not depend on the rows around it", async (engine) => {
  const [R, C] = [33, 71];
  const inputs = await operandsFor({ R, C }, 10);
  const all = await runKernel(engine, layerNorm, { R, C }, inputs);
  const x = inputs.x!.slice(20 * C, 21 * C);
  const { weight, bias } = inputs;
  const alone = await runKernel(engine, layerNorm, { R: 1, C }, { x, weight: weight!, bias: bias! });
  assertEquals(alone.y, all.y!.slice(20 * C, 21 * C));
});

Deno.test("layer norm's backward passes are the derivatives of its forward pass", async () => {
  const shape = { R: 3, C: 7 };
  const single = await operandsFor(shape, 8);
  const inputs: Record<string, Float64Array> = {};
  for (const [name, values] of Object.entries(single)) inputs[name] = Float64Array.from(values);
  layerNorm.reference(shape, { ...inputs, y: new Float64Array(21) } as never);
  const gradients = { dx: new Float64Array(21), dWeight: new Float64Array(7), dBias: new Float64Array(7) };
  layerNormBackward.reference({ ...shape, accumulate: false }, { ...inputs, ...gradients } as never);
  layerNormParameterGradient.reference(shape, { ...inputs, ...gradients } as never);
  for (
    const [operand, gradient] of [["x", "dx"], ["weight", "dWeight"], ["bias", "dBias"]] as const
  ) {
    const indices = Array.from({ length: inputs[operand]!.length }, (_, i) => i);
    const options = { operand, output: "y", weights: inputs.dy!, indices };
    const expected = finiteDifferences(layerNorm, shape, inputs, options);
    assertClose(gradients[gradient], expected, { absolute: 1e-9, relative: 1e-7 }, gradient);
    assert(expected.some((value) => Math.abs(value) > 0.1), `${gradient} is no test when it is all zeros`);
  }
});

Deno.test("layer norm's backward pass adds to dx where it is told to", async () => {
  const shape = { R: 2, C: 5 };
  const inputs = await operandsFor(shape, 9);
  const run = (accumulate: boolean) =>
    runKernel(new ReferenceEngine(), layerNormBackward, { ...shape, accumulate }, inputs);
  const written = (await run(false)).dx!;
  const added = (await run(true)).dx!;
  assertClose(
    added,
    inputs.dx!.map((value, i) => value + written[i]!),
    { absolute: 1e-6, relative: 0 },
    "dx",
  );
});
