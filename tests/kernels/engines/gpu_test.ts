import { assertEquals, assertRejects } from "@std/assert";
import { clear, type GpuEngine, type Kernel, type Plan, PlanBuilder, wgsl } from "@bgpt/kernels";
import { gpuTest } from "../../gpu.ts";

/** A plan of one call whose dispatch has this scratch and body. */
function planOf(scratchLength: number, body: string): Plan {
  const source = wgsl`@compute @workgroup_size(1) fn main() { ${body} }`;
  const kernel: Kernel<{ length: number }, "x"> = {
    ...clear,
    dispatches: () => [{ source, workgroups: [1, 1, 1], scratchLength }],
  };
  const builder = new PlanBuilder();
  const x = builder.tensor("x", [8], "output");
  builder.program("test");
  builder.call(kernel, { length: 8 }, { x }, "the call");
  return builder.build();
}

/** Runs with buffers counted, and without memory for one of them; returns those that were not given back. */
async function buffersLeft(
  { gpu: { device } }: GpuEngine,
  refused: string | undefined,
  run: () => Promise<void>,
): Promise<string[]> {
  const { createBuffer, popErrorScope } = device;
  let made = "";
  const given = new Set<string>();
  device.createBuffer = (descriptor) => {
    const buffer = createBuffer.call(device, descriptor);
    given.add(made = buffer.label);
    buffer.destroy = () => {
      given.delete(buffer.label);
      Object.getPrototypeOf(buffer).destroy.call(buffer);
    };
    return buffer;
  };
  device.popErrorScope = async () => {
    const fails = made === refused;
    const error = await popErrorScope.call(device);
    return fails ? new GPUOutOfMemoryError("Not enough memory left") : error;
  };
  try {
    await run();
  } finally {
    Object.assign(device, { createBuffer, popErrorScope });
  }
  return [...given];
}

gpuTest(
  "a buffer that the GPU has no memory for is told by name and size, and the others are given back",
  async (engine) => {
    const builder = new PlanBuilder();
    const sizes = { first: 1000, second: 2000, third: 3000 };
    for (const [name, length] of Object.entries(sizes)) builder.tensor(name, [length], "output");
    const plan = builder.build();
    const left = await buffersLeft(engine, "second", async () => {
      await assertRejects(
        () => engine.prepare(plan),
        RangeError,
        `Cannot allocate "second" on "${engine.description}", 8000 bytes of 24000 in all: Not enough memory left. ` +
          "Use a smaller batch or preset",
      );
    });
    assertEquals(left, []);
    // The engine goes on.
    (await engine.prepare(plan)).destroy();
  },
);

gpuTest("what dispatches hand each other counts as memory, and must fit like tensors", async (engine) => {
  const plan = planOf(1000, "scratch[0] = 1.0; x[0] = scratch[0];");
  assertEquals(engine.memoryOf(plan).totalBytes, 4 * 8 + 4 * 1000);
  const left = await buffersLeft(engine, "scratch", async () => {
    await assertRejects(() => engine.prepare(plan), RangeError, `Cannot allocate "scratch"`);
  });
  assertEquals(left, []);
  const length = Math.floor(engine.gpu.device.limits.maxStorageBufferBindingSize / 4) + 1;
  await assertRejects(
    () => engine.prepare(planOf(length, "")),
    RangeError,
    `Cannot place "scratch" on the GPU: it takes ${4 * length} bytes`,
  );
});

gpuTest("the buffers of a plan whose kernels do not compile are given back", async (engine) => {
  const left = await buffersLeft(engine, undefined, async () => {
    await assertRejects(() => engine.prepare(planOf(8, "no WGSL")), SyntaxError, `Cannot compile "clear"`);
  });
  assertEquals(left, []);
});
