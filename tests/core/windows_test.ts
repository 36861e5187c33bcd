import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import {
  addTotals,
  evaluateStrips,
  evaluationPlan,
  fileSamples,
  initialParameters,
  type ModelConfig,
  noLoss,
  packStrip,
  parameterTable,
  RandomStream,
  stripCapacity,
  stripsOnce,
  windowedSamples,
} from "@bgpt/core";
import { ReferenceEngine } from "@bgpt/kernels";
import fc from "../fast_check.ts";
import { memorySource } from "./memory_source.ts";

const random = new RandomStream(0);

Deno.test("every patch of a file is scored once, with half a window in front of it unless it is in the first", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 4 }),
      fc.integer({ min: 1, max: 16 }),
      fc.integer({ min: 2, max: 9 }),
      async (byteLengths, patchSize, patchLength) => {
        const sizes = { patchSize, patchLength };
        const source = memorySource(byteLengths);
        const samples = windowedSamples(source, sizes);
        const whole = fileSamples(source);
        const scored = byteLengths.map((): number[] => []);
        for (let index = 0; index < samples.count; index++) {
          const { file, firstPatch, patchCount, givenPatches } = samples.window(index);
          const { tokens } = await samples.read(index, { ...sizes, cut: "head" }, random);
          assertEquals([samples.name(index), samples.patchCount(index, sizes)], [
            `file${file}.bin`,
            patchCount,
          ]);
          assertEquals(tokens.length, patchCount * patchSize);
          assert(patchCount <= patchLength && givenPatches < patchCount);
          if (firstPatch > 0) assert(givenPatches >= patchLength / 2);
          for (let patch = givenPatches; patch < patchCount; patch++) scored[file]!.push(firstPatch + patch);

          // All but the extension patch, which the windows of a file share, is what stands there in the file.
          const longest = { patchSize, patchLength: 1000, cut: "head" } as const;
          const { tokens: all } = await whole.read(file, longest, random);
          const from = (firstPatch + 1) * patchSize;
          assertEquals(tokens.slice(0, patchSize), all.slice(0, patchSize));
          assertEquals(
            tokens.slice(patchSize),
            all.slice(from, from + tokens.length - patchSize),
          );
        }
        for (const [file, patches] of scored.entries()) {
          const patchCount = Math.ceil(byteLengths[file]! / patchSize) + 2;
          assertEquals(patches, Array.from({ length: patchCount - 1 }, (_, i) => i + 1));
        }
      },
    ),
    { numRuns: 200 },
  );
});

Deno.test("a file that fits is the sample that it is without windows", async () => {
  const source = memorySource([90]);
  const sizes = { patchSize: 16, patchLength: 8 };
  const [windowed, whole] = [windowedSamples(source, sizes), fileSamples(source)];
  assertEquals(windowed.count, 1);
  const options = { ...sizes, cut: "head" } as const;
  const { tokens, givenPatches } = await windowed.read(0, options, random);
  assertEquals([tokens, givenPatches], [(await whole.read(0, options, random)).tokens, 1]);
});

const config: ModelConfig = { patchSize: 4, patchLength: 6, hidden: 64, patchLayers: 1, byteLayers: 1 };
const parameters = initialParameters(parameterTable(config), 3).map((value) => value * 4);

Deno.test("the loss of a long file is the sum of what its windows score, each from what it shows", async () => {
  const engine = new ReferenceEngine();
  const samples = windowedSamples(memorySource([61, 9]), config);
  const options = { ...config, cut: "head", seed: 0 } as const;
  const patchCapacity = stripCapacity(samples, { ...config, batch: 2 });
  const plan = evaluationPlan(config, patchCapacity);
  const execution = await engine.prepare(plan.plan);
  execution.write(plan.model.parameters, parameters);
  const { totals } = await evaluateStrips(
    execution,
    plan,
    stripsOnce(samples, { ...options, patchCapacity }),
  );
  assertEquals([totals.bytes, totals.positions], [61 + 9, 4 * (17 + 4)]);

  let summed = noLoss;
  for (let index = 0; index < samples.count; index++) {
    const strip = packStrip([await samples.read(index, options, random)], patchCapacity, config.patchSize);
    const alone = await evaluateStrips(execution, plan, asyncOf({ strip }));
    summed = addTotals(summed, alone.totals);
  }
  assertAlmostEquals(totals.lossNats, summed.lossNats, 1e-4);
  assertAlmostEquals(totals.byteNats, summed.byteNats, 1e-4);
  execution.destroy();
});

Deno.test("a long file is read once for all of its windows, and a file that changed is named", async () => {
  const memory = memorySource([300, 40]);
  const reads: number[] = [];
  const source = {
    files: [memory.files[0]!, { ...memory.files[1]!, byteLength: 41 }],
    read: (index: number) => {
      reads.push(index);
      return memory.read(index);
    },
  };
  const sizes = { patchSize: 4, patchLength: 6 };
  const samples = windowedSamples(source, sizes);
  const options = { ...sizes, cut: "head" } as const;
  for (let index = 0; samples.window(index).file === 0; index++) await samples.read(index, options, random);
  assertEquals(reads, [0]);
  await assertRejects(
    () => samples.read(samples.count - 1, options, random),
    Error,
    'Cannot use "file1.bin": it had 41 bytes when it was found and has 40 now',
  );
});

async function* asyncOf<T>(...values: T[]): AsyncGenerator<T> {
  yield* values;
}
