import { assertEquals, assertThrows } from "@std/assert";
import {
  clear,
  type Execution,
  GpuEngine,
  matmul,
  type MatmulShape,
  type Plan,
  PlanBuilder,
  ReferenceEngine,
  type Tensor,
  whyNotMixed,
} from "@bgpt/kernels";
import { halfPlan } from "../../../kernels/engines/gpu/half_storage.ts";
import { gpu } from "../../gpu.ts";
import { assertClose, randomFloats } from "../compare.ts";

const reason = gpu === undefined ? "needs a WebGPU adapter" : whyNotMixed(gpu.gpu);

/** Registers a test that needs half precision. */
function mixedTest(name: string, run: (engine: GpuEngine) => Promise<void>): void {
  Deno.test({
    name: reason === undefined ? name : `${name} (${reason})`,
    ignore: reason !== undefined,
    // The device outlives each test on purpose.
    sanitizeResources: false,
    sanitizeOps: false,
    fn: () => run(new GpuEngine(gpu!.gpu, { precision: "mixed" })),
  });
}

// No size is a multiple of what storages and windows are aligned to.
const [M, N, K] = [17, 19, 13];
const first: MatmulShape = { layout: "NN", M, N, K, epilogue: "none" };
const second: MatmulShape = { layout: "NT", M, N: K, K: N, epilogue: "none" };

/** out = (a·b)·cᵀ, with a, b and c parameters, of which b and c lie in one storage. */
function twoProducts(): { plan: Plan; a: Tensor; b: Tensor; c: Tensor; inner: Tensor; out: Tensor } {
  const builder = new PlanBuilder();
  const a = builder.tensor("a", [M, K], "parameter");
  const flat = builder.tensor("flat", [320 + K * N], "parameter");
  const b = builder.window("b", flat, 0, [K, N]);
  const c = builder.window("c", flat, 320, [K, N]);
  const inner = builder.tensor("inner", [M, N]);
  const out = builder.tensor("out", [M, K], "output");
  builder.program("run");
  builder.call(matmul, first, { a, b, out: inner }, "first");
  builder.call(matmul, second, { a: inner, b: c, out }, "second");
  return { plan: builder.build(), a, b, c, inner, out };
}

const rounded = (values: Float32Array) => values.map(Math.f16round);

mixedTest("products read f16 copies of parameters, which follow every change of them", async (engine) => {
  const { plan, a, b, c, inner, out } = twoProducts();
  const [own, oracle] = [await engine.prepare(plan), await new ReferenceEngine().prepare(plan)];
  const run = async (execution: Execution) => {
    execution.run("run");
    return [await execution.readFloats(inner), await execution.readFloats(out)] as const;
  };
  for (const seed of [1, 2]) {
    for (const [i, tensor] of [a, b, c].entries()) {
      // The second time only one window changes.
      if (seed === 2 && tensor !== c) continue;
      const values = randomFloats(tensor.length, 10 * seed + i);
      own.write(tensor, values);
      oracle.write(tensor, rounded(values));
    }
    const [actual, expected] = [await run(own), await run(oracle)];
    // What is in between is rounded to f16 too.
    assertClose(actual[0], expected[0], { absolute: 1e-5, relative: 2 ** -11 }, "inner");
    assertEquals(actual[0], rounded(actual[0]));
    assertClose(actual[1], expected[1], { absolute: 5e-3, relative: 0 }, "out");
  }
  assertEquals(await own.readFloats(a), randomFloats(a.length, 10)); // parameters themselves stay f32
  own.destroy();
});

mixedTest(
  "what is written to and read from a tensor in f16 is what f16 holds, odd lengths too, but no odd part of it",
  async (engine) => {
    const { plan, inner } = twoProducts();
    const execution = await engine.prepare(plan);
    const values = randomFloats(inner.length, 3, 1000);
    execution.write(inner, values);
    assertEquals(await execution.readFloats(inner), rounded(values));
    execution.write(inner, Float32Array.of(7, 8));
    values.set([7, 8]);
    assertThrows(
      () => execution.write(inner, Float32Array.of(9)),
      RangeError,
      `Cannot write 1 of the ${inner.length} values of "inner"`,
    );
    assertEquals(await execution.readFloats(inner), rounded(values));
    execution.destroy();
  },
);

Deno.test("copies of parameters are brought up to date once for many changes: before they are read, and at the end", () => {
  const builder = new PlanBuilder();
  const flat = builder.tensor("flat", [2 * 64 * 64], "parameter");
  const [a, b] = [builder.window("a", flat, 0, [64, 64]), builder.window("b", flat, 64 * 64, [64, 64])];
  const out = builder.tensor("out", [64, 64], "output");
  builder.program("run");
  builder.call(clear, { length: a.length }, { x: a }, "first change");
  builder.call(clear, { length: b.length }, { x: b }, "second change");
  builder.call(matmul, { layout: "NN", M: 64, N: 64, K: 64, epilogue: "none" }, { a, b, out }, "product");
  builder.call(clear, { length: a.length }, { x: a }, "third change");
  builder.call(clear, { length: out.length }, { x: out }, "something else");
  const calls = halfPlan(builder.build()).plan.programs.get("run")!;
  assertEquals(calls.map(({ label }) => label), [
    "first change",
    "second change",
    "flat.shadow",
    "product",
    "third change",
    "something else",
    "flat.shadow",
  ]);
});
