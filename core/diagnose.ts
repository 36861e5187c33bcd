/**
 * Which number of a step went bad first.
 * @module
 */
import { type Call, callsOf, type Engine, type Execution, type Plan } from "@bgpt/kernels";
import type { Strip } from "./strip.ts";
import type { TrainedPlan } from "./training_plan.ts";

/** A number that is not finite. */
export interface BadTensor {
  /** The tensor that it stands in, a parameter by its published name. */
  readonly tensor: string;
  /** The first such number of it. */
  readonly value: number;
  /** The kernel call that wrote it; none where a parameter was bad before. */
  readonly call?: string;
}

/** A strip of a step, and the numbers of the step. */
export interface StepInput {
  /** The batch. */
  readonly strip: Strip;
  /** As `encodeStep` makes them. */
  readonly words: Uint32Array;
}

/**
 * Takes a step's forward and backward pass again, call by call, on memory of its own, and looks at all that each call
 * writes.
 * @param parameters the weights, flat
 * @returns the first tensor with a number that is not finite; `undefined` where all are finite
 * @throws {RangeError} when the plan does not fit the engine a second time
 */
export async function firstBadTensor(
  engine: Engine,
  trained: TrainedPlan,
  parameters: Float32Array,
  inputs: readonly StepInput[],
): Promise<BadTensor | undefined> {
  const { model } = trained;
  for (const { name, offset, length } of model.table.parameters) {
    const value = firstBad(parameters.subarray(offset, offset + length));
    if (value !== undefined) return { tensor: name, value };
  }
  const execution = await engine.prepare(callByCall(trained.plan));
  try {
    execution.write(model.parameters, parameters);
    // A step is only bad with the loss as it is.
    if (trained.lossScaling !== undefined) execution.write(trained.lossScaling, Float32Array.of(1, 0));
    execution.run("clear");
    for (const { strip, words } of inputs) {
      trained.write(execution, strip);
      execution.write(model.step, words);
      const bad = await firstBadCall(execution, trained.plan);
      if (bad !== undefined) return bad;
    }
    return undefined;
  } finally {
    execution.destroy();
  }
}

/** The same memory and calls, each call of the two passes a program of its own, by its label. */
function callByCall(plan: Plan): Plan {
  const programs = passCalls(plan).map((call) => [call.label, [call]] as const);
  return { ...plan, programs: new Map([...programs, ["clear", callsOf(plan, "clear")]]) };
}

function passCalls(plan: Plan): readonly Call[] {
  return ["forward", "backward"].flatMap((program) => callsOf(plan, program));
}

async function firstBadCall(execution: Execution, plan: Plan): Promise<BadTensor | undefined> {
  for (const { label, kernel, shape, operands } of passCalls(plan)) {
    execution.run(label);
    for (const [name, operand] of Object.entries(kernel.operands(shape))) {
      if (operand?.access === "read" || operand?.type !== "f32") continue;
      const tensor = operands[name]!;
      const value = firstBad(await execution.readFloats(tensor));
      if (value !== undefined) return { tensor: tensor.name, value, call: label };
    }
  }
  return undefined;
}

function firstBad(values: Float32Array): number | undefined {
  return values.find((value) => !Number.isFinite(value));
}
