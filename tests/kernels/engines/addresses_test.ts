/** Addresses of 64 bits: the kernels far up in memory, and runtimes that do not have such memory. */
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import {
  adamw,
  attention,
  attentionBackward,
  byteAttentionBackward,
  byteConvolution,
  byteConvolutionBackward,
  byteEmbeddingBackward,
  cachedAttention,
  columnSum,
  CpuEngine,
  type CpuOptions,
  crossEntropy,
  dropout,
  encodeSampling,
  encodeStep,
  type Engine,
  type Kernel,
  layerNormBackward,
  layerNormParameterGradient,
  matmul,
  packedProduct,
  patchEmbeddingBackward,
  type Plan,
  PlanBuilder,
  rotary,
  sample,
  type Shape,
} from "@bgpt/kernels";
import { randomFloats, randomIntegers, runKernel, type Values } from "../compare.ts";

/** A plan of outputs of these sizes and nothing to run. */
function planOf(...byteLengths: number[]): Plan {
  const builder = new PlanBuilder();
  for (const [i, byteLength] of byteLengths.entries()) builder.tensor(`x${i}`, [byteLength / 4], "output");
  return builder.build();
}

/** The engine with 5 GiB that nobody touches in front of every plan. */
function farUp(engine: CpuEngine): Engine {
  const [front] = planOf(5 * 2 ** 30).storages;
  return {
    name: engine.name,
    description: engine.description,
    precision: engine.precision,
    prepare: (plan) => engine.prepare({ ...plan, storages: [front!, ...plan.storages] }),
    destroy: () => engine.destroy(),
  };
}

/** Runs with what a runtime does that does not know addresses of 64 bits: it takes no notice of the wish for them. */
async function withoutWide<T>(run: () => Promise<T>): Promise<T> {
  const { Memory } = WebAssembly;
  WebAssembly.Memory = class extends Memory {
    constructor({ initial, maximum, shared }: WebAssembly.MemoryDescriptor) {
      super({ initial, maximum: maximum!, shared: shared! });
    }
  };
  try {
    return await run();
  } finally {
    WebAssembly.Memory = Memory;
  }
}

/** Random operands; places of rows and tokens within the tables. */
function inputsOf<S extends Shape>(kernel: Kernel<S, string, string>, shape: S): Values {
  const inputs: Values = {};
  for (const [name, operand] of Object.entries(kernel.operands(shape))) {
    const { length, type, access } = operand!;
    if (access === "write") continue;
    if (name === "step") {
      inputs[name] = encodeStep({ dropoutSeed: 3, dropoutRate: 0.2, lossScale: 2, learningRate: 1e-3 });
    } // One file, from the strip's first patch on.
    else if (name === "fileStart") inputs[name] = new Uint32Array(length);
    else if (name === "sampling") inputs[name] = encodeSampling({ topK: 40 });
    // Rows without a byte, sequences at the sixth of the patch behind their ninth.
    else if (name === "row") inputs[name] = new Uint32Array(length).fill(256);
    else if (name === "sequences") {
      inputs[name] = Uint32Array.from({ length }, (_, i) => [9, 5, 0, i][i % 4]!);
    } else if (type === "u32") inputs[name] = randomIntegers(length, 5, Number(shape["V"]));
    else inputs[name] = randomFloats(length, name.length, 1);
  }
  return inputs;
}

const cases: readonly (readonly [kernel: unknown, shape: Shape])[] = [
  [matmul, { layout: "NN", M: 21, N: 43, K: 590, epilogue: "biasGelu" }],
  [matmul, { layout: "NT", M: 21, N: 43, K: 590, epilogue: "geluGradient" }],
  [matmul, { layout: "TN", M: 21, N: 43, K: 590, epilogue: "accumulateBias" }],
  [packedProduct, { M: 3, N: 43, K: 590, epilogue: "biasResidual" }],
  [attention, { P: 70, H: 2, D: 16, dropout: true, stream: 1 }],
  [attentionBackward, { P: 70, H: 2, D: 16, dropout: true, stream: 1 }],
  [byteAttentionBackward, { N: 3, S: 16, H: 2, D: 16, dropout: false, stream: 1 }],
  [patchEmbeddingBackward, { P: 70, S: 3, V: 5, C: 97, L: 70 }],
  [byteConvolution, { N: 9, S: 16, V: 17, C: 43, W: 21 }],
  [byteConvolutionBackward, { N: 9, S: 16, V: 17, C: 43, W: 21 }],
  [byteEmbeddingBackward, { N: 9, S: 16, V: 17, C: 97 }],
  [byteEmbeddingBackward, { N: 9, S: 16, V: 17, C: 97, feature: "every" }],
  [layerNormBackward, { R: 33, C: 50, accumulate: true }],
  [crossEntropy, { R: 33, V: 257, gradient: true }],
  [layerNormParameterGradient, { R: 133, C: 50 }],
  [columnSum, { R: 133, C: 43 }],
  [rotary, { R: 33, H: 2, D: 16, theta: 100, inverse: false }],
  [cachedAttention, { B: 3, L: 70, H: 2, D: 16, row: "lastPatch" }],
  [cachedAttention, { B: 3, L: 70, H: 2, D: 16, row: "nextByte", ring: 16 }],
  [sample, { B: 3, S: 16, V: 257 }],
  [dropout, { length: 1000, stream: 1, residual: true }],
  [adamw, { length: 1024, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }],
];

for (const strict of [false, true]) {
  const build = strict ? "strict" : "fast";
  Deno.test(`${build} build: kernels have the same bits beyond 4 GiB, below, and with addresses of 32 bits`, async () => {
    const options: CpuOptions = { threads: 2, strict };
    const wide = await CpuEngine.create(options);
    const narrow = await withoutWide(() => CpuEngine.create(options));
    for (const [anyKernel, shape] of cases) {
      const kernel = anyKernel as Kernel<Shape, string, string>;
      const inputs = inputsOf(kernel, shape);
      const bits = async (engine: Engine) =>
        Object.entries(await runKernel(engine, kernel, shape, inputs))
          .map(([name, values]) => [name, new Uint32Array(values.buffer)]);
      const expected = await bits(narrow);
      assertEquals(await bits(wide), expected, `${kernel.name} below`);
      assertEquals(await bits(farUp(wide)), expected, `${kernel.name} beyond`);
    }
    wide.destroy();
    narrow.destroy();
  });
}

/** Prepares a plan of that many bytes, and what the refusal says. */
async function refusalOf(engine: CpuEngine, ...byteLengths: number[]): Promise<string> {
  const { message } = await assertRejects(
    async () => await engine.prepare(planOf(...byteLengths)),
    RangeError,
  );
  assertStringIncludes(message, "Use a smaller batch");
  return message;
}

Deno.test("a plan beyond 16 GiB is refused with its bytes and what to do; one a little below is not", async () => {
  const engine = await CpuEngine.create({ threads: 2 });
  // Both threads' scratch, and the module's own page.
  const needed = 3 * 6 * 2 ** 30 + 2 * 1.5 * 2 ** 20 + 2 ** 16;
  assertStringIncludes(
    await refusalOf(engine, 6 * 2 ** 30, 6 * 2 ** 30, 6 * 2 ** 30),
    `takes ${needed} bytes, at most ${2 ** 34} can be used`,
  );
  // Memory that nobody touches costs nothing.
  const fits = await engine.prepare(planOf(8 * 2 ** 30, 8 * 2 ** 30 - 2 ** 24));
  fits.destroy();
  engine.destroy();
});

Deno.test("where the runtime has no addresses of 64 bits, a plan beyond 4 GiB is refused", async () => {
  await withoutWide(async () => {
    const engine = await CpuEngine.create({ threads: 1 });
    assertStringIncludes(
      await refusalOf(engine, 2 ** 31, 2 ** 31, 2 ** 31),
      `at most ${2 ** 32} can be used`,
    );
    (await engine.prepare(planOf(2 ** 31, 2 ** 31 - 2 ** 24))).destroy();
    engine.destroy();
  });
});

Deno.test("a plan beyond the memory that it may take is refused before anything is allocated", async () => {
  const engine = await CpuEngine.create({ threads: 1, memoryBytes: 2 ** 33 });
  const { Memory } = WebAssembly;
  WebAssembly.Memory = class extends Memory {
    constructor(descriptor: WebAssembly.MemoryDescriptor) {
      super(descriptor);
      throw new Error("Memory was allocated");
    }
  };
  try {
    assertStringIncludes(await refusalOf(engine, 3 * 2 ** 30, 6 * 2 ** 30), `at most ${2 ** 33} can be used`);
  } finally {
    WebAssembly.Memory = Memory;
    engine.destroy();
  }
});

Deno.test("memory that the system does not give is refused with its bytes and what to do", async () => {
  const program = `
    import { CpuEngine, PlanBuilder } from "@bgpt/kernels";
    const engine = await CpuEngine.create({ threads: 1 });
    const builder = new PlanBuilder();
    builder.tensor("x", [3 * 2 ** 30], "output");
    const plan = builder.build();
    try {
      for (const kept = []; kept.length < 40;) kept.push(await engine.prepare(plan));
    } catch (error) {
      console.log(String(error));
    }
    engine.destroy();`;
  // Deno itself takes some 50 GB of addresses.
  const { stdout } = await new Deno.Command("/bin/sh", {
    args: ["-c", 'ulimit -v 150000000 && exec "$0" eval --no-check "$1"', Deno.execPath(), program],
    cwd: `${import.meta.dirname}/../../..`,
  }).output();
  const message = new TextDecoder().decode(stdout);
  assertStringIncludes(
    message,
    "RangeError: Cannot place the plan in memory: the system does not give 128865",
  );
  assertStringIncludes(message, "bytes. Use a smaller batch");
});
