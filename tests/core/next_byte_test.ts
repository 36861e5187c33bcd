import { assertEquals, assertThrows } from "@std/assert";
import {
  evaluationPlan,
  extensionPatch,
  initialParameters,
  type ModelConfig,
  NextByte,
  parameterTable,
} from "@bgpt/core";
import { type Engine, randomUint32, ReferenceEngine } from "@bgpt/kernels";
import { engineTest, strictCpu } from "../engines.ts";
import { assertClose } from "../kernels/compare.ts";

const config: ModelConfig = { patchSize: 4, patchLength: 4, hidden: 64, patchLayers: 1, byteLayers: 1 };
const parameters = initialParameters(parameterTable(config), 3).map((value) => value * 4);
const firstPatch = extensionPatch("bin", config.patchSize);
/** Three patches of bytes for each of two sequences. */
const files = [0, 1].map((stream) =>
  Uint8Array.from({ length: 12 }, (_, i) => randomUint32(i, stream, 2) % 256)
);

/** The logits of every byte of the files: [12][2, 257]. */
async function predict(engine: Engine, files: readonly Uint8Array[]): Promise<Float32Array[]> {
  const sizes = { sequenceCount: files.length, slotPatches: 3 };
  const predictor = await NextByte.create(engine, config, parameters, sizes);
  const all: Float32Array[] = [];
  // Twice, because the second time must not know of the first.
  for (const round of [files.toReversed(), files]) {
    all.length = 0;
    predictor.start(firstPatch);
    for (let step = 0; step < 12; step++) {
      all.push(await predictor.next());
      predictor.push(Uint8Array.from(round, (file) => file[step]!));
    }
  }
  assertThrows(() => predictor.next(), RangeError, "Cannot predict a byte behind 4 patches");
  predictor.destroy();
  return all;
}

/** The same in one pass over whole files, without caches. */
async function predictWhole(): Promise<Float32Array> {
  const plan = evaluationPlan(config, 8);
  const execution = await new ReferenceEngine().prepare(plan.plan);
  execution.write(plan.model.parameters, parameters);
  execution.write(plan.inputs.fileStart, Uint32Array.of(0, 0, 0, 0, 4, 4, 4, 4));
  const strip = (first: Uint16Array, rest: number) =>
    Uint32Array.from(files.flatMap((file) => [...first, ...file, ...Array<number>(rest).fill(0)]));
  execution.write(plan.inputs.patches, strip(firstPatch, 0));
  execution.write(plan.inputs.nextPatches, strip(new Uint16Array(), 4));
  execution.run("forward");
  return await execution.readFloats(plan.logits); // [8, 4, 257]
}

const whole = await predictWhole();

async function assertPredicts(engine: Engine): Promise<void> {
  for (const [step, logits] of (await predict(engine, files)).entries()) {
    for (const b of files.keys()) {
      const first = (b * 16 + step) * 257;
      const expected = whole.subarray(first, first + 257);
      const tolerance = { absolute: 2e-4, relative: 2e-4 };
      assertClose(logits.subarray(b * 257, (b + 1) * 257), expected, tolerance, `file ${b}, byte ${step}`);
    }
  }
}

Deno.test("reference: bytes are predicted one by one as in a pass over the whole file", () =>
  assertPredicts(new ReferenceEngine()));

Deno.test("what does not fit the sequences, or comes before their start or behind their end, is refused", async () => {
  const sizes = { sequenceCount: 2, slotPatches: 1 };
  const predictor = await NextByte.create(new ReferenceEngine(), config, parameters, sizes);
  const assertRefused = (work: () => unknown, message: string) => assertThrows(work, RangeError, message);
  const two = Uint8Array.of(72, 73);
  assertRefused(() => predictor.push(two), "Cannot take a byte behind 0 patches");
  assertRefused(() => predictor.start(firstPatch.subarray(1)), "a patch of 3 tokens: it must have as many");
  assertRefused(() => predictor.start(Uint16Array.of(0, 256, 257, 1)), "Cannot start from token 257");
  assertRefused(() => predictor.next(), "Cannot predict a byte behind 0 patches");
  predictor.start(firstPatch);
  for (const bytes of [two.subarray(1), Uint8Array.of(1, 2, 3)]) {
    const message = `Cannot take ${bytes.length} bytes: there are 2 sequences`;
    assertRefused(() => predictor.push(bytes), message);
  }
  for (let step = 0; step < 4; step++) predictor.push(two);
  assertRefused(() => predictor.push(two), "Cannot take a byte behind 2 patches");
  predictor.destroy();
});

engineTest("bytes are predicted one by one as in a pass over the whole file", assertPredicts);

Deno.test({
  name: "strict cpu: a file's logits have the same bits alone and among others",
  sanitizeResources: false,
  sanitizeOps: false,
  fn: async () => {
    const together = await predict(strictCpu, files);
    for (const [b, file] of files.entries()) {
      const alone = await predict(strictCpu, [file]);
      assertEquals(together.map((logits) => logits.slice(b * 257, (b + 1) * 257)), alone);
    }
  },
});
