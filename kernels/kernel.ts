/**
 * What a kernel is: one operation on named operands, with its mathematics in f64 (the oracle), its WGSL, its cost and
 * the tolerance to which the two agree. Engines know nothing else about an operation.
 * @module
 */

/** Element type of a tensor: 4 bytes wide, but for `f16`, which only a GPU in mixed precision stores. */
export type DataType = "f32" | "u32" | "f16";

/**
 * How a kernel treats an operand: `read` leaves it alone, `write` sets every element whatever was there before,
 * `update` reads and changes it.
 */
export type Access = "read" | "write" | "update";

/** One operand of a kernel at a given shape. */
export interface Operand {
  /** Whether it is read, written or both. */
  readonly access: Access;
  /** Type of its elements. */
  readonly type: DataType;
  /** Number of elements. */
  readonly length: number;
}

/** The numbers a kernel is built for: sizes by their shape letter, and switches that choose a variant. */
export type Shape = Readonly<Record<string, number | boolean | string>>;

/** One dispatch of compute workgroups. */
export interface Dispatch {
  /** WGSL without the operand declarations (the engine puts them in front) and with an entry point `main`. */
  readonly source: string;
  /** Workgroups in x, y, z; at most 65,535 each (see {@linkcode foldWorkgroups}). */
  readonly workgroups: readonly [number, number, number];
  /** Operands declared as `array<vec4<…>>` instead of `array<…>`; their length and offset are multiples of 4. */
  readonly vectors?: readonly string[];
  /** WGSL extensions that it enables, such as `f16`. */
  readonly extensions?: readonly string[];
  /**
   * f32 of an array `scratch` that the dispatches of a call have beside their operands, to hand each other what nobody
   * else reads; all of them name the same length.
   */
  readonly scratchLength?: number;
}

/**
 * Matrices that the lanes of a subgroup multiply together, which is how WGSL reaches tensor cores: an M x K matrix times a
 * K x N one in f16, with sums in f32.
 */
export interface SubgroupMatrix {
  /** Rows of the product. */
  readonly M: number;
  /** Columns of the product. */
  readonly N: number;
  /** Terms of a sum. */
  readonly K: number;
  /** Lanes of a subgroup, in every subgroup of the device. */
  readonly lanes: number;
}

/** One of several ways to compute a call on a GPU, all with the same bits. */
export interface Variant {
  /** Tells it from the others. */
  readonly name: string;
  /** As in {@linkcode Kernel}. */
  dispatches(): Dispatch[];
}

/** What a kernel may use beyond plain WGSL in f32. */
export interface DeviceFacts {
  /** Absent where products are to be exact, or the device has none. */
  readonly subgroupMatrix?: SubgroupMatrix;
  /**
   * Lanes of every subgroup, a power of two; thread t of a workgroup is lane t modulo this. Absent where a device has no
   * such subgroups.
   */
  readonly subgroupLanes?: number;
  /** The call's operands that are stored in f16; none when absent. */
  readonly halves?: ReadonlySet<string>;
}

/**
 * One stage of a kernel on the cpu engine: an exported function of the assembly module that is called once for each part
 * of the work, as many as there are threads. Any thread may do a part, so nothing may be left in its scratch for the next
 * stage, which begins when all parts are done.
 */
export interface AssemblyStage {
  /** Exported function; behind the arguments it takes `part` and `parts`: which part, of how many. */
  readonly function: string;
  /**
   * An operand's name stands for its address in bytes, null for that of an operand that the variant leaves out, which
   * is 0; numbers are passed on as they are.
   */
  readonly arguments: readonly (string | number | null)[];
}

/** What a call costs when nothing is wasted: the two floors of its time. */
export interface Cost {
  /** Floating-point operations; a multiply-add counts two. */
  readonly flops: number;
  /** Bytes moved when every operand is touched once. */
  readonly bytes: number;
}

/** How far a result may stand from the f64 reference: |x − r| ≤ absolute + relative · max|r|, and why. */
export interface Tolerance {
  /** Part that does not depend on the result. */
  readonly absolute: number;
  /** Part that grows with the largest element of the reference. */
  readonly relative: number;
  /** Where the error comes from. */
  readonly reason: string;
}

/**
 * One operation. `F` names its f32 operands, `U` its u32 operands; a variant may leave some of them out.
 */
export interface Kernel<S extends Shape, F extends string, U extends string = never> {
  /** As in profiles and error messages, e.g. `layerNorm.backward`. */
  readonly name: string;
  /** The operands at this shape, in binding order. */
  operands(shape: S): Partial<Record<F | U, Operand>>;
  /** The dispatches that compute it, run one after the other on the same operands, in the best variant for the device. */
  dispatches(shape: S, device?: DeviceFacts): Dispatch[];
  /** The ways that may be the fastest, the likeliest first; only of kernels that have several. */
  variants?(shape: S, device?: DeviceFacts): readonly Variant[];
  /** The stages that compute it on the cpu engine; a result must not depend on the number of threads. */
  assembly(shape: S): AssemblyStage[];
  /** The same in f64, written for reading: the oracle of the tests and the `reference` engine. */
  reference(shape: S, operands: Record<F, Float64Array> & Record<U, Uint32Array>): void;
  /** The floors of its time. */
  cost(shape: S): Cost;
  /** How far results may stand from `reference`. */
  readonly tolerance: Tolerance;
  /**
   * f32 operands that may lie in memory as f16, so that half the bytes are moved. The WGSL reads them by `f32(x[i])` or
   * `vec4<f32>(x[i])` and writes them by `xElement(…)`, and is the same for both: `xElement` is what the array holds,
   * `xScalar` one number of it. Statistics, sums and the residual stream stay out of this list.
   */
  readonly halves?: readonly NoInfer<F>[];
}

/** Any kernel, its types forgotten: what plans and engines carry. */
export interface AnyKernel {
  /** As in {@linkcode Kernel}. */
  readonly name: string;
  /** As in {@linkcode Kernel}. */
  // deno-lint-ignore no-explicit-any
  operands(shape: any): Partial<Record<string, Operand>>;
  /** As in {@linkcode Kernel}. */
  // deno-lint-ignore no-explicit-any
  dispatches(shape: any, device?: DeviceFacts): Dispatch[];
  /** As in {@linkcode Kernel}. */
  // deno-lint-ignore no-explicit-any
  variants?(shape: any, device?: DeviceFacts): readonly Variant[];
  /** As in {@linkcode Kernel}. */
  // deno-lint-ignore no-explicit-any
  assembly(shape: any): AssemblyStage[];
  /** As in {@linkcode Kernel}. */
  // deno-lint-ignore no-explicit-any
  reference(shape: any, operands: Record<string, Float64Array | Uint32Array>): void;
  /** As in {@linkcode Kernel}. */
  // deno-lint-ignore no-explicit-any
  cost(shape: any): Cost;
  /** As in {@linkcode Kernel}. */
  readonly tolerance: Tolerance;
  /** As in {@linkcode Kernel}. */
  readonly halves?: readonly string[];
}

/** Marks WGSL for editors and keeps backslashes; sizes are interpolated as template parameters. */
export function wgsl(parts: TemplateStringsArray, ...values: unknown[]): string {
  return String.raw({ raw: parts.raw }, ...values);
}

/** An operand that is only read. */
export function read(length: number, type: DataType = "f32"): Operand {
  return { access: "read", type, length };
}

/** An operand whose every element is set. */
export function write(length: number, type: DataType = "f32"): Operand {
  return { access: "write", type, length };
}

/** An operand that is read and changed. */
export function update(length: number, type: DataType = "f32"): Operand {
  return { access: "update", type, length };
}

/** `ceil(a / b)` for counts. */
export function divideUp(a: number, b: number): number {
  return Math.ceil(a / b);
}

/** Workgroups that WebGPU allows in one dimension on every adapter. */
const maxWorkgroupsPerDimension = 65535;

/**
 * Folds a one-dimensional count of workgroups into x and y, because a dimension holds at most 65,535. The kernel takes
 * its index as `group.y * FOLD + group.x` with {@linkcode foldWidth}, and leaves when it is not below the count.
 */
export function foldWorkgroups(count: number): [number, number, number] {
  const width = foldWidth(count);
  return [width, divideUp(count, width), 1];
}

/** The width x of {@linkcode foldWorkgroups}. */
export function foldWidth(count: number): number {
  return Math.max(1, Math.min(count, maxWorkgroupsPerDimension));
}
