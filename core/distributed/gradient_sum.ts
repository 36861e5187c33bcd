import type { Execution, Tensor } from "@bgpt/kernels";
import type { Communicator } from "./communicator.ts";
import type { GradientBucket } from "./gradient_buckets.ts";

/** Adds up gradients and losses over the ranks, the first gradients while the engine computes the next ones. */
export class GradientSum {
  readonly #execution: Execution;
  readonly #communicator: Communicator;
  /** Each with the part of the backward pass that completes it. */
  readonly #buckets: readonly GradientBucket[];
  /** Sums of the losses. */
  readonly #lossSums: Tensor;

  /** Of a plan with these buckets. */
  constructor(
    execution: Execution,
    communicator: Communicator,
    buckets: readonly GradientBucket[],
    lossSums: Tensor,
  ) {
    this.#execution = execution;
    this.#communicator = communicator;
    this.#buckets = buckets;
    this.#lossSums = lossSums;
  }

  /** Runs the last backward pass of a step, and returns when the engine has been given the sums over all ranks. */
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
    for (const { tensor, values } of [...reads, this.#read(this.#lossSums)]) {
      const sums = await values;
      await this.#communicator.allReduceSum(sums);
      this.#execution.write(tensor, sums);
    }
  }
}
