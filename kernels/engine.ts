/**
 * What runs a plan. Work takes effect in the order of the calls; only reading waits for it.
 * @module
 */
import type { Call, Plan, Tensor } from "./plan.ts";

/** The device failed while it computed. Its results are lost; another process may find it well again. */
export class DeviceError extends Error {
  /** `DeviceError`. */
  override name = "DeviceError";
}

/** What numbers are computed with: `mixed` is f32 with f16 where that is enough. */
export type Precision = "f32" | "mixed" | "f64";

/** A device that can run plans. */
export interface Engine {
  /** `gpu`, `cpu` or `reference`. */
  readonly name: string;
  /** For people: the adapter or processor. */
  readonly description: string;
  /** What it computes with. */
  readonly precision: Precision;
  /**
   * Allocates a plan's memory and compiles its kernels.
   * @throws {RangeError} when the plan does not fit the device: which limit, and what would fit
   * @throws {DeviceError} when the device is known to have failed; a GPU's failure is told by the next read alone
   */
  prepare(plan: Plan): Promise<Execution>;
  /** Gives the device back. */
  destroy(): void;
}

/** A plan with memory, ready to run. */
export interface Execution {
  /** What it runs. */
  readonly plan: Plan;
  /**
   * Copies values into a tensor, as many as there are.
   * @throws {RangeError} when the tensor holds fewer, or is stored in f16 and gets an odd number of its values, not all
   * @throws {DeviceError} when the device is known to have failed; a GPU's failure is told by the next read alone
   */
  write(tensor: Tensor, values: Float32Array | Uint32Array): void;
  /**
   * Queues programs, one after the other; it does not wait for them.
   * @throws {RangeError} when the plan has no such program
   * @throws {DeviceError} when the device is known to have failed; a GPU's failure is told by the next read alone
   */
  run(...programs: string[]): void;
  /**
   * The values of an f32 tensor once all queued work is done.
   * @throws {DeviceError} when the device has failed
   */
  readFloats(tensor: Tensor): Promise<Float32Array>;
  /**
   * The values of a u32 tensor once all queued work is done.
   * @throws {DeviceError} when the device has failed
   */
  readIntegers(tensor: Tensor): Promise<Uint32Array>;
  /** Frees its memory. */
  destroy(): void;
}

/**
 * The calls of a program.
 * @throws {RangeError} when the plan has no such program
 */
export function callsOf(plan: Plan, program: string): readonly Call[] {
  const calls = plan.programs.get(program);
  if (calls === undefined) {
    throw new RangeError(
      `Cannot run program "${program}": the plan has ${[...plan.programs.keys()].join(", ")}`,
    );
  }
  return calls;
}
