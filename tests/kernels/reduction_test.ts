import { assertEquals } from "@std/assert";
import {
  byteEmbeddingBackward,
  cachedAttention,
  classSums,
  crossEntropy,
  encodeSampling,
  encodeStep,
  GpuEngine,
  gradientNorm,
  type Kernel,
  layerNorm,
  layerNormBackward,
  lossSums,
  packedProduct,
  patchEmbeddingBackward,
  PlanBuilder,
  read,
  ReferenceEngine,
  sample,
  type Shape,
  unitNorm,
  write,
} from "@bgpt/kernels";
import { reductionWgsl } from "../../kernels/reduction.ts";
import { gpu } from "../gpu.ts";
import { assertClose, randomFloats, randomIntegers, runKernel, type Values } from "./compare.ts";

const subgroups = gpu?.gpu.subgroups;

/** The device of the tests, as if it had subgroups of so many lanes, or none. */
function engineWith(lanes?: number): GpuEngine {
  const { subgroups: _, ...device } = gpu!.gpu;
  return new GpuEngine(lanes === undefined ? device : { ...device, subgroups: { ...subgroups!, lanes } });
}

/** Registers a test that needs subgroups. */
function subgroupTest(name: string, run: () => Promise<void>): void {
  Deno.test({
    name: subgroups === undefined ? `${name} (needs subgroups of one size)` : name,
    ignore: subgroups === undefined,
    // The device outlives each test on purpose.
    sanitizeResources: false,
    sanitizeOps: false,
    fn: run,
  });
}

/** A reduction by itself, made twice so that the second must not overtake the first. */
type ReductionShape = {
  readonly type: "f32" | "vec2<f32>" | "vec4<f32>";
  readonly lanes: number;
  readonly combine: "+" | "max";
  readonly columns: number;
};

const components = { "f32": 1, "vec2<f32>": 2, "vec4<f32>": 4 };
const length = (type: ReductionShape["type"]) => 256 * components[type];

const reduceTwice: Kernel<ReductionShape, "x" | "once" | "twice"> = {
  name: "reduceTwice",
  operands: ({ type }) => ({ x: read(length(type)), once: write(length(type)), twice: write(length(type)) }),
  dispatches({ type, lanes, combine, columns }, device) {
    const width = components[type];
    const value = Array.from({ length: width }, (_, i) => `x[${width}u * thread + ${i}u]`).join(", ");
    const store = (operand: string, result: string) =>
      Array.from(
        { length: width },
        (_, i) => `${operand}[${width}u * thread + ${i}u] = ${result}${width === 1 ? "" : `[${i}]`};`,
      ).join("\n  ");
    const source = `${reductionWgsl("reduced", type, lanes, combine, device, columns)}
@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) thread: u32) {
  let first = reduced(${type}(${value}), thread);
  let second = reduced(first * f32(thread % 7u), thread);
  ${store("once", "first")}
  ${store("twice", "second")}
}`;
    return [{ source, workgroups: [1, 1, 1] }];
  },
  assembly: () => [],
  // Rounded to f32 after every addition, in the order that is promised: this is exact.
  reference(shape, { x, once, twice }) {
    const width = components[shape.type];
    once.set(x);
    reduceAll(shape, once);
    for (let i = 0; i < once.length; i++) twice[i] = Math.fround(once[i]! * (Math.floor(i / width) % 7));
    reduceAll(shape, twice);
  },
  cost: ({ type }) => ({ flops: 0, bytes: 12 * length(type) }),
  tolerance: { absolute: 0, relative: 0, reason: "every addition is rounded the same" },
};

/** Joins what is furthest apart first. */
function reduceAll({ type, lanes, combine, columns }: ReductionShape, values: Float64Array): void {
  const width = components[type];
  const threads = lanes * columns;
  for (let stride = threads / 2; stride >= columns; stride /= 2) {
    const before = values.slice();
    for (let i = 0; i < values.length; i++) {
      const thread = Math.floor(i / width);
      const near = i - thread % (2 * stride) * width + thread % stride * width;
      const [a, b] = [before[near]!, before[near + stride * width]!];
      values[i] = combine === "+" ? Math.fround(a + b) : Math.max(a, b);
    }
  }
}

subgroupTest("a reduction is one tree, whatever part of it subgroups compute", async () => {
  const sizes = [[1, 1], [2, 1], [4, 1], [256, 1], [2, 2], [32, 8], [4, 64]] as const;
  // Lanes in order are in order in halves of a subgroup, too, and in halves of those.
  const within = Array.from({ length: Math.log2(subgroups!.lanes) }, (_, i) => engineWith(2 ** (i + 1)));
  const engines = [engineWith(), ...within];
  for (const combine of ["+", "max"] as const) {
    for (const [i, [lanes, columns]] of sizes.entries()) {
      const type = (["f32", "vec2<f32>", "vec4<f32>"] as const)[i % 3]!;
      const shape = { type, lanes, combine, columns };
      const x = randomFloats(length(type), i);
      const expected = await runKernel(new ReferenceEngine(), reduceTwice, shape, { x });
      for (const engine of engines) {
        assertEquals(await runKernel(engine, reduceTwice, shape, { x }), expected, JSON.stringify(shape));
      }
    }
  }
});

/** A kernel that reduces, at a shape, with its inputs. */
function reducing<S extends Shape, F extends string, U extends string>(
  kernel: Kernel<S, F, U>,
  shape: S,
  given: Values = {},
) {
  const operands = Object.entries(kernel.operands(shape)) as [string, { length: number; type: string }][];
  const inputs = Object.fromEntries(
    operands.map(([name, { length, type }], i) => [
      name,
      given[name] ?? (type === "f32" ? randomFloats(length, i) : randomIntegers(length, i, 200)),
    ]),
  );
  return {
    name: `${kernel.name} at ${JSON.stringify(shape)}`,
    tolerance: kernel.tolerance,
    run: (engine: GpuEngine | ReferenceEngine) => runKernel(engine, kernel, shape, inputs),
    async compile(engine: GpuEngine) {
      const builder = new PlanBuilder();
      builder.program("test");
      const tensors = operands.map(([name, { length, type }]) =>
        [name, builder.tensor(name, [length], "output", type as "f32" | "u32")] as const
      );
      builder.call(kernel, shape, Object.fromEntries(tensors) as never, "test");
      (await engine.prepare(builder.build())).destroy();
    },
  };
}

const sequences = Uint32Array.of(2, 1, 0, 7, 130, 3, 0, 8, 64, 2, 0, 9);
const step = encodeStep({ lossScale: 0.25, maxGradientNorm: 1 });
const oneFile = new Uint32Array(40);
const cases = [
  // Rows of 32, 64 and 256 threads.
  ...[7, 1100, 4200].flatMap((C) => [
    reducing(layerNorm, { R: 9, C }),
    reducing(layerNormBackward, { R: 9, C, accumulate: true }),
  ]),
  reducing(crossEntropy, { R: 9, V: 257, gradient: true }, { step }),
  reducing(crossEntropy, { R: 3, V: 600, gradient: false }),
  reducing(gradientNorm, { length: 10_001 }, { step }),
  reducing(unitNorm, { length: 9_000 }),
  reducing(lossSums, { R: 5_000 }),
  reducing(classSums, { B: 300 }),
  reducing(cachedAttention, { B: 3, L: 130, H: 2, D: 20, row: "lastPatch" }, { sequences }),
  reducing(sample, { B: 3, S: 4, V: 257 }, {
    sequences,
    row: new Uint32Array(12).fill(256),
    sampling: encodeSampling({ topK: 100, topP: 0.9, temperature: 0.8, seed: 5 }),
  }),
  reducing(packedProduct, { M: 2, N: 67, K: 257, epilogue: "bias" }),
  reducing(byteEmbeddingBackward, { N: 40, S: 4, V: 257, C: 36 }),
  reducing(patchEmbeddingBackward, { P: 40, S: 4, V: 257, C: 9, L: 40 }, { fileStart: oneFile }),
];

subgroupTest(
  "every kernel that reduces has the same bits with subgroups and without, and agrees with the reference",
  async () => {
    const [without, within] = [engineWith(), engineWith(subgroups!.lanes)];
    for (const { name, tolerance, run } of cases) {
      const expected = await run(new ReferenceEngine());
      const shared = await run(without);
      for (const [operand, reference] of Object.entries(expected)) {
        // What a kernel keeps for itself differs.
        if (operand !== "scratch") {
          assertClose(shared[operand]!, reference, tolerance, `${name}, ${operand}`);
        }
      }
      assertEquals(await run(within), shared, name);
    }
  },
);

subgroupTest("every kernel that reduces compiles for subgroups of 32, 64 and 128 lanes", async () => {
  for (const lanes of [32, 64, 128]) {
    const engine = engineWith(lanes);
    for (const { compile } of cases) await compile(engine);
  }
});
