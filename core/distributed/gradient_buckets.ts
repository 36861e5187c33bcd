import { type Call, callsOf, type Plan, type Tensor } from "@bgpt/kernels";
import type { ParameterTable } from "../parameters.ts";
import type { TrainedPlan } from "../training_plan.ts";

/** Gradients that are final when a part of the backward pass is done. */
export interface GradientBucket {
  /** The part, a program. */
  readonly program: string;
  /** What it completes: a window on the flat gradients. */
  readonly gradients: Tensor;
}

/** A plan whose backward pass is cut where gradients become final. */
export interface BucketedPlan {
  /** The same calls in more programs. */
  readonly plan: Plan;
  /** The parts of the backward pass in their order; their windows cover all gradients. */
  readonly buckets: readonly GradientBucket[];
}

/**
 * Cuts a backward pass, so that the first gradients are on their way to the other ranks while the next are computed. The
 * pass goes through the table of parameters from its end to its start, but for some that are tied or come together.
 * @param count how many parts of about the same size to make; large parameters make them fewer
 */
export function bucketGradients(
  { plan, gradients, model: { table } }: TrainedPlan,
  count: number,
): BucketedPlan {
  const calls = callsOf(plan, "backward");
  const lastWrites = lastWritesOf(calls, gradients, table);
  const enough = table.storageLength / count;
  const buckets: GradientBucket[] = [];
  const parts = new Map<string, readonly Call[]>();
  let end = table.storageLength;
  let [callsBefore, callsUntil] = [0, 0];
  for (const [i, { offset }] of [...table.parameters.entries()].reverse()) {
    callsUntil = Math.max(callsUntil, lastWrites[i]! + 1);
    const ready = end - offset >= enough && callsUntil > callsBefore && callsUntil < calls.length;
    if (!ready && offset > 0) continue;
    const until = offset > 0 ? callsUntil : calls.length;
    const program = buckets.length === 0 ? "backward" : `backward ${buckets.length + 1}`;
    parts.set(program, calls.slice(callsBefore, until));
    const length = end - offset;
    const window = { ...gradients, name: `${gradients.name} of ${program}`, shape: [length], length };
    buckets.push({ program, gradients: { ...window, offset: gradients.offset + offset } });
    [end, callsBefore] = [offset, until];
  }
  const programs = [...plan.programs].flatMap(([name, calls]) =>
    name === "backward" ? [...parts] : [[name, calls] as const]
  );
  return { plan: { ...plan, programs: new Map(programs) }, buckets };
}

/** The last call that writes each parameter's gradient, −1 for none. */
function lastWritesOf(calls: readonly Call[], gradients: Tensor, { parameters }: ParameterTable): number[] {
  const last = parameters.map(() => -1);
  for (const [index, { kernel, shape, operands }] of calls.entries()) {
    for (const [name, operand] of Object.entries(kernel.operands(shape))) {
      const { storage, offset, length } = operands[name]!;
      if (operand?.access === "read" || storage !== gradients.storage) continue;
      for (const [i, parameter] of parameters.entries()) {
        const first = gradients.offset + parameter.offset;
        if (offset < first + parameter.length && first < offset + length) last[i] = index;
      }
    }
  }
  return last;
}
