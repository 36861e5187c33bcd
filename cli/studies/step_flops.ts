import type { Plan } from "@bgpt/kernels";

/**
 * Arithmetic of an optimizer step by the costs of its kernels: clearing, forward and backward for every accumulated strip,
 * and the update. Attention is counted within files of full length.
 * @param batch files of full length that the plan's strip holds
 * @param accumulate strips of a step
 * @returns FLOP
 */
export function stepFlops(plan: Plan, batch: number, accumulate: number): number {
  const timesOf = { clear: 1, forward: accumulate, backward: accumulate, update: 1 };
  return Object.entries(timesOf).reduce((sum, [program, times]) => {
    const calls = plan.programs.get(program)!;
    return sum + times * calls.reduce((flops, { kernel, shape }) => {
          // Their cost is that of one file that fills the strip.
          if (!fileAttention.includes(kernel.name)) return flops + kernel.cost(shape).flops;
          return flops + batch * kernel.cost({ ...shape, P: Number(shape["P"]) / batch }).flops;
        }, 0);
  }, 0);
}

const fileAttention = ["attention", "attention.backward"];
