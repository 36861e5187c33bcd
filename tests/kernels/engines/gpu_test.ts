import { assertEquals, assertRejects } from "@std/assert";
import { PlanBuilder } from "@bgpt/kernels";
import { gpuTest } from "../../gpu.ts";

gpuTest(
  "a buffer that the GPU has no memory for is told by name and size, and the others are given back",
  async (engine) => {
    const builder = new PlanBuilder();
    const sizes = { first: 1000, second: 2000, third: 3000 };
    for (const [name, length] of Object.entries(sizes)) builder.tensor(name, [length], "output");
    const plan = builder.build();
    const { device } = engine.gpu;
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
      const fails = made === "second";
      const error = await popErrorScope.call(device);
      return fails ? new GPUOutOfMemoryError("Not enough memory left") : error;
    };
    try {
      await assertRejects(
        () => engine.prepare(plan),
        RangeError,
        `Cannot allocate "second" on "${engine.description}", 8000 bytes of 24000 in all: Not enough memory left. ` +
          "Use a smaller batch or preset",
      );
      assertEquals(given, new Set());
    } finally {
      Object.assign(device, { createBuffer, popErrorScope });
    }
    // The engine goes on.
    (await engine.prepare(plan)).destroy();
  },
);
