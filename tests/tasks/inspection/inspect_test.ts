import { assertAlmostEquals, assertEquals } from "@std/assert";
import {
  evaluateStrips,
  evaluationPlan,
  filePatches,
  type FileSource,
  initialParameters,
  meanLossNats,
  type ModelConfig,
  packStrip,
  parameterTable,
  parseSafetensors,
  stripsOnce,
  windowedSamples,
} from "@bgpt/core";
import { type Engine, ReferenceEngine } from "@bgpt/kernels";
import { type InspectedFile, inspectFiles } from "@bgpt/tasks";
import { loadFixture } from "../../core/fixture.ts";
import { memorySource } from "../../core/memory_source.ts";
import { cpu } from "../../engines.ts";
import { readJson, sharedTest } from "../../shared.ts";

const model: ModelConfig = { patchSize: 4, patchLength: 6, hidden: 64, patchLayers: 1, byteLayers: 1 };
// Large random weights, so that no distribution is flat.
const checkpoint = {
  model,
  parameters: initialParameters(parameterTable(model), 3).map((value) => value * 4),
};

async function inspect(engine: Engine, source: FileSource, batch = 2): Promise<InspectedFile[]> {
  return await Array.fromAsync(inspectFiles(engine, checkpoint, source, { batch }));
}

Deno.test("each byte has the bits of its probability, and beside it the most probable one", async () => {
  const engine = new ReferenceEngine();
  const source = memorySource([14]);
  const [file] = await inspect(engine, source);

  const bytes = await source.read(0);
  assertEquals([file!.path, file!.bytes], ["file0.bin", bytes]);
  const { patchSize: S, patchLength } = model;
  const tokens = filePatches(bytes, "bin", model);
  const plan = evaluationPlan(model, patchLength);
  const execution = await engine.prepare(plan.plan);
  execution.write(plan.model.parameters, checkpoint.parameters);
  plan.write(execution, packStrip([{ tokens }], patchLength, S));
  execution.run("clear", "forward");
  const logits = await execution.readFloats(plan.logits);
  for (const [i, byte] of bytes.entries()) {
    const row = logits.subarray(i * 257, (i + 1) * 257);
    const sum = row.reduce((sum, logit) => sum + Math.exp(logit), 0);
    assertAlmostEquals(file!.bits[i]!, -Math.log2(Math.exp(row[byte]!) / sum), 1e-4);
    assertEquals(file!.best[i], row.indexOf(Math.max(...row)));
  }
  execution.destroy();
});

for (const engine of [new ReferenceEngine(), cpu]) {
  Deno.test({
    name: `${engine.name}: files of all sizes add up to their evaluation by windows, in any batch`,
    // The cpu engine outlives each test on purpose.
    sanitizeResources: false,
    sanitizeOps: false,
    fn: () => testSums(engine),
  });
}

async function testSums(engine: Engine): Promise<void> {
  const source = memorySource([0, 61, 9, 40, 0]);
  const files = await inspect(engine, source);
  assertEquals(files.map(({ path }) => path), source.files.map(({ path }) => path));
  const windows = windowedSamples(source, model);
  const plan = evaluationPlan(model, model.patchLength);
  const execution = await engine.prepare(plan.plan);
  execution.write(plan.model.parameters, checkpoint.parameters);
  const options = { ...model, patchCapacity: model.patchLength, cut: "head", seed: 0 } as const;
  const { totals } = await evaluateStrips(execution, plan, stripsOnce(windows, options));
  execution.destroy();
  const sumOf = (key: keyof InspectedFile["totals"]) =>
    files.reduce((sum, { totals }) => sum + totals[key], 0);
  assertEquals([sumOf("bytes"), sumOf("positions")], [110, totals.positions]);
  assertAlmostEquals(sumOf("lossNats"), totals.lossNats, 1e-4 * totals.lossNats);
  assertAlmostEquals(sumOf("byteNats"), totals.byteNats, 1e-4 * totals.byteNats);

  const alone = await inspect(engine, source, 1);
  for (const [index, { bytes, bits, totals }] of files.entries()) {
    assertEquals(bytes, await source.read(index));
    assertAlmostEquals(bits.reduce((sum, bit) => sum + bit, 0), totals.byteNats / Math.LN2, 1e-3);
    for (const [i, bit] of bits.entries()) assertAlmostEquals(alone[index]!.bits[i]!, bit, 1e-3);
  }
}

sharedTest("the fixture's files have the published program's loss", async (fixtures) => {
  const { checkpoint } = await loadFixture();
  const { files } = await readJson(`${fixtures}/dev/inputs.json`) as {
    files: { name: string; bytes: number[] }[];
  };
  const source: FileSource = {
    files: files.map(({ name, bytes }) => ({ path: name, byteLength: bytes.length })),
    read: (index) => Promise.resolve(Uint8Array.from(files[index]!.bytes)),
  };
  let [lossNats, positions] = [0, 0];
  for await (const { totals } of inspectFiles(new ReferenceEngine(), checkpoint, source, { batch: 2 })) {
    lossNats += totals.lossNats;
    positions += totals.positions;
  }
  const { tensors } = parseSafetensors(await Deno.readFile(`${fixtures}/dev/expected.safetensors`));
  const expected = new Float32Array(tensors.get("loss")!.data.slice().buffer)[0]!;
  const mean = meanLossNats({ lossNats, positions, byteNats: 0, bytes: 0, correct: 0 });
  assertAlmostEquals(mean, expected, 1e-5 * expected);
});
