/**
 * A plan: kernel calls on named tensors, made once for a capacity and replayed by any engine. What it will cost in
 * memory and arithmetic is known before the first byte is allocated.
 * @module
 */
import type { AnyKernel, DataType, Kernel, Operand, Shape } from "./kernel.ts";

/**
 * What a tensor is for, and with it how long it lives. `activation` memory is shared between tensors that are not
 * alive together; everything else keeps its own and starts as zeros.
 */
export type Role = "parameter" | "gradient" | "moment" | "input" | "output" | "activation";

/** Memory of its own: one buffer, or a part of one that is shared over time. */
export interface Storage {
  /** That of the tensor that was declared with it. */
  readonly name: string;
  /** Type of its elements. */
  readonly type: DataType;
  /** Number of elements. */
  readonly length: number;
  /** How long it lives. */
  readonly role: Role;
}

/** A named window on a storage. */
export interface Tensor {
  /** Unique within the plan. */
  readonly name: string;
  /** Sizes, the slowest first. */
  readonly shape: readonly number[];
  /** Number of elements. */
  readonly length: number;
  /** The memory that it is a window on. */
  readonly storage: Storage;
  /** First element within the storage; a multiple of {@linkcode windowAlignment}. */
  readonly offset: number;
}

/** Windows start at multiples of 64 elements: 256 bytes, WebGPU's largest binding alignment. */
export const windowAlignment = 64;

/** One kernel call of a plan. */
export interface Call {
  /** Unique within the plan, for people: `byte.0.qkv`. */
  readonly label: string;
  /** The operation. */
  readonly kernel: AnyKernel;
  /** What it is built for. */
  readonly shape: Shape;
  /** Its tensors, in the kernel's order. */
  readonly operands: Readonly<Record<string, Tensor>>;
}

/** A finished plan. Programs stand in the order in which a step first runs them. */
export interface Plan {
  /** All memory. */
  readonly storages: readonly Storage[];
  /** All tensors by name. */
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** The calls of each program, by its name. */
  readonly programs: ReadonlyMap<string, readonly Call[]>;
}

/** Number of elements of a shape. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** Builds a {@linkcode Plan}, and refuses what no engine could run. */
export class PlanBuilder {
  readonly #storages: Storage[] = [];
  readonly #tensors = new Map<string, Tensor>();
  readonly #programs = new Map<string, Call[]>();
  readonly #written = new Set<Storage>();
  #current: Call[] | undefined;

  /**
   * A tensor with memory of its own.
   * @param name unique within the plan
   * @throws {RangeError} when the name is taken or a size is not a positive integer
   */
  tensor(name: string, shape: readonly number[], role: Role = "activation", type: DataType = "f32"): Tensor {
    const length = elementCount(shape);
    if (!Number.isSafeInteger(length) || length < 1) {
      throw new RangeError(
        `Cannot plan tensor "${name}": its shape is [${shape}], every size must be at least 1`,
      );
    }
    const storage: Storage = { name, type, length, role };
    this.#storages.push(storage);
    return this.#register({ name, shape, length, storage, offset: 0 });
  }

  /**
   * A named part of another tensor's memory, such as one parameter of the flat parameter storage.
   * @throws {RangeError} when it is misaligned or reaches beyond the storage
   */
  window(name: string, of: Tensor, offset: number, shape: readonly number[]): Tensor {
    const length = elementCount(shape);
    const start = of.offset + offset;
    if (start % windowAlignment !== 0 || start + length > of.storage.length) {
      throw new RangeError(
        `Cannot plan window "${name}" at element ${start} of "${of.storage.name}" (${of.storage.length} elements): ` +
          `it must start at a multiple of ${windowAlignment} and end within`,
      );
    }
    return this.#register({ name, shape, length, storage: of.storage, offset: start });
  }

  /** The program that later calls are added to; programs are run in the order in which they first appear here. */
  program(name: string): void {
    let calls = this.#programs.get(name);
    if (calls === undefined) this.#programs.set(name, calls = []);
    this.#current = calls;
  }

  /**
   * Adds a kernel call to the current program.
   * @throws {RangeError} when operands are missing, unknown, of another size or type, or read before they are written
   */
  call<S extends Shape, F extends string, U extends string>(
    kernel: Kernel<S, F, U>,
    shape: S,
    operands: Partial<Record<NoInfer<F | U>, Tensor>>,
    label: string,
  ): void {
    if (this.#current === undefined) throw new Error(`Cannot plan "${label}": no program was begun`);
    const where = `Cannot plan "${label}" (${kernel.name})`;
    const wanted = kernel.operands(shape) as Record<string, Operand>;
    const given = operands as Record<string, Tensor>;
    for (const name of Object.keys(given)) {
      if (wanted[name] === undefined) throw new RangeError(`${where}: this variant has no operand "${name}"`);
    }
    for (const [name, operand] of Object.entries(wanted)) {
      const tensor = given[name];
      if (tensor === undefined) throw new RangeError(`${where}: operand "${name}" is missing`);
      if (tensor.length !== operand.length || tensor.storage.type !== operand.type) {
        throw new RangeError(
          `${where}: operand "${name}" is "${tensor.name}" with ${tensor.length} ${tensor.storage.type}, ` +
            `it must have ${operand.length} ${operand.type}`,
        );
      }
      const uninitialised = tensor.storage.role === "activation" && !this.#written.has(tensor.storage);
      if (uninitialised && operand.access !== "write") {
        throw new RangeError(`${where}: operand "${name}" reads "${tensor.name}" before anything wrote it`);
      }
    }
    for (const [name, operand] of Object.entries(wanted)) {
      if (operand.access !== "read") this.#written.add(given[name]!.storage);
    }
    // Operands are kept in the kernel's order, which is the binding order of every engine.
    const ordered = Object.fromEntries(Object.keys(wanted).map((name) => [name, given[name]!]));
    this.#current.push({ label, kernel: kernel as unknown as AnyKernel, shape, operands: ordered });
  }

  /** The finished plan. */
  build(): Plan {
    return { storages: this.#storages, tensors: this.#tensors, programs: this.#programs };
  }

  #register(tensor: Tensor): Tensor {
    if (this.#tensors.has(tensor.name)) throw new RangeError(`Cannot plan tensor "${tensor.name}" twice`);
    this.#tensors.set(tensor.name, tensor);
    return tensor;
  }
}
