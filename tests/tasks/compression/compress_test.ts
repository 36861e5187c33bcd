import { assertEquals, assertLess, assertRejects } from "@std/assert";
import {
  byteTableName,
  type Checkpoint,
  extensionPatch,
  filePatches,
  initialParameters,
  type ModelConfig,
  modelConfig,
  NextByte,
  packStrip,
  parameterTable,
  presets,
  RandomStream,
  Trainer,
  trainingPlan,
} from "@bgpt/core";
import { CpuEngine, ReferenceEngine } from "@bgpt/kernels";
import { compress, ContainerError } from "@bgpt/tasks";
import { encodeBlocks } from "../../../tasks/compression/block_coder.ts";
import { cpu, strictCpu } from "../../engines.ts";
import { packTest } from "../../shared.ts";
import { chunksOf, joined, pack, unpack } from "./pack.ts";

const model: ModelConfig = { patchSize: 16, patchLength: 4, hidden: 64, patchLayers: 2, byteLayers: 1 };
const blockBytes = 48;
/** Large random weights, so that no distribution is flat, and other bytes are far from the likeliest. */
const checkpointOf = (seed: number): Checkpoint => ({
  model,
  parameters: initialParameters(parameterTable(model), seed).map((value) => value * 3),
});
const checkpoint = checkpointOf(3);
const random = new RandomStream(5);
const noise = (length: number) => Uint8Array.from({ length }, () => random.below(256));

/** Bytes that the checkpoint likes, so that they are coded and not stored: always one of its four likeliest. */
async function likelyBytes(blocks: number): Promise<Uint8Array> {
  const predictor = await NextByte.create(strictCpu, model, checkpoint.parameters, {
    sequenceCount: blocks,
    slotPatches: 3,
  });
  predictor.start(extensionPatch("txt", model.patchSize));
  const bytes = new Uint8Array(blocks * blockBytes);
  for (let step = 0; step < blockBytes; step++) {
    const logits = await predictor.next();
    const drawn = Uint8Array.from({ length: blocks }, (_, b) => {
      const own = logits.subarray(b * 257, b * 257 + 256);
      const ranked = [...own.keys()].sort((i, j) => own[j]! - own[i]!);
      return ranked[random.below(4)]!;
    });
    for (const [b, byte] of drawn.entries()) bytes[b * blockBytes + step] = byte;
    predictor.push(drawn);
  }
  predictor.destroy();
  return bytes;
}

/** Registers a test that uses engines which outlive it on purpose. */
function cpuTest(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, sanitizeResources: false, sanitizeOps: false, fn });
}

cpuTest(
  "files come back: empty, a byte, random bytes, text, sizes around the edges of patches and blocks",
  async () => {
    const text = new TextEncoder().encode("The quick brown fox jumps over the lazy dog. ".repeat(9));
    const likely = await likelyBytes(3);
    const sizes = [0, 1, 15, 16, 17, 47, 48, 49, 95, 96, 97];
    for (const bytes of [...sizes.map(noise), ...sizes.map((size) => likely.subarray(0, size)), text]) {
      const packed = await pack(strictCpu, checkpoint, bytes);
      assertEquals(
        await unpack(strictCpu, checkpoint, packed),
        { bytes, damaged: [] },
        `${bytes.length} bytes`,
      );
    }
  },
);

cpuTest("strict cpu: the container is the same for any threads, batch and order of the blocks", async () => {
  const bytes = joined([await likelyBytes(7), noise(100), await likelyBytes(2), noise(5)]);
  const packed = await pack(strictCpu, checkpoint, bytes);
  assertLess(packed.length, 67 + 12 + 12 * 7 + bytes.length - 100, "blocks are coded");
  for (const threads of [1, 2, 3]) {
    const engine = await CpuEngine.create({ threads, strict: true });
    for (const batch of [1, 3, 8]) {
      const what = `${threads} threads, ${batch} blocks at once`;
      assertEquals(await pack(engine, checkpoint, bytes, { batch }), packed, what);
      assertEquals(await unpack(engine, checkpoint, packed, { batch }), { bytes, damaged: [] }, what);
    }
    engine.destroy();
  }
  const blocks = Array.from({ length: 7 }, (_, i) => bytes.subarray(i * blockBytes, (i + 1) * blockBytes));
  const encoded = async (blocks: Uint8Array[]) => {
    const sizes = { sequenceCount: 7, slotPatches: 3 };
    const predictor = await NextByte.create(strictCpu, model, checkpoint.parameters, sizes);
    const coded = await encodeBlocks(predictor, extensionPatch("txt", model.patchSize), blocks);
    predictor.destroy();
    return coded;
  };
  assertEquals(await encoded(blocks.toReversed()), (await encoded(blocks)).toReversed());
});

cpuTest("a flip in a coded block costs that block and no other", async () => {
  const bytes = await likelyBytes(6);
  const packed = await pack(strictCpu, checkpoint, bytes);
  const ends = packed.slice();
  ends[ends.length - 1]! ^= 16;
  const { bytes: rest, damaged } = await unpack(strictCpu, checkpoint, ends);
  assertEquals(damaged, [5]);
  assertEquals(rest.subarray(0, 5 * blockBytes), bytes.subarray(0, 5 * blockBytes));
  assertEquals(rest.subarray(5 * blockBytes), new Uint8Array(blockBytes));
});

cpuTest("another checkpoint and another engine are refused, by their names", async () => {
  const bytes = await likelyBytes(2);
  const packed = await pack(strictCpu, checkpoint, bytes);
  await assertRejects(
    () => unpack(strictCpu, checkpointOf(4), packed),
    ContainerError,
    "with this checkpoint: its SHA-256",
  );
  const fast = "on the cpu engine: the container was made on the strict cpu engine";
  if (!cpu.strict) await assertRejects(() => unpack(cpu, checkpoint, packed), ContainerError, fast);
  const reference = "on the reference engine: the container was made on the strict cpu engine";
  await assertRejects(() => unpack(new ReferenceEngine(), checkpoint, packed), ContainerError, reference);
});

cpuTest("other engines' containers say so, and come back on the same engine", async () => {
  const bytes = joined([await likelyBytes(2), noise(9)]);
  for (const engine of [cpu, new ReferenceEngine()]) {
    const packed = await pack(engine, checkpoint, bytes, { batch: 2 });
    assertEquals(await unpack(engine, checkpoint, packed), { bytes, damaged: [] });
    if (engine.name === "cpu" && cpu.strict) continue;
    const message = `the container was made on the ${engine.name} engine`;
    await assertRejects(() => unpack(strictCpu, checkpoint, packed), ContainerError, message);
  }
});

cpuTest("an engine of the same name that computes other bits is refused before it decodes", async () => {
  const bytes = await likelyBytes(2);
  const packed = await pack(new ReferenceEngine(), checkpoint, bytes);
  // What a container of another version of the kernels looks like: other logits under the same name.
  const disguised = await CpuEngine.create({ threads: 1, strict: true });
  Object.defineProperty(disguised, "strict", { value: false });
  Object.defineProperty(disguised, "name", { value: "reference" });
  await assertRejects(
    () => unpack(disguised, checkpoint, packed),
    ContainerError,
    "computes other bits here",
  );
  disguised.destroy();
});

cpuTest("a file that has changed while it is read is refused", async () => {
  for (const [length, than] of [[99, "fewer"], [101, "more"]] as const) {
    const input = { bytes: chunksOf(noise(length)), byteLength: 100, extension: "bin" };
    await assertRejects(
      () => Array.fromAsync(compress(strictCpu, checkpoint, input)),
      Error,
      `and has ${than}`,
    );
  }
});

cpuTest("a model that has learnt a text compresses it better than gzip", async () => {
  const text = (await Deno.readFile(`${import.meta.dirname}/../../../CONTRIBUTING.md`)).subarray(0, 1984);
  const own = { ...model, patchLength: 32, patchLayers: 1 };
  const config = { ...presets.tiny, ...own, steps: 110, warmup: 10, learningRate: 5e-3 };
  const parts = Array.from({ length: 4 }, (_, i) => text.subarray(i * 496, (i + 1) * 496));
  const samples = parts.map((part) => ({ tokens: filePatches(part, "txt", own) }));
  const trainer = await Trainer.create(cpu, config, trainingPlan(config, 4 * 32));
  for (let step = 0; step < config.steps; step++) trainer.train([packStrip(samples, 4 * 32, 16)]);
  const { parameters } = await trainer.state();
  trainer.destroy();
  const trained = { model: modelConfig(config), parameters };
  const packed = await pack(strictCpu, trained, text);
  const gzip = await new Response(new Blob([text]).stream().pipeThrough(new CompressionStream("gzip")))
    .bytes();
  assertEquals((await unpack(strictCpu, trained, packed)).bytes, text);
  assertLess(packed.length, gzip.length);
});

/** A fresh model that likes every byte as much as the file has of it, so that blocks are coded and not stored. */
function freshFor(bytes: Uint8Array): Checkpoint {
  const { parameters: table } = parameterTable(model);
  const parameters = initialParameters(parameterTable(model), 7);
  const offsetOf = (name: string) => table.find((parameter) => parameter.name === name)!.offset;
  parameters[offsetOf("byte_level_decoder.base.transformer.ln_f.bias")] = 8;
  const counts = new Map<number, number>();
  for (const byte of bytes) counts.set(byte, (counts.get(byte) ?? 0) + 1);
  for (const [byte, count] of counts) {
    parameters[offsetOf(byteTableName) + byte * model.hidden] = Math.log(1 + 8 * count) / 8;
  }
  return { model, parameters };
}

const packFiles = [
  ["abc_midi", "abc_midi/aird/aird_1025.mid"],
  ["abc_midi_demo_style", "abc_midi_demo_style/ryan_1025.abc"],
  ["agnews", "agnews/train.csv"],
  ["images", "images/bird/bird_train0605.jpg"],
  ["published_examples", "bgpt_examples/samples/cpu.bin"],
  ["speech", "speech/fsdd/2_theo_34.wav"],
  ["text", "text/warpeace/warpeace_107.txt"],
] as const;
for (const [name, file] of packFiles) {
  packTest(`${file} of the pack ${name} comes back, up to 2 KB of it`, name, [file], async (folder) => {
    const bytes = (await Deno.readFile(`${folder}/${file}`)).subarray(0, 2048);
    const fresh = freshFor(bytes);
    const packed = await pack(strictCpu, fresh, bytes);
    // Under large random weights blocks do not pay, and are stored.
    assertLess(packed.length, (await pack(strictCpu, checkpoint, bytes)).length, "blocks are coded");
    assertEquals(await unpack(strictCpu, fresh, packed), { bytes, damaged: [] });
  });
}
