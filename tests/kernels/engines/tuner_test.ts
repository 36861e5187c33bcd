import { assert, assertEquals } from "@std/assert";
import { GpuEngine, type Kernel, matmul, type MatmulShape, PlanBuilder, tune, write } from "@bgpt/kernels";
import { gpuTest } from "../../gpu.ts";
import { randomFloats } from "../compare.ts";

/** Writes how it was computed: 1 at once, by the likeliest variant 2 after long calculations. */
const eitherWay: Kernel<{ length: number }, "x"> = {
  name: "eitherWay",
  operands: ({ length }) => ({ x: write(length) }),
  dispatches: () => slowly(),
  variants: () => [{ name: "slow", dispatches: slowly }, { name: "quick", dispatches: () => source("1.0") }],
  assembly: () => [],
  reference: ({ length }, { x }) => void x.fill(1, 0, length),
  cost: ({ length }) => ({ flops: 0, bytes: 4 * length }),
  tolerance: { absolute: 0, relative: 0, reason: "exact" },
};

const slowly = () =>
  source("select(2.0, 3.0, sum < 0.0)", "for (var i = 0; i < 10000; i++) { sum = sin(sum); }");

function source(value: string, before = "") {
  const body = `var sum = 1.0; ${before} if (thread.x < arrayLength(&x)) { x[thread.x] = ${value}; }`;
  const main =
    `@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) thread: vec3<u32>) { ${body} }`;
  return [{ source: main, workgroups: [8, 1, 1] as [number, number, number] }];
}

gpuTest("the quickest variant is found by running all, and every later plan takes it", async ({ gpu }) => {
  const engine = new GpuEngine(gpu);
  const builder = new PlanBuilder();
  builder.program("run");
  const tensors = [500, 500, 300].map((length, i) => builder.tensor(`x${i}`, [length], "output"));
  for (const [i, x] of tensors.entries()) builder.call(eitherWay, { length: x.length }, { x }, `call ${i}`);
  const plan = builder.build();
  const values = async () => {
    const execution = await engine.prepare(plan);
    execution.run("run");
    const first = await Promise.all(tensors.map(async (x) => (await execution.readFloats(x))[0]));
    execution.destroy();
    return first;
  };
  assertEquals(await values(), [2, 2, 2]);
  await tune(engine, plan);
  const keys = [500, 300].map((length) => `eitherWay {"length":${length}} f32`);
  assertEquals([...engine.tuning], keys.map((key) => [key, "quick"]));
  assertEquals(await values(), [1, 1, 1]);
  assertEquals(engine.untunedCalls(plan).size, 0);
  engine.tuning.set(keys[0]!, "of another version");
  assertEquals(await values(), [2, 2, 1]);
});

gpuTest("a product keeps its bits whichever tile turns out to be the quickest", async ({ gpu }) => {
  const [M, N, K] = [64, 64, 48];
  for (
    const shape of [
      { layout: "NN", M, N, K, epilogue: "none" },
      { layout: "TN", M, N, K, epilogue: "accumulateBias" },
    ] satisfies MatmulShape[]
  ) {
    const engine = new GpuEngine(gpu);
    const builder = new PlanBuilder();
    builder.program("run");
    const operands = Object.entries(matmul.operands(shape));
    const tensors = operands.map(([name, { length }]) =>
      [name, builder.tensor(name, [length], "output")] as const
    );
    builder.call(matmul, shape, Object.fromEntries(tensors), "product");
    const plan = builder.build();
    const product = async () => {
      const execution = await engine.prepare(plan);
      for (const [i, [, tensor]] of tensors.entries()) {
        execution.write(tensor, randomFloats(tensor.length, i));
      }
      execution.run("run");
      const values = await Promise.all(tensors.map(([, tensor]) => execution.readFloats(tensor)));
      execution.destroy();
      return values;
    };
    const [key, { variants }] = [...engine.untunedCalls(plan)][0]!;
    const expected = await product();
    assert(variants.length > 1);
    for (const name of variants) {
      engine.tuning.set(key, name);
      assertEquals(await product(), expected, name);
    }
  }
});
