/**
 * The loss of files under a plan, without dropout.
 * @module
 */
import { encodeStep, type Execution } from "@bgpt/kernels";
import { addTotals, type LossTotals, lossTotals, noLoss } from "./bits.ts";
import type { SampleSource } from "./sample.ts";
import type { Strip } from "./strip.ts";
import type { LossPlan } from "./training_plan.ts";

/** What was evaluated. */
export interface Evaluation {
  /** Sums over all predicted bytes. */
  readonly totals: LossTotals;
  /** Samples that were read. */
  readonly samples: number;
  /** Patches of those samples. */
  readonly patches: number;
}

/** Strips whose sums are on their way back at the same time: Deno takes at least 10 ms for each, however many. */
const readsInFlight = 8;

/**
 * Sums the loss over strips. A training plan can be evaluated too, between steps.
 * @param execution the plan, prepared and with parameters
 */
export async function evaluateStrips(
  execution: Execution,
  plan: LossPlan,
  strips: AsyncIterable<{ readonly strip: Strip }>,
): Promise<Evaluation> {
  let totals = noLoss;
  let samples = 0;
  let patches = 0;
  let pending: Promise<Float32Array>[] = [];
  const collect = async () => {
    for (const sums of await Promise.all(pending)) totals = addTotals(totals, lossTotals(sums, plan.task));
    pending = [];
  };
  execution.write(plan.model.step, encodeStep({ dropoutRate: 0, lossScale: 0 }));
  for await (const { strip } of strips) {
    plan.write(execution, strip);
    execution.run("clear", "forward");
    pending.push(execution.readFloats(plan.lossSums));
    samples += strip.samples.length;
    patches += strip.patchCount;
    if (pending.length === readsInFlight) await collect();
  }
  await collect();
  return { totals, samples, patches };
}

/** One of several sources that are evaluated, and reported, one by one. */
export interface EvaluationPart {
  /** What reports call it. */
  readonly name: string;
  /** Its samples. */
  readonly source: SampleSource;
}

/** What all parts amount to, and each of them. */
export interface PartedEvaluation extends Evaluation {
  /** In the order of the parts. */
  readonly parts: readonly (Evaluation & { readonly name: string })[];
}

/** Adds up the evaluations of the parts. */
export function joinEvaluations(parts: PartedEvaluation["parts"]): PartedEvaluation {
  return {
    totals: parts.map(({ totals }) => totals).reduce(addTotals, noLoss),
    samples: parts.reduce((sum, { samples }) => sum + samples, 0),
    patches: parts.reduce((sum, { patches }) => sum + patches, 0),
    parts,
  };
}
