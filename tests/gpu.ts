/**
 * The WebGPU device of the tests: opened once, shared by all of a test file. Tests that need it are ignored, never
 * passed, where there is no adapter; with BGPT_REQUIRE_GPU=1 a missing adapter is a failure. With BGPT_TEST_WEBGPU=dawn
 * it is Dawn's.
 */
import { GpuEngine, openDevice } from "@bgpt/kernels";
import { webGpuAdapter } from "../cli/webgpu_provider.ts";

const adapter = await webGpuAdapter({
  webgpu: Deno.env.get("BGPT_TEST_WEBGPU") === "dawn" ? "dawn" : "native",
});

/** The engine of the tests, or `undefined` without an adapter. */
export const gpu: GpuEngine | undefined = adapter && new GpuEngine(await openDevice(adapter));

if (gpu === undefined && Deno.env.get("BGPT_REQUIRE_GPU") === "1") {
  throw new Error("No WebGPU adapter was found, but BGPT_REQUIRE_GPU=1 demands one");
}

/** Registers a test that needs a GPU adapter. */
export function gpuTest(name: string, run: (engine: GpuEngine) => Promise<void>): void {
  Deno.test({
    name: gpu === undefined ? `${name} (needs a WebGPU adapter)` : name,
    ignore: gpu === undefined,
    // The device outlives each test on purpose.
    sanitizeResources: false,
    sanitizeOps: false,
    fn: () => run(gpu!),
  });
}
