import type { Execution, Tensor } from "@bgpt/kernels";
import type { TrainedPlan } from "../training_plan.ts";
import type { Communicator } from "./communicator.ts";
import type { GradientBucket } from "./gradient_buckets.ts";
import { cutAtOwners, intervalOf } from "./optimizer_part.ts";

/** Adds up gradients and losses over the ranks, the first gradients while the engine computes the next ones. */
export class GradientSum {
  readonly #execution: Execution;
  readonly #communicator: Communicator;
  /** Each with the part of the backward pass that completes it. */
  readonly #buckets: readonly GradientBucket[];
  readonly #plan: Pick<TrainedPlan, "gradients" | "lossSums" | "part">;

  /** Of a plan with these buckets. */
  constructor(
    execution: Execution,
    communicator: Communicator,
    buckets: readonly GradientBucket[],
    plan: Pick<TrainedPlan, "gradients" | "lossSums" | "part">,
  ) {
    this.#execution = execution;
    this.#communicator = communicator;
    this.#buckets = buckets;
    this.#plan = plan;
  }

  /**
   * Runs the last backward pass of a step, and returns when the engine has been given the sums over all ranks: of all
   * gradients, or of its part of them.
   */
  async backward(): Promise<void> {
    const reads = this.#buckets.map(({ program, gradients }) => {
      this.#execution.run(program);
      return this.#read(gradients);
    });
    await this.#sum(reads);
  }

  /** Takes part in the sums of a step in which this rank had nothing to compute. */
  async withoutBackward(): Promise<void> {
    await this.#sum(this.#buckets.map(({ gradients }) => this.#read(gradients)));
  }

  #read(tensor: Tensor): { tensor: Tensor; values: Promise<Float32Array> } {
    const values = this.#execution.readFloats(tensor);
    // Where an earlier one fails, nobody waits for this one.
    values.catch(() => {});
    return { tensor, values };
  }

  /** In the same order in all ranks. */
  async #sum(reads: { tensor: Tensor; values: Promise<Float32Array> }[]): Promise<void> {
    const losses = this.#read(this.#plan.lossSums);
    for (const { tensor, values } of reads) await this.#sumGradients(tensor, await values);
    await this.#sumForAll(losses.tensor, await losses.values);
  }

  async #sumForAll(tensor: Tensor, values: Float32Array): Promise<void> {
    await this.#communicator.allReduceSum(values);
    this.#execution.write(tensor, values);
  }

  async #sumGradients(bucket: Tensor, values: Float32Array): Promise<void> {
    const { gradients, part } = this.#plan;
    if (part === undefined) return await this.#sumForAll(bucket, values);
    const first = bucket.offset - gradients.offset;
    for (const interval of cutAtOwners(part.bounds, first, first + bucket.length)) {
      const sums = values.subarray(interval.start - first, interval.end - first);
      await this.#communicator.reduceSum(sums, interval.owner);
      if (interval.owner === this.#communicator.rank) {
        this.#execution.write(intervalOf(gradients, interval), sums);
      }
    }
  }
}
