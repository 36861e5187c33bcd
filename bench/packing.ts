/**
 * Training on files packed back to back beside training on files padded to the longest of their batch, as the published
 * program does: bytes of files a second of both, in one run.
 *
 *     deno task bench packing --data FOLDER [--size tiny|small|medium|official] [--batch N] [--device …] [--threads N] [--json]
 */
import {
  type Config,
  fileSamples,
  packStrip,
  RandomStream,
  type Sample,
  type Strip,
  Trainer,
  trainingOptions,
  trainingPlan,
} from "@bgpt/core";
import { folderSource } from "@bgpt/core/files";
import type { Engine } from "@bgpt/kernels";
import { engineOptions, openEngine } from "../cli/engine.ts";
import { jsonOption } from "../cli/options.ts";
import { parseCommandLine } from "../cli/parse.ts";
import { formatRate } from "../cli/units.ts";
import { benchSizes, sizeOption } from "./sizes.ts";

/** Batches that are measured, each several times. */
const batchCount = 5;
const repetitions = 3;

/** Reads random batches of files. */
async function readBatches(paths: readonly string[], config: Config, batch: number): Promise<Sample[][]> {
  const source = fileSamples(await folderSource(paths));
  const random = new RandomStream(1);
  const order = random.shuffle(Array.from({ length: source.count }, (_, i) => i));
  const batches: Sample[][] = [];
  for (let first = 0; batches.length < batchCount && first + batch <= order.length; first += batch) {
    const chosen = order.slice(first, first + batch);
    batches.push(await Promise.all(chosen.map((i) => source.read(i, { ...config, cut: "head" }, random))));
  }
  return batches;
}

/** Bytes of the strips' files in a second of training on them, the best of some repetitions. */
async function rateOf(engine: Engine, config: Config, strips: readonly Strip[]): Promise<number> {
  let [bytes, seconds] = [0, 0];
  for (const strip of strips) {
    const trainer = await Trainer.create(
      engine,
      config,
      trainingPlan(config, strip.fileStart.length, trainingOptions(engine)),
    );
    const times: number[] = [];
    for (let i = 0; i <= repetitions; i++) {
      const start = performance.now();
      trainer.train([strip]);
      await trainer.metrics();
      times.push((performance.now() - start) / 1000);
    }
    trainer.destroy();
    bytes += strip.byteCount;
    seconds += Math.min(...times.slice(1)); // the first one compiles
  }
  return bytes / seconds;
}

/** Runs the benchmark with these arguments. */
export async function benchPacking(args: readonly string[]): Promise<void> {
  const values = parseCommandLine(args, {
    data: { kind: "paths", required: true, help: "files of different lengths" },
    size: sizeOption,
    batch: { kind: "integer", minimum: 2, default: 16, help: "files of a padded batch" },
    device: engineOptions.device,
    threads: engineOptions.threads,
    json: jsonOption,
  }, {});
  const { size, batch, json } = values;
  const config: Config = { ...benchSizes[size].config, patchLength: 512 };
  const { patchSize } = config;
  const batches = await readBatches(values.data, config, batch);
  const patchesOf = ({ tokens }: Sample) => tokens.length / patchSize;
  const longest = batches.map((samples) => Math.max(...samples.map(patchesOf)));
  // Computing a slot's padding costs what computing its patches costs, so the strip's capacity is all that counts.
  const padded = batches.map((samples, i) => packStrip(samples, samples.length * longest[i]!, patchSize));
  const packed = batches.map((samples) =>
    packStrip(samples, samples.reduce((sum, sample) => sum + patchesOf(sample), 0), patchSize)
  );
  const engine = await openEngine(values);
  const rates = {
    padded: await rateOf(engine, config, padded),
    packed: await rateOf(engine, config, packed),
  };
  engine.destroy();
  const ratio = rates.packed / rates.padded;
  if (json) return console.log(JSON.stringify({ bench: "packing", size, batch, ...rates, ratio }));
  console.log(`padded to the longest of ${batch} files   ${formatRate(rates.padded, "B")}`);
  console.log(`packed back to back                ${formatRate(rates.packed, "B")}   ${ratio.toFixed(2)} x`);
}
