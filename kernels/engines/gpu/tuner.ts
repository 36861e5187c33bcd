/**
 * Which variant of each kernel call is the fastest on a device, found by running them: the estimates that choose otherwise
 * know nothing of its caches, registers and compiler. All variants of a call have the same bits.
 * @module
 */
import type { Execution } from "../../engine.ts";
import type { AnyKernel } from "../../kernel.ts";
import type { Call, Plan, Tensor } from "../../plan.ts";
import type { GpuEngine } from "./engine.ts";

/** A round is to take so long, beside waiting for it. */
const roundSeconds = 0.02;
const maxRunsPerRound = 1024;

/**
 * Runs all variants of those calls of a plan that the engine knows no fastest one of, and adds what it found to
 * `engine.tuning`. It takes as much memory as the plan.
 * @throws {RangeError} when the plan does not fit the device
 * @throws {DeviceError} when the device fails
 */
export async function tune(engine: GpuEngine, plan: Plan): Promise<void> {
  const calls = engine.untunedCalls(plan);
  const times = new Map<string, Map<string, number>>();
  const most = Math.max(0, ...calls.values().map(({ variants }) => variants.length));
  for (let i = 0; i < most; i++) {
    const execution = await engine.prepare(callByCall(plan, i));
    try {
      for (const [key, { label, variants }] of calls) {
        if (i >= variants.length) continue;
        const seconds = await secondsOf(execution, label, smallest(plan));
        times.set(key, (times.get(key) ?? new Map()).set(variants[i]!, seconds));
      }
    } finally {
      execution.destroy();
    }
  }
  for (const [key, ofVariants] of times) {
    const [best] = [...ofVariants].reduce((a, b) => b[1] < a[1] ? b : a);
    engine.tuning.set(key, best);
  }
}

/** The plan with a program for each call, its kernels in their i-th variant or the usual one. */
function callByCall(plan: Plan, i: number): Plan {
  const calls = [...plan.programs.values()].flat().map((call): Call => {
    const { kernel } = call;
    const dispatches: AnyKernel["dispatches"] = (shape, device) =>
      kernel.variants?.(shape, device)[i]?.dispatches() ?? kernel.dispatches(shape, device);
    return { ...call, kernel: { ...kernel, dispatches } };
  });
  return { ...plan, programs: new Map(calls.map((call) => [call.label, [call]])) };
}

/** What is quickly read back, to wait for all work. */
function smallest(plan: Plan): Tensor {
  return plan.tensors.values().filter(({ storage }) => storage.type === "f32")
    .reduce((a, b) => b.length < a.length ? b : a);
}

/** Seconds of one run: many at a time, less what waiting for them takes. */
async function secondsOf(execution: Execution, program: string, flag: Tensor): Promise<number> {
  const round = async (runs: number): Promise<number> => {
    const start = performance.now();
    if (runs > 0) execution.run(...Array<string>(runs).fill(program));
    await execution.readFloats(flag);
    return (performance.now() - start) / 1000;
  };
  await round(1); // the driver compiles
  const waiting = Math.min(await round(0), await round(0));
  let runs = 1;
  let seconds = await round(runs) - waiting;
  while (seconds < roundSeconds && runs < maxRunsPerRound) seconds = await round(runs *= 4) - waiting;
  return Math.min(seconds, await round(runs) - waiting) / runs;
}
