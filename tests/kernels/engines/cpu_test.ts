import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { clear, CpuEngine, DeviceError, type Kernel, matmul, PlanBuilder, wgsl, write } from "@bgpt/kernels";
import { compareWithReference, randomFloats, runKernel } from "../compare.ts";

/** A kernel whose assembly is whatever a test wants. */
function broken(name: string): Kernel<{ length: number }, "x"> {
  return {
    ...clear,
    operands: ({ length }) => ({ x: write(length) }),
    dispatches: () => [{ source: wgsl``, workgroups: [1, 1, 1] }],
    assembly: () => [{ function: name, arguments: ["x", 2 ** 30] }],
  };
}

function planOf(kernel: Kernel<{ length: number }, "x">) {
  const builder = new PlanBuilder();
  const x = builder.tensor("x", [1000], "output");
  builder.program("test");
  builder.call(kernel, { length: 1000 }, { x }, "the call");
  return { plan: builder.build(), x };
}

Deno.test("writes, runs and reads take effect in the order of the calls, on any number of threads", async () => {
  for (const threads of [1, 2, 5]) {
    const engine = await CpuEngine.create({ threads });
    const { plan, x } = planOf(clear);
    const execution = await engine.prepare(plan);
    const ones = new Float32Array(1000).fill(1);
    execution.write(x, ones);
    const before = execution.readFloats(x);
    execution.run("test");
    const between = execution.readFloats(x);
    execution.write(x, ones);
    const after = execution.readFloats(x);
    assertEquals(await before, ones);
    assertEquals(await between, new Float32Array(1000));
    assertEquals(await after, ones);
    engine.destroy();
  }
});

Deno.test("a thread that fails stops the step with its error, and the others do not hang", async () => {
  const engine = await CpuEngine.create({ threads: 3 });
  const { plan, x } = planOf(broken("clear"));
  const execution = await engine.prepare(plan);
  execution.run("test");
  await assertRejects(() => execution.readFloats(x), DeviceError, "the call: memory access out of bounds");
  assertThrows(() => execution.run("test"), DeviceError, "the call: memory access out of bounds");
  // What cleans up after the failure does not hide it.
  execution.destroy();
  engine.destroy();
});

Deno.test("a plan may be given back when its engine is closed", async () => {
  const engine = await CpuEngine.create({ threads: 1 });
  const execution = await engine.prepare(planOf(clear).plan);
  engine.destroy();
  execution.destroy();
});

Deno.test("a part of an array is written without the rest of it, and may be changed at once", async () => {
  const engine = await CpuEngine.create({ threads: 1 });
  const { plan, x } = planOf(clear);
  const execution = await engine.prepare(plan);
  const { postMessage } = Worker.prototype;
  const byteLengths: number[] = [];
  Worker.prototype.postMessage = function (message, options) {
    byteLengths.push(message.values.buffer.byteLength);
    postMessage.call(this, message, options as StructuredSerializeOptions);
  };
  const all = new Float32Array(new SharedArrayBuffer(4 * 100_000)).fill(5);
  try {
    execution.write(x, all.subarray(10, 1010));
  } finally {
    Worker.prototype.postMessage = postMessage;
  }
  all.fill(6);
  assertEquals(byteLengths, [4000]);
  assertEquals(await execution.readFloats(x), new Float32Array(1000).fill(5));
  engine.destroy();
});

Deno.test("a kernel that the module does not have is named", async () => {
  const engine = await CpuEngine.create({ threads: 2 });
  const { plan, x } = planOf(broken("noSuchFunction"));
  const execution = await engine.prepare(plan);
  await assertRejects(() => execution.readFloats(x), Error, "no function noSuchFunction for the call");
  engine.destroy();
});

Deno.test("a call on more numbers than kernels count is refused, naming the tensor", async () => {
  const engine = await CpuEngine.create({ threads: 1 });
  const length = 2 ** 31;
  const builder = new PlanBuilder();
  const x = builder.tensor("x", [length], "output");
  builder.program("test");
  builder.call(clear, { length }, { x }, "the call");
  await assertRejects(
    () => engine.prepare(builder.build()),
    RangeError,
    `Cannot compute with "x": it has ${length} numbers, kernels count to ${length - 1}. Use a smaller batch`,
  );
  engine.destroy();
});

Deno.test("a number of threads that cannot be is refused", async () => {
  for (const threads of [0, 1.5, -1]) {
    await assertRejects(() => CpuEngine.create({ threads }), RangeError, `${threads}`);
  }
});

Deno.test("where the runtime has no relaxed SIMD, the engine is strict, says so, and computes", async () => {
  const { validate } = WebAssembly;
  WebAssembly.validate = () => false;
  try {
    const engine = await CpuEngine.create({ threads: 2 });
    assertEquals([engine.strict, engine.description], [true, "WebAssembly, strict SIMD, 2 threads"]);
    const shape = { layout: "NN", M: 5, N: 9, K: 70, epilogue: "none" } as const;
    const inputs = { a: randomFloats(5 * 70, 1), b: randomFloats(70 * 9, 2) };
    await compareWithReference(engine, matmul, shape, inputs);
    const strict = await CpuEngine.create({ threads: 1, strict: true });
    assertEquals(
      await runKernel(engine, matmul, shape, inputs),
      await runKernel(strict, matmul, shape, inputs),
    );
    engine.destroy();
    strict.destroy();
  } finally {
    WebAssembly.validate = validate;
  }
});

Deno.test("a program that closes the engine behind queued work ends by itself", async () => {
  const program = `
    import { clear, CpuEngine, PlanBuilder } from "@bgpt/kernels";
    const engine = await CpuEngine.create({ threads: 3 });
    const builder = new PlanBuilder();
    const x = builder.tensor("x", [100000], "output");
    builder.program("test");
    builder.call(clear, { length: 100000 }, { x }, "clear");
    const execution = await engine.prepare(builder.build());
    execution.run("test");
    await execution.readFloats(x);
    for (let i = 0; i < 2000; i++) execution.run("test");
    engine.destroy();`;
  for (let attempt = 0; attempt < 3; attempt++) {
    const child = new Deno.Command(Deno.execPath(), {
      args: ["eval", "--no-check", program],
      cwd: `${import.meta.dirname}/../../..`,
      stdout: "null",
    }).spawn();
    const timer = setTimeout(() => child.kill("SIGKILL"), 60_000);
    const { code } = await child.status;
    clearTimeout(timer);
    assertEquals(code, 0, "the program was still there after a minute");
  }
});
