/** Times every kernel of a training step at its shapes, on the operands of the real plan. */
import { initialParameters, trainingPlan } from "@bgpt/core";
import { type Call, encodeStep, type Engine, type Plan } from "@bgpt/kernels";
import { timeProgram } from "../cli/doctor/time_program.ts";
import { PassTimer, timePasses } from "./pass_timer.ts";
import { type Samples, summarise } from "./samples.ts";
import { benchSizes, randomStrip, type SizeName } from "./sizes.ts";

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

/** A kernel at a shape with the time of one call. */
export type KernelTime = Group & Samples;

/** Which step's kernels. */
export interface TimedStep {
  readonly size: SizeName;
  /** Files of full length. */
  readonly batch: number;
  readonly dropout: number;
}

/**
 * Times the kernels of a training step whose name contains the filter, one after the other: by the GPU's clock where it
 * can be read, else by many runs and one wait.
 */
export async function* timeKernels(
  engine: Engine,
  { size, batch, dropout }: TimedStep,
  filter = "",
): AsyncGenerator<KernelTime> {
  const config = { ...benchSizes[size].config, dropout };
  const training = trainingPlan(config, batch * config.patchLength);
  const plan = callByCall(training.plan);
  const execution = await engine.prepare(plan);
  const { model, norm } = training;
  execution.write(model.parameters, initialParameters(model.table, 0));
  execution.write(
    model.step,
    encodeStep({ dropoutRate: dropout, lossScale: 1e-3, biasCorrection1: 1, biasCorrection2: 1 }),
  );
  training.write(execution, randomStrip(config, batch));
  execution.run(...plan.programs.keys()); // so that every operand holds what it would in a step
  const timer = PassTimer.of(engine);
  for (const { call, count } of groupCalls(plan)) {
    if (!call.kernel.name.includes(filter)) continue;
    const rounds = timer === undefined
      ? (await timeProgram(execution, call.label, norm)).rounds
      : await timePasses(timer, execution, call.label);
    yield { call, count, ...summarise(rounds) };
  }
  execution.destroy();
}
