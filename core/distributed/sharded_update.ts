import type { Execution } from "@bgpt/kernels";
import type { TrainedPlan } from "../training_plan.ts";
import type { Communicator } from "./communicator.ts";
import type { GradientBucket } from "./gradient_buckets.ts";
import { cutAtOwners, intervalOf, type OptimizerPart } from "./optimizer_part.ts";

/**
 * Updates this rank's part of the parameters, and exchanges parts with the other ranks. The norm of all gradients is that of
 * the parts' norms.
 * @param buckets windows that parameters are exchanged in, so that no copy of all of them is needed
 */
export async function updateParts(
  execution: Execution,
  communicator: Communicator,
  { model, gradients }: TrainedPlan,
  { bounds, ownNorm, norms }: OptimizerPart,
  buckets: readonly GradientBucket[],
): Promise<void> {
  const { rank, size } = communicator;
  execution.run("own norm");
  const all = new Float32Array(size);
  all[rank] = (await execution.readFloats(ownNorm))[0]!;
  await communicator.allReduceSum(all);
  execution.write(norms, all);
  execution.run("update");
  for (const bucket of buckets) {
    const start = bucket.gradients.offset - gradients.offset;
    for (const interval of cutAtOwners(bounds, start, start + bucket.gradients.length)) {
      const window = intervalOf(model.parameters, interval);
      const owns = interval.owner === rank;
      const values = owns ? await execution.readFloats(window) : new Float32Array(window.length);
      await broadcastFloats(communicator, values, interval.owner);
      if (!owns) execution.write(window, values);
    }
  }
}

/**
 * Brings the parts of a moment together in rank 0.
 * @param own this rank's part
 * @returns in rank 0 the moment of all parameters
 */
export async function gatherMoment(
  communicator: Communicator,
  bounds: readonly number[],
  own: Float32Array,
): Promise<Float32Array | undefined> {
  const { rank } = communicator;
  const whole = rank === 0 ? new Float32Array(bounds.at(-1)!) : undefined;
  for (const { owner, start, end } of cutAtOwners(bounds, 0, bounds.at(-1)!)) {
    const values = owner === rank ? own : whole?.subarray(start, end) ?? new Float32Array(end - start);
    await broadcastFloats(communicator, values, owner);
    if (owner === rank) whole?.set(values, start);
  }
  return whole;
}

function broadcastFloats(communicator: Communicator, values: Float32Array, root: number): Promise<void> {
  return communicator.broadcast(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), root);
}
