/**
 * Dawn, the other WebGPU, for the tests that need it whatever the others run on. They are ignored, never passed, where it
 * cannot be loaded or finds no adapter.
 */
import { GpuEngine, openDevice } from "@bgpt/kernels";
import { webGpuAdapter } from "../cli/webgpu_provider.ts";

/** Dawn's engine, or why there is none. */
export const dawn: GpuEngine | string = await openDawn();

async function openDawn(): Promise<GpuEngine | string> {
  try {
    const adapter = await webGpuAdapter({ webgpu: "dawn" });
    if (adapter === undefined) return "needs a Vulkan driver that Dawn takes, such as Mesa's from 25.0 on";
    return new GpuEngine(await openDevice(adapter));
  } catch (error) {
    return `needs the npm package webgpu: ${(error as Error).message}`;
  }
}

/** Registers a test that needs Dawn. */
export function dawnTest(name: string, run: (engine: GpuEngine) => Promise<void>): void {
  Deno.test({
    name: typeof dawn === "string" ? `${name} (${dawn})` : name,
    ignore: typeof dawn === "string",
    // The device outlives each test on purpose.
    sanitizeResources: false,
    sanitizeOps: false,
    fn: () => run(dawn as GpuEngine),
  });
}
