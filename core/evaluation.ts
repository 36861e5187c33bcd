/**
 * The loss of files under a plan, without dropout.
 * @module
 */
import { encodeStep, type Execution } from "@bgpt/kernels";
import { addTotals, type LossTotals, lossTotals, noLoss } from "./bits.ts";
import type { Strip } from "./strip.ts";
import type { EvaluationPlan } from "./training_plan.ts";

/** What was evaluated. */
export interface Evaluation {
  /** Sums over all predicted bytes. */
  readonly totals: LossTotals;
  /** Files that were read. */
  readonly files: number;
  /** Patches of those files. */
  readonly patches: number;
}

/** Strips whose sums are on their way back at the same time: Deno takes at least 10 ms for each, however many. */
const readsInFlight = 8;

/** Copies a strip into the plan's inputs. */
export function writeStrip(execution: Execution, { inputs }: EvaluationPlan, strip: Strip): void {
  execution.write(inputs.patches, strip.patches);
  execution.write(inputs.fileStart, strip.fileStart);
  execution.write(inputs.nextPatches, strip.nextPatches);
  execution.write(inputs.lossWeights, strip.lossWeights);
}

/**
 * Sums the loss over strips. A training plan can be evaluated too, between steps.
 * @param execution the plan, prepared and with parameters
 */
export async function evaluateStrips(
  execution: Execution,
  plan: EvaluationPlan,
  strips: AsyncIterable<{ readonly strip: Strip }>,
): Promise<Evaluation> {
  let totals = noLoss;
  let files = 0;
  let patches = 0;
  let pending: Promise<Float32Array>[] = [];
  const collect = async () => {
    for (const sums of await Promise.all(pending)) totals = addTotals(totals, lossTotals(sums));
    pending = [];
  };
  execution.write(plan.model.step, encodeStep({ dropoutRate: 0, lossScale: 0 }));
  for await (const { strip } of strips) {
    writeStrip(execution, plan, strip);
    execution.run("clear", "forward");
    pending.push(execution.readFloats(plan.lossSums));
    files += strip.fileCount;
    patches += strip.patchCount;
    if (pending.length === readsInFlight) await collect();
  }
  await collect();
  return { totals, files, patches };
}
