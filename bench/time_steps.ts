/** Times whole training steps, from a strip in memory to the metrics read back. */
import { Trainer, trainingOptions, trainingPlan } from "@bgpt/core";
import type { Engine } from "@bgpt/kernels";
import { tuneFor } from "../cli/tuning.ts";
import { PassTimer } from "./pass_timer.ts";
import { summarise } from "./samples.ts";
import { benchSizes, randomStrip } from "./sizes.ts";
import type { TimedStep } from "./time_kernels.ts";

/** Rounds are timed for this long, but at least three and at most thirty of them. */
const timedSeconds = 10;

/** On a GPU a round queues as many steps as take this long and waits once, as training does. */
const roundSeconds = 0.4;
const maxStepsPerRound = 32;

/** A measured training step. */
export interface StepTime {
  readonly dropout: number;
  /** What the calling thread spends on a step: the rest is the engine's. */
  readonly hostSeconds: number;
  /** From the begin to the end of a step's passes by the GPU's clock, where it has timestamps. */
  readonly deviceSeconds?: number;
  readonly medianSeconds: number;
  readonly bestSeconds: number;
  readonly quartiles: readonly [number, number];
  readonly rounds: number;
  /** Steps that were queued before one wait. */
  readonly stepsPerRound: number;
  /** Batch x patch length x patch size in the median time. */
  readonly bytesPerSecond: number;
  /** All arithmetic of the plan. */
  readonly flops: number;
  /** All operands of the plan, touched once a call. */
  readonly bytes: number;
  readonly flopsPerSecond: number;
  /** That of the matrix products alone. */
  readonly matmulFlopsPerSecond: number;
}

/** Times the steps of one size. */
export async function timeSteps(
  engine: Engine,
  { size, batch, dropout, tune = false }: TimedStep & { readonly tune?: boolean | undefined },
): Promise<StepTime> {
  const config = { ...benchSizes[size].config, batch, dropout };
  const patchCapacity = batch * config.patchLength;
  const plan = trainingPlan(config, patchCapacity, trainingOptions(engine));
  await tuneFor(engine, plan.plan, tune);
  const trainer = await Trainer.create(engine, config, plan);
  const strip = randomStrip(config, batch);
  const hostTimes: number[] = [];
  const round = async (steps: number): Promise<number> => {
    const start = performance.now();
    for (let step = 0; step < steps; step++) {
      const hostStart = performance.now();
      trainer.train([strip]);
      hostTimes.push((performance.now() - hostStart) / 1000);
    }
    await trainer.metrics();
    return (performance.now() - start) / 1000 / steps;
  };
  await round(1); // compiles, and touches the memory for the first time
  const first = await round(1);
  // Waiting alone takes Deno 10 ms on a GPU, and nothing elsewhere.
  const fitting = Math.ceil(roundSeconds / first);
  const stepsPerRound = engine.name === "gpu" ? Math.min(maxStepsPerRound, fitting) : 1;
  const times = stepsPerRound === 1 ? [first] : [];
  const secondsLeft = () => timedSeconds - stepsPerRound * times.reduce((sum, time) => sum + time, 0);
  while (times.length < 3 || (secondsLeft() > 0 && times.length < 30)) times.push(await round(stepsPerRound));
  const passes = await PassTimer.of(engine)?.measure(() => trainer.train([strip]));
  trainer.destroy();

  const { seconds: medianSeconds, ...spread } = summarise(times);
  const calls = [...trainer.plan.plan.programs.values()].flat();
  let [flops, matmulFlops, bytes] = [0, 0, 0];
  for (const { kernel, shape } of calls) {
    const cost = kernel.cost(shape);
    flops += cost.flops;
    bytes += cost.bytes;
    if (kernel.name === "matmul") matmulFlops += cost.flops;
  }
  return {
    dropout,
    hostSeconds: summarise(hostTimes).seconds,
    ...(passes && { deviceSeconds: passes.reduce((sum, pass) => sum + pass, 0) }),
    medianSeconds,
    bestSeconds: Math.min(...times),
    ...spread,
    stepsPerRound,
    bytesPerSecond: patchCapacity * config.patchSize / medianSeconds,
    flops,
    bytes,
    flopsPerSecond: flops / medianSeconds,
    matmulFlopsPerSecond: matmulFlops / medianSeconds,
  };
}
