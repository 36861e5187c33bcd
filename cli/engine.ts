import {
  adapterKind,
  CpuEngine,
  describeAdapter,
  type Engine,
  findAdapter,
  GpuEngine,
  openDevice,
  ReferenceEngine,
} from "@bgpt/kernels";
import { UsageError } from "./errors.ts";
import { note } from "./terminal.ts";

/** `--device` and `--threads`, for every command that computes. */
export const engineOptions = {
  device: {
    kind: "choice",
    choices: ["auto", "gpu", "cpu", "reference"],
    default: "auto",
    help: "what computes: a GPU through WebGPU, the processor's cores, plain f64 loops, or the best there is",
  },
  threads: {
    kind: "integer",
    minimum: 1,
    maximum: 1024,
    help: "threads of the cpu device (default: one for each core)",
  },
} as const;

/** What the command line says about the device. */
export interface EngineChoice {
  readonly device: (typeof engineOptions.device.choices)[number];
  readonly threads?: number;
}

/**
 * Opens what `--device` names. `auto` takes a real GPU, else the processor: a software adapter is used only when asked
 * for by name.
 *
 * @throws {Error} when a GPU is asked for and no adapter is there
 */
export async function openEngine({ device, threads }: EngineChoice): Promise<Engine> {
  if (threads !== undefined && device !== "cpu" && device !== "auto") {
    throw new UsageError(
      `Cannot use ${threads} threads on --device ${device}: only the cpu device has threads`,
    );
  }
  const openCpu = () => CpuEngine.create(threads === undefined ? {} : { threads });
  if (device === "reference") return new ReferenceEngine();
  if (device === "cpu") return await openCpu();
  const adapter = await webGpuAdapter();
  if (adapter === undefined && device === "gpu") {
    throw new Error(
      "Cannot open a GPU: WebGPU found no adapter. Install a Vulkan driver (on Debian: apt-get install " +
        "mesa-vulkan-drivers for software Vulkan), or use --device cpu",
    );
  }
  if (adapter === undefined || (device === "auto" && adapterKind(adapter) === "software")) {
    return await openCpu();
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
