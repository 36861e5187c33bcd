/**
 * Times every kernel of a training step at the shapes of a size, on the operands of the real plan.
 *
 *     deno task bench kernels [--size tiny|small|official] [--device gpu|cpu|reference] [--threads N] [--json] [FILTER]
 *
 * FILTER keeps the kernels whose name contains it.
 */
import { initialParameters, trainingPlan } from "@bgpt/core";
import { type Call, encodeStep, type Engine, type Plan } from "@bgpt/kernels";
import { shapeText } from "../cli/doctor/print_report.ts";
import { timeProgram } from "../cli/doctor/time_program.ts";
import { engineOptions, openEngine } from "../cli/engine.ts";
import { jsonOption } from "../cli/options.ts";
import { parseCommandLine } from "../cli/parse.ts";
import { formatRate } from "../cli/units.ts";
import { benchSizes, randomStrip, sizeOption } from "./sizes.ts";

/** A kernel at a shape, and how often a step calls it. */
interface Group {
  readonly call: Call;
  readonly count: number;
}

/** The plan with a program for every call, named by its label, in the order of a step. */
function callByCall(plan: Plan): Plan {
  const calls = ["clear", "forward", "backward", "update"].flatMap((name) => plan.programs.get(name)!);
  return { ...plan, programs: new Map(calls.map((call) => [call.label, [call]])) };
}

/** Calls of one kernel at one shape take the same time: the first stands for all. */
function groupCalls(plan: Plan): Group[] {
  const groups = Map.groupBy([...plan.programs.values()].flat(), ({ kernel, shape }) => {
    const { stream: _, ...sizes } = shape;
    return kernel.name + JSON.stringify(sizes);
  });
  return [...groups.values()].map((calls) => ({ call: calls[0]!, count: calls.length }));
}

/** A kernel at a shape with its time. */
export interface KernelTime extends Group {
  /** Median of one call. */
  readonly seconds: number;
}

/** Times the kernels of a training step whose name contains the filter, one after the other. */
export async function* timeKernels(
  engine: Engine,
  size: keyof typeof benchSizes,
  filter = "",
): AsyncGenerator<KernelTime> {
  const { batch } = benchSizes[size];
  const config = { ...benchSizes[size].config, dropout: 0.1 };
  const training = trainingPlan(config, batch * config.patchLength);
  const plan = callByCall(training.plan);
  const execution = await engine.prepare(plan);
  const { model, norm } = training;
  execution.write(model.parameters, initialParameters(model.table, 0));
  execution.write(
    model.step,
    encodeStep({ dropoutRate: 0.1, lossScale: 1e-3, biasCorrection1: 1, biasCorrection2: 1 }),
  );
  training.write(execution, randomStrip(config, batch));
  execution.run(...plan.programs.keys()); // so that every operand holds what it would in a step
  for (const { call, count } of groupCalls(plan)) {
    if (!call.kernel.name.includes(filter)) continue;
    const { medianSeconds: seconds } = await timeProgram(execution, call.label, norm);
    yield { call, count, seconds };
  }
  execution.destroy();
}

/** Runs the benchmark with these arguments. */
export async function benchKernels(args: readonly string[]): Promise<void> {
  const { size, device, threads, json, filter = "" } = parseCommandLine(args, {
    size: sizeOption,
    device: { ...engineOptions.device, default: "gpu" },
    threads: engineOptions.threads,
    json: jsonOption,
  }, { filter: { placeholder: "FILTER", help: "part of a kernel's name", optional: true } });
  const engine = await openEngine({ device, ...(threads !== undefined && { threads }) });
  if (!json) {
    console.log(
      `${size}, batch ${benchSizes[size].batch}, dropout 0.1, ${engine.name}: ${engine.description}`,
    );
  }
  let stepSeconds = 0;
  for await (const { call, count, seconds } of timeKernels(engine, size, filter)) {
    const { kernel, shape } = call;
    const { flops, bytes } = kernel.cost(shape);
    stepSeconds += count * seconds;
    if (json) {
      const rates = { flopsPerSecond: flops / seconds, bytesPerSecond: bytes / seconds };
      const row = { bench: "kernels", size, kernel: kernel.name, shape, count, seconds, ...rates };
      console.log(JSON.stringify(row));
      continue;
    }
    console.log(
      kernel.name.padEnd(28) + shapeText(shape).padEnd(52) + `${count} x`.padStart(5) +
        `${(1000 * seconds).toFixed(3)} ms`.padStart(13) + formatRate(flops / seconds, "FLOP").padStart(15) +
        formatRate(bytes / seconds, "B").padStart(12),
    );
  }
  if (!json) console.log(`${stepSeconds.toFixed(3)} s for a step of these`);
  engine.destroy();
}
