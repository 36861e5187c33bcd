import type { Checkpoint, RunState } from "./checkpoint.ts";
import { modelConfig } from "./config.ts";
import type { DataPosition } from "./strip_reader.ts";
import type { OptimizerState, Trainer } from "./trainer.ts";
import type { RunData } from "./training_run.ts";

/**
 * Everything that the run needs to go on from here.
 * @throws {RangeError} when a weight or a moment is not finite
 */
export async function checkpointOf(
  trainer: Trainer,
  data: RunData,
  position: DataPosition,
  best: RunState["best"],
): Promise<Checkpoint> {
  const { config } = trainer;
  const optimizer = await trainer.state();
  checkFinite(trainer, optimizer);
  return {
    model: modelConfig(config),
    config,
    ...(data.labels && { labels: data.labels }),
    parameters: optimizer.parameters,
    optimizer,
    run: {
      step: optimizer.step,
      position,
      patchCapacity: data.patchCapacity,
      sampleCount: data.training.count,
      ...(data.sampleDigest !== undefined && { sampleDigest: data.sampleDigest }),
      ...(data.sampleKind && { sampleKind: data.sampleKind }),
      ...(best && { best }),
    },
  };
}

/** A step can be good and leave what is not: no checkpoint that nothing can go on from takes the place of a good one. */
function checkFinite({ plan }: Trainer, { step, parameters, moment1, moment2 }: OptimizerState): void {
  for (
    const [what, values] of Object.entries({
      parameter: parameters,
      "mean gradient": moment1,
      "mean square": moment2,
    })
  ) {
    if (Number.isFinite(sumOf(values))) continue;
    const at = values.findIndex((value) => !Number.isFinite(value));
    if (at < 0) continue;
    const { name } = plan.model.table.parameters.findLast(({ offset }) => offset <= at)!;
    throw new RangeError(
      `Stopped at step ${step}: the ${what} of "${name}" is ${
        values[at]
      }; go on from the last checkpoint with a lower ` +
        "learning rate",
    );
  }
}

function sumOf(values: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum;
}
