import {
  type Checkpoint,
  evaluateStrips,
  type Evaluation,
  type EvaluationPart,
  evaluationPlan,
  type Strip,
  stripCapacity,
  stripsOnce,
} from "@bgpt/core";
import type { Engine } from "@bgpt/kernels";
import { ProgressLine } from "./progress.ts";

/**
 * Measures sources one by one under a generative checkpoint, with a progress line.
 * @param batch samples of full length computed at a time
 */
export async function evaluateParts(
  engine: Engine,
  { model, parameters }: Pick<Checkpoint, "model" | "parameters">,
  parts: readonly EvaluationPart[],
  batch: number,
): Promise<(Evaluation & { readonly name: string })[]> {
  const { patchSize, patchLength } = model;
  const patchCapacity = Math.max(
    ...parts.map(({ source }) =>
      stripCapacity(source, { batch: Math.min(batch, source.count), patchSize, patchLength })
    ),
  );
  const plan = evaluationPlan(model, patchCapacity);
  const execution = await engine.prepare(plan.plan);
  execution.write(plan.model.parameters, parameters);

  const options = { patchSize, patchLength, patchCapacity, cut: "head", seed: 0 } as const;
  const sampleCount = parts.reduce((sum, { source }) => sum + source.count, 0);
  using progress = new ProgressLine("Evaluating", sampleCount, "samples");
  const evaluations = [];
  for (const { name, source } of parts) {
    const strips = counted(stripsOnce(source, options), progress);
    evaluations.push({ name, ...await evaluateStrips(execution, plan, strips) });
  }
  execution.destroy();
  return evaluations;
}

async function* counted<T extends { strip: Strip }>(
  strips: AsyncIterable<T>,
  progress: ProgressLine,
): AsyncGenerator<T> {
  let { done } = progress;
  for await (const at of strips) {
    yield at;
    done += at.strip.samples.length;
    progress.update(done);
  }
}
