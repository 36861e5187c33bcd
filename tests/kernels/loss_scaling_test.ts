import { assertEquals } from "@std/assert";
import {
  adaptScale,
  encodeStep,
  type Engine,
  firstLossScale,
  ReferenceEngine,
  scaleGrowthSteps,
  scaleLoss,
  stepValue,
  unscaleNorm,
} from "@bgpt/kernels";
import { gpu } from "../gpu.ts";
import { compareWithReference, runKernel } from "./compare.ts";

/** Registers a test on the engines that scale losses: the GPU's is ignored, never passed, without an adapter. */
function scalingTest(name: string, run: (engine: Engine) => Promise<void>): void {
  Deno.test(`reference: ${name}`, () => run(new ReferenceEngine()));
  Deno.test({
    name: gpu === undefined ? `gpu: ${name} (needs a WebGPU adapter)` : `gpu: ${name}`,
    ignore: gpu === undefined,
    sanitizeResources: false,
    sanitizeOps: false,
    fn: () => run(gpu!),
  });
}

/** The scale and its good steps after a step with this norm[1], and the row of the history. */
async function adapted(engine: Engine, scaling: [number, number], normScale: number) {
  const rows = 3;
  const inputs = {
    step: encodeStep({ historyRow: 7 }),
    norm: Float32Array.of(1, normScale),
    scaling: Float32Array.from(scaling),
    history: new Float32Array(8 * rows).fill(-5),
  };
  const { scaling: next, history } = await runKernel(engine, adaptScale, { rows }, inputs);
  const changed = [...history!.entries()].filter(([, value]) => value !== -5);
  assertEquals(changed, [[8 * (7 % rows) + 6, scaling[0]]]);
  return [...next!];
}

scalingTest("a gradient that is not finite halves the scale, but not below 1", async (engine) => {
  assertEquals(await adapted(engine, [firstLossScale, 17], -1), [firstLossScale / 2, 0]);
  assertEquals(await adapted(engine, [2, 0], -1), [1, 0]);
  assertEquals(await adapted(engine, [1, 3], -1), [1, 0]);
});

scalingTest("the scale doubles after so many good steps in a row, up to 2^24", async (engine) => {
  assertEquals(await adapted(engine, [1024, 0], 1), [1024, 1]);
  assertEquals(await adapted(engine, [1024, scaleGrowthSteps - 2], 1), [1024, scaleGrowthSteps - 1]);
  assertEquals(await adapted(engine, [1024, scaleGrowthSteps - 1], 1), [2048, 0]);
  assertEquals(await adapted(engine, [2 ** 24, scaleGrowthSteps - 1], 1), [2 ** 24, 0]);
});

scalingTest("the loss gets the scale, and nothing else of the step changes", async (engine) => {
  const step = encodeStep({ lossScale: 0.1, learningRate: 3, dropoutSeed: 4_000_000_000, historyRow: 9 });
  const { step: scaled } = await runKernel(engine, scaleLoss, {}, {
    step,
    scaling: Float32Array.of(4096, 5),
  });
  assertEquals(stepValue(scaled as Uint32Array, "lossScale"), 4096 * Math.fround(0.1));
  const others = (words: ArrayLike<number>) => Array.from(words).filter((_, word) => word !== 2);
  assertEquals(others(scaled!), others(step));
});

scalingTest("the norm loses the scale before it is clipped; one that is not finite stays", async (engine) => {
  const unscaled = async (norm: number[], scale: number, maxGradientNorm: number) => {
    const step = encodeStep({ maxGradientNorm });
    const inputs = { step, scaling: Float32Array.of(scale, 0), norm: Float32Array.from(norm) };
    if (Number.isFinite(norm[0])) await compareWithReference(engine, unscaleNorm, {}, inputs);
    return [...(await runKernel(engine, unscaleNorm, {}, inputs)).norm!];
  };
  assertEquals(await unscaled([2048, 1], 1024, 0), [2, 1 / 1024]);
  assertEquals(await unscaled([2048, 1], 1024, 3), [2, 1 / 1024]);
  const [norm, scale] = await unscaled([2048, 0.001], 1024, 1);
  assertEquals([norm, Math.abs(1024 * scale! - 0.5) < 1e-6], [2, true]);
  assertEquals(await unscaled([Infinity, -1], 1024, 1), [Infinity, -1]);
});
