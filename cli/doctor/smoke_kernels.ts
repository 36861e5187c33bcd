/**
 * A few of the real kernels at small shapes, held against their f64 references: whether this adapter computes right.
 * @module
 */
import {
  type AnyKernel,
  attention,
  crossEntropy,
  encodeStep,
  type Engine,
  layerNorm,
  matmul,
  type Operand,
  PlanBuilder,
  randomUniform,
  ReferenceEngine,
  type Shape,
  type Tensor,
} from "@bgpt/kernels";

/** A kernel's result beside its reference. */
export interface SmokeResult {
  readonly kernel: string;
  readonly shape: Shape;
  /** Largest |x − r| over all that the kernel writes; NaN where it wrote none. */
  readonly largestError: number;
  /** What its tolerance allows, of the operand that came closest to it. */
  readonly allowed: number;
  readonly agrees: boolean;
}

interface SmokeKernel {
  readonly kernel: AnyKernel;
  readonly shape: Shape;
  /** Values of the operands that are whole numbers. */
  readonly integers: Readonly<Record<string, Uint32Array>>;
}

const rowCount = 40;
const vocabulary = 257;

const smokeKernels: readonly SmokeKernel[] = [
  {
    kernel: matmul as unknown as AnyKernel,
    shape: { layout: "NN", M: 65, N: 100, K: 128, epilogue: "biasGelu" },
    integers: {},
  },
  { kernel: layerNorm as unknown as AnyKernel, shape: { R: rowCount, C: 128 }, integers: {} },
  {
    kernel: attention as unknown as AnyKernel,
    shape: { P: rowCount, H: 2, D: 64, dropout: false, stream: 0 },
    // Two files, the second from patch 17 on.
    integers: { fileStart: Uint32Array.from({ length: rowCount }, (_, p) => p < 17 ? 0 : 17) },
  },
  {
    kernel: crossEntropy as unknown as AnyKernel,
    shape: { R: rowCount, V: vocabulary, gradient: true },
    integers: {
      targets: Uint32Array.from({ length: rowCount }, (_, r) => (r * 97) % vocabulary),
      step: encodeStep({ lossScale: 1 }),
    },
  },
];

/** Runs them all. */
export async function runSmokeKernels(engine: Engine): Promise<SmokeResult[]> {
  const results: SmokeResult[] = [];
  for (const smoke of smokeKernels) {
    const expected = await resultsOf(new ReferenceEngine(), smoke);
    const actual = await resultsOf(engine, smoke);
    results.push(compare(smoke, expected, actual));
  }
  return results;
}

/** What the kernel writes, by operand. Operands start as random numbers, those that are only written as NaN. */
async function resultsOf(engine: Engine, smoke: SmokeKernel): Promise<Map<string, Float32Array>> {
  const { kernel, shape, integers } = smoke;
  const plan = new PlanBuilder();
  plan.program("smoke");
  const operands = Object.entries(kernel.operands(shape)) as [string, Operand][];
  const tensors: Record<string, Tensor> = {};
  for (const [name, { length, type }] of operands) {
    tensors[name] = plan.tensor(name, [length], "output", type);
  }
  plan.call(kernel, shape, tensors, kernel.name);
  const execution = await engine.prepare(plan.build());
  for (const [index, [name, { length, access }]] of operands.entries()) {
    const floats = () => Float32Array.from({ length }, (_, i) => 2 * randomUniform(i, index, 0) - 1);
    const values = integers[name] ?? (access === "write" ? new Float32Array(length).fill(NaN) : floats());
    execution.write(tensors[name]!, values);
  }
  execution.run("smoke");
  const results = new Map<string, Float32Array>();
  for (const [name, { access }] of operands) {
    if (access !== "read") results.set(name, await execution.readFloats(tensors[name]!));
  }
  execution.destroy();
  return results;
}

function compare(
  { kernel, shape }: SmokeKernel,
  expected: ReadonlyMap<string, Float32Array>,
  actual: ReadonlyMap<string, Float32Array>,
): SmokeResult {
  let worst = { largestError: 0, allowed: 1, ratio: -1 };
  for (const [name, reference] of expected) {
    const values = actual.get(name)!;
    let [largest, largestError] = [0, 0];
    for (const [i, r] of reference.entries()) {
      const error = Math.abs(values[i]! - r);
      largest = Math.max(largest, Math.abs(r));
      // A NaN stays, as no comparison with it is true.
      if (!(error <= largestError)) largestError = Number.isNaN(largestError) ? NaN : error;
    }
    const allowed = kernel.tolerance.absolute + kernel.tolerance.relative * largest;
    const ratio = Number.isNaN(largestError) ? Infinity : largestError / allowed;
    if (ratio > worst.ratio) worst = { largestError, allowed, ratio };
  }
  const { largestError, allowed, ratio } = worst;
  return { kernel: kernel.name, shape, largestError, allowed, agrees: ratio <= 1 };
}
