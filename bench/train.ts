/**
 * Times training steps, from a strip in memory to the metrics of the step read back.
 *
 *     deno task bench train [--size tiny|small|official] [--device gpu|cpu|reference] [--threads N] [--batch N] [--json]
 */
import { Trainer, trainingPlan } from "@bgpt/core";
import type { Engine } from "@bgpt/kernels";
import { engineOptions, openEngine } from "../cli/engine.ts";
import { jsonOption } from "../cli/options.ts";
import { parseCommandLine } from "../cli/parse.ts";
import { formatAmount, formatRate } from "../cli/units.ts";
import { benchSizes, randomStrip, sizeOption } from "./sizes.ts";

/** Steps are timed for this long, but at least three and at most thirty of them. */
const timedSeconds = 15;

/** A measured training step. */
export interface StepTime {
  readonly dropout: number;
  /** What the calling thread spends on a step: the rest is the engine's. */
  readonly hostSeconds: number;
  readonly medianSeconds: number;
  readonly bestSeconds: number;
  readonly steps: number;
  /** Batch x patch length x patch size in the median time. */
  readonly bytesPerSecond: number;
  /** All arithmetic of the plan. */
  readonly flops: number;
  readonly flopsPerSecond: number;
  /** That of the matrix products alone. */
  readonly matmulFlopsPerSecond: number;
}

/** Times the steps of one size. */
export async function timeSteps(
  engine: Engine,
  { size, batch, dropout }: { size: keyof typeof benchSizes; batch: number; dropout: number },
): Promise<StepTime> {
  const config = { ...benchSizes[size].config, batch, dropout };
  const patchCapacity = batch * config.patchLength;
  const trainer = await Trainer.create(engine, config, trainingPlan(config, patchCapacity));
  const strip = randomStrip(config, batch);
  const hostTimes: number[] = [];
  const step = async (): Promise<number> => {
    const start = performance.now();
    trainer.train([strip]);
    hostTimes.push((performance.now() - start) / 1000);
    await trainer.metrics();
    return (performance.now() - start) / 1000;
  };
  await step(); // compiles, and touches the memory for the first time
  const times: number[] = [];
  for (let sum = 0; times.length < 3 || (sum < timedSeconds && times.length < 30); sum += times.at(-1)!) {
    times.push(await step());
  }
  trainer.destroy();
  times.sort((a, b) => a - b);
  hostTimes.sort((a, b) => a - b);
  const [bestSeconds, medianSeconds] = [times[0]!, times[times.length >> 1]!];

  const calls = [...trainer.plan.plan.programs.values()].flat();
  const flopsOf = (counts: (kernel: string) => boolean) =>
    calls.reduce((sum, { kernel, shape }) => sum + (counts(kernel.name) ? kernel.cost(shape).flops : 0), 0);
  const flops = flopsOf(() => true);
  return {
    dropout,
    hostSeconds: hostTimes[hostTimes.length >> 1]!,
    medianSeconds,
    bestSeconds,
    steps: times.length,
    bytesPerSecond: patchCapacity * config.patchSize / medianSeconds,
    flops,
    flopsPerSecond: flops / medianSeconds,
    matmulFlopsPerSecond: flopsOf((kernel) => kernel === "matmul") / medianSeconds,
  };
}

/** Runs the benchmark with these arguments. */
export async function benchTrain(args: readonly string[]): Promise<void> {
  const values = parseCommandLine(args, {
    size: sizeOption,
    device: { ...engineOptions.device, default: "gpu" },
    threads: engineOptions.threads,
    batch: { kind: "integer", minimum: 1, help: "files of full length" },
    json: jsonOption,
  }, {});
  const { size, device, threads, json } = values;
  const batch = values.batch ?? benchSizes[size].batch;
  const engine = await openEngine({ device, ...(threads !== undefined && { threads }) });
  if (!json) console.log(`${size}, batch ${batch}, ${engine.name}: ${engine.description}`);
  for (const dropout of [0.1, 0]) {
    const time = await timeSteps(engine, { size, batch, dropout });
    if (json) {
      console.log(JSON.stringify({ bench: "train", size, batch, engine: engine.name, ...time }));
      continue;
    }
    const { medianSeconds, bestSeconds, steps, bytesPerSecond, flops, flopsPerSecond } = time;
    console.log(
      `dropout ${dropout}`.padEnd(12) +
        `${medianSeconds.toFixed(3)} s (best ${bestSeconds.toFixed(3)}, ${steps} steps)`.padEnd(36) +
        formatRate(bytesPerSecond, "B").padStart(12) +
        `${formatAmount(flops, "FLOP")} at ${formatRate(flopsPerSecond, "FLOP")}`.padStart(34) +
        `products ${formatRate(time.matmulFlopsPerSecond, "FLOP")}`.padStart(28),
    );
  }
  engine.destroy();
}
