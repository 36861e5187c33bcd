/**
 * Whether memory grows: training steps, with an evaluation and a checkpoint's state now and then, and whole generations
 * of the smallest model. Told is the slope of the process's resident memory behind a warm-up, a fifth of the work.
 *
 *     deno task bench leaks [--device cpu|gpu|reference] [--threads N] [--steps N] [--generations N] [--json]
 */
import {
  type Config,
  defaultSampling,
  generateBytes,
  initialParameters,
  packStrip,
  parameterTable,
  presets,
  Trainer,
  trainingOptions,
  trainingPlan,
} from "@bgpt/core";
import { randomUint32 } from "@bgpt/kernels";
import { engineOptions, openEngine } from "../cli/engine.ts";
import { reportError, ToldError } from "../cli/errors.ts";
import { jsonOption } from "../cli/options.ts";
import { parseCommandLine } from "../cli/parse.ts";
import { print } from "../cli/terminal.ts";

const config: Config = {
  ...presets.tiny,
  patchSize: 4,
  patchLength: 8,
  hidden: 64,
  patchLayers: 1,
  byteLayers: 1,
  dropout: 0.1,
};
const patchCapacity = 8;

/** Stretches of the work, of each of which the least memory counts. */
const samples = 50;
/** Steps between two evaluations, each with the state that a checkpoint is made of. */
const evaluateEvery = 100;

/** How memory went while something was done many times. */
export interface MemorySlope {
  readonly work: "step" | "generation";
  readonly count: number;
  /** Bytes that resident memory grew by each time, behind the warm-up: of a line through what was measured. */
  readonly bytesEach: number;
  /** Resident memory at the end of the warm-up, and at the end. */
  readonly bytes: readonly [number, number];
}

/** What nothing refers to does not count: every collection, of each MiB, collects everything, in threads, too. */
const v8Flags = "--expose-gc,--gc-global,--max-semi-space-size=1";

/** Runs the benchmark with these arguments, in a process of its own. */
export async function benchLeaks(args: readonly string[]): Promise<void> {
  const program = ["run", "-A", `--v8-flags=${v8Flags}`, import.meta.url];
  const { code } = await new Deno.Command(Deno.execPath(), { args: [...program, ...args] }).spawn().status;
  if (code !== 0) throw new ToldError(code);
}

async function measureLeaks(args: readonly string[]): Promise<void> {
  const { steps, generations, json, ...choice } = parseCommandLine(args, {
    ...engineOptions,
    device: { ...engineOptions.device, default: "cpu" },
    steps: { kind: "integer", minimum: 100, default: 5000, help: "training steps" },
    generations: { kind: "integer", minimum: 100, default: 1000, help: "generations" },
    json: jsonOption,
  }, {});
  const engine = await openEngine(choice);
  const trainer = await Trainer.create(
    engine,
    config,
    trainingPlan(config, patchCapacity, trainingOptions(engine)),
  );
  const parameters = initialParameters(parameterTable(config), 0);

  const slopes = [
    await measure("step", steps, async (step) => {
      trainer.train([strip(step)]);
      if (step % 8 === 0) await trainer.metrics();
      if (step % evaluateEvery !== 0) return;
      await trainer.evaluate(heldOut());
      await trainer.state();
    }),
    await measure("generation", generations, async (seed) => {
      const prefixes = [Uint16Array.from(strip(seed).patches.subarray(0, config.patchSize))];
      const sampling = { ...defaultSampling, seed };
      await generateBytes(engine, config, parameters, { prefixes, byteLimit: 8, sampling });
    }),
  ];
  trainer.destroy();
  engine.destroy();
  for (const slope of slopes) {
    const { work, count, bytesEach, bytes } = slope;
    const [before, after] = bytes.map((bytes) => (bytes / 2 ** 20).toFixed(1));
    if (json) print(JSON.stringify({ bench: "leaks", engine: engine.name, ...slope }));
    else {
      print(
        `${engine.name}, ${count} ${work}s: ${bytesEach.toFixed(0)} B a ${work}, ${before} to ${after} MiB`,
      );
    }
  }
}

/** A strip of one file that nothing keeps. */
function strip(seed: number) {
  const tokens = Uint16Array.from({ length: 7 * config.patchSize }, (_, i) => randomUint32(i, seed, 0) % 256);
  return packStrip([{ tokens }], patchCapacity, config.patchSize);
}

async function* heldOut() {
  for (let seed = 0; seed < 4; seed++) yield await Promise.resolve({ strip: strip(seed) });
}

async function measure(
  work: MemorySlope["work"],
  count: number,
  once: (index: number) => Promise<void>,
): Promise<MemorySlope> {
  const measured: [index: number, bytes: number][] = [];
  const every = Math.ceil(count / samples);
  // The least of each stretch: threads collect their garbage when they like.
  let least = Infinity;
  for (let index = 1; index <= count; index++) {
    await once(index);
    const ends = index % every === 0;
    if (ends) (globalThis as { gc?: () => void }).gc!();
    least = Math.min(least, Deno.memoryUsage().rss);
    if (!ends) continue;
    if (index >= count / 5) measured.push([index, least]);
    least = Infinity;
  }
  return { work, count, bytesEach: slopeOf(measured), bytes: [measured[0]![1], measured.at(-1)![1]] };
}

/** The slope of the line with the least squared distance. */
function slopeOf(points: readonly (readonly [number, number])[]): number {
  const mean = (of: 0 | 1) => points.reduce((sum, point) => sum + point[of], 0) / points.length;
  const [x, y] = [mean(0), mean(1)];
  const [covariance, variance] = points.reduce(
    ([covariance, variance], point) => [
      covariance + (point[0] - x) * (point[1] - y),
      variance + (point[0] - x) ** 2,
    ],
    [0, 0],
  );
  return covariance / variance;
}

if (import.meta.main) {
  try {
    await measureLeaks(Deno.args);
    Deno.exit();
  } catch (error) {
    Deno.exit(reportError(error));
  }
}
