/**
 * The oracle: every kernel's f64 mathematics, every tensor in memory of its own. For tests, and for machines with
 * nothing else.
 * @module
 */
import { callsOf, type Engine, type Execution } from "../../engine.ts";
import type { Plan, Role, Storage, Tensor } from "../../plan.ts";

/**
 * Runs plans in f64 on the calling thread. Parameters and moments are rounded to f32 whenever a kernel changes them,
 * because checkpoints hold f32: a resumed run then goes on from the same numbers as one that never stopped.
 */
export class ReferenceEngine implements Engine {
  readonly name = "reference";
  readonly description = "f64 in JavaScript, one thread";
  readonly precision = "f64";

  /** Allocates every tensor of the plan as 64-bit numbers. */
  prepare(plan: Plan): Promise<ReferenceExecution> {
    return Promise.resolve(new ReferenceExecution(plan));
  }

  destroy(): void {}
}

/** What checkpoints keep. */
const keptRoles: ReadonlySet<Role> = new Set(["parameter", "moment"]);

function roundToF32(values: Float64Array | Uint32Array): void {
  for (let i = 0; i < values.length; i++) values[i] = Math.fround(values[i]!);
}

/** A plan in f64 arrays. */
export class ReferenceExecution implements Execution {
  /** What it runs. */
  readonly plan: Plan;
  readonly #arrays = new Map<Storage, Float64Array | Uint32Array>();

  /** Allocates every storage of the plan, zeroed. */
  constructor(plan: Plan) {
    this.plan = plan;
    for (const storage of plan.storages) {
      const array = storage.type === "u32"
        ? new Uint32Array(storage.length)
        : new Float64Array(storage.length);
      this.#arrays.set(storage, array);
    }
  }

  /** The live values of a tensor, in f64: reading and changing them needs no copy. */
  values(tensor: Tensor): Float64Array | Uint32Array {
    return this.#arrays.get(tensor.storage)!.subarray(tensor.offset, tensor.offset + tensor.length);
  }

  write(tensor: Tensor, values: ArrayLike<number>): void {
    this.values(tensor).set(values);
  }

  run(...programs: string[]): void {
    for (const program of programs) {
      for (const call of callsOf(this.plan, program)) {
        const operands: Record<string, Float64Array | Uint32Array> = {};
        for (const [name, tensor] of Object.entries(call.operands)) operands[name] = this.values(tensor);
        call.kernel.reference(call.shape, operands);
        for (const [name, operand] of Object.entries(call.kernel.operands(call.shape))) {
          const kept = keptRoles.has(call.operands[name]!.storage.role);
          if (kept && operand!.access !== "read") roundToF32(operands[name]!);
        }
      }
    }
  }

  readFloats(tensor: Tensor): Promise<Float32Array> {
    return Promise.resolve(Float32Array.from(this.values(tensor)));
  }

  readIntegers(tensor: Tensor): Promise<Uint32Array> {
    return Promise.resolve(Uint32Array.from(this.values(tensor)));
  }

  destroy(): void {
    this.#arrays.clear();
  }
}
