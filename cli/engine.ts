import {
  adapterKind,
  describeAdapter,
  type Engine,
  findAdapter,
  GpuEngine,
  openDevice,
  ReferenceEngine,
} from "@bgpt/kernels";
import { note } from "./terminal.ts";

/** `--device`, for every command that computes. */
export const deviceOption = {
  kind: "choice",
  choices: ["auto", "gpu", "reference"],
  default: "auto",
  help:
    "what computes: a GPU through WebGPU (software Vulkan too, when named), plain f64 loops, or the best there is",
} as const;

/** A value of `--device`. */
export type DeviceName = (typeof deviceOption.choices)[number];

/**
 * Opens what `--device` names. `auto` takes a real GPU, else the reference engine: a software adapter is used only when
 * asked for by name.
 *
 * @throws {Error} when a GPU is asked for and no adapter is there
 */
export async function openEngine(device: DeviceName): Promise<Engine> {
  if (device === "reference") return new ReferenceEngine();
  const adapter = await webGpuAdapter();
  if (adapter === undefined && device === "gpu") {
    throw new Error(
      "Cannot open a GPU: WebGPU found no adapter. Install a Vulkan driver (on Debian: apt-get install " +
        "mesa-vulkan-drivers for software Vulkan), or use --device reference",
    );
  }
  if (adapter === undefined || (device === "auto" && adapterKind(adapter) === "software")) {
    note("No GPU here: computing in f64 on one core, which is slow");
    return new ReferenceEngine();
  }
  if (adapterKind(adapter) === "software") {
    note(`Computing on software Vulkan (${describeAdapter(adapter)}), which is slow`);
  }
  return new GpuEngine(await openDevice(adapter));
}

/** The first adapter of Deno's own WebGPU, through Vulkan, Metal or Direct3D. */
export async function webGpuAdapter(): Promise<GPUAdapter | undefined> {
  // Without a Vulkan driver Deno falls back to OpenGL without a word.
  if (Deno.build.os === "linux" && Deno.env.get("DENO_WEBGPU_BACKEND") === undefined) {
    Deno.env.set("DENO_WEBGPU_BACKEND", "vulkan");
  }
  // The Vulkan loader complains on stderr where this is not set, as in most containers.
  if (Deno.env.get("XDG_RUNTIME_DIR") === undefined) Deno.env.set("XDG_RUNTIME_DIR", "/tmp");
  return await findAdapter();
}
