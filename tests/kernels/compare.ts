/** Runs one kernel on an engine and on the f64 reference, and holds them against each other. */
import { assert } from "@std/assert";
import {
  type Engine,
  type Kernel,
  PlanBuilder,
  randomUniform,
  ReferenceEngine,
  type Shape,
  type Tensor,
} from "@bgpt/kernels";

/** Operand values by name. */
export type Values = Record<string, Float32Array | Uint32Array>;

/** `length` numbers in [-scale, scale), a pure function of the seed. */
export function randomFloats(length: number, seed: number, scale = 1): Float32Array {
  return Float32Array.from({ length }, (_, i) => (2 * randomUniform(i, 77, seed) - 1) * scale);
}

/** `length` integers in [0, bound), a pure function of the seed. */
export function randomIntegers(length: number, seed: number, bound: number): Uint32Array {
  return Uint32Array.from({ length }, (_, i) => Math.floor(randomUniform(i, 78, seed) * bound));
}

/**
 * One call of the kernel on the engine. Operands that are only written start as NaN (or 0xFFFFFFFF), so that an
 * element nobody wrote shows.
 */
export async function runKernel<S extends Shape, F extends string, U extends string>(
  engine: Engine,
  kernel: Kernel<S, F, U>,
  shape: S,
  inputs: Values,
): Promise<Record<string, Float32Array | Uint32Array>> {
  const builder = new PlanBuilder();
  builder.program("test");
  const tensors: Record<string, Tensor> = {};
  const operands = Object.entries(kernel.operands(shape)) as [
    string,
    { length: number; type: "f32" | "u32"; access: string },
  ][];
  for (const [name, { length, type }] of operands) {
    tensors[name] = builder.tensor(name, [length], "output", type);
  }
  builder.call(kernel, shape, tensors as Partial<Record<F | U, Tensor>>, "test");
  const execution = await engine.prepare(builder.build());
  try {
    for (const [name, { length, type, access }] of operands) {
      const given = inputs[name];
      assert(given !== undefined || access === "write", `the test gives no values for operand "${name}"`);
      const blank = type === "f32"
        ? new Float32Array(length).fill(NaN)
        : new Uint32Array(length).fill(0xffffffff);
      const values = given ?? blank;
      assert(
        values.length === length,
        `operand "${name}" takes ${length} values, the test gives ${values.length}`,
      );
      execution.write(tensors[name]!, values);
    }
    execution.run("test");
    const results: Record<string, Float32Array | Uint32Array> = {};
    for (const [name, { type, access }] of operands) {
      if (access === "read") continue;
      results[name] = await (type === "f32"
        ? execution.readFloats(tensors[name]!)
        : execution.readIntegers(tensors[name]!));
    }
    return results;
  } finally {
    execution.destroy();
  }
}

/** Asserts that the engine's result agrees with the reference within the kernel's stated tolerance. */
export async function compareWithReference<S extends Shape, F extends string, U extends string>(
  engine: Engine,
  kernel: Kernel<S, F, U>,
  shape: S,
  inputs: Values,
): Promise<void> {
  const expected = await runKernel(new ReferenceEngine(), kernel, shape, inputs);
  const actual = await runKernel(engine, kernel, shape, inputs);
  for (const [name, reference] of Object.entries(expected)) {
    assertClose(
      actual[name]!,
      reference,
      kernel.tolerance,
      `${kernel.name}.${name} at ${JSON.stringify(shape)}`,
    );
  }
}

/** Asserts |x − r| ≤ absolute + relative · max|r| for every element; NaN never agrees. */
export function assertClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: { absolute: number; relative: number },
  what: string,
): void {
  assert(actual.length === expected.length, `${what}: ${actual.length} values, expected ${expected.length}`);
  let largest = 0;
  for (let i = 0; i < expected.length; i++) largest = Math.max(largest, Math.abs(expected[i]!));
  const allowed = tolerance.absolute + tolerance.relative * largest;
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs(actual[i]! - expected[i]!);
    assert(
      difference <= allowed,
      `${what}: element ${i} is ${actual[i]}, expected ${expected[i]} within ${allowed}`,
    );
  }
}

/**
 * dL/dx by central differences in f64, for L = Σ weights ⊙ output of one reference call.
 * @param indices which elements of the operand to shift
 */
export function finiteDifferences<S extends Shape, F extends string, U extends string>(
  kernel: Kernel<S, F, U>,
  shape: S,
  inputs: Record<string, Float64Array | Uint32Array>,
  options: {
    operand: string;
    output: string;
    weights: Float64Array;
    indices: readonly number[];
    delta?: number;
  },
): Float64Array {
  const { operand, output, weights, indices, delta = 1e-5 } = options;
  const loss = (): number => {
    const operands: Record<string, Float64Array | Uint32Array> = {};
    for (const [name, spec] of Object.entries(kernel.operands(shape)) as [string, { length: number }][]) {
      operands[name] = inputs[name]?.slice() ?? new Float64Array(spec.length);
    }
    kernel.reference(shape, operands as never);
    const y = operands[output]!;
    return weights.reduce((sum, w, i) => sum + w * y[i]!, 0);
  };
  const x = inputs[operand]!;
  return Float64Array.from(indices, (i) => {
    const kept = x[i]!;
    x[i] = kept + delta;
    const above = loss();
    x[i] = kept - delta;
    const below = loss();
    x[i] = kept;
    return (above - below) / (2 * delta);
  });
}
