import {
  adapterKind,
  CpuEngine,
  type CpuOptions,
  describeAdapter,
  type Engine,
  type GpuDevice,
  GpuEngine,
  openDevice,
  ReferenceEngine,
  whyNotMixed,
} from "@bgpt/kernels";
import { UsageError } from "./errors.ts";
import { type LocalRanks, threadsOfRank } from "./mpi/local_ranks.ts";
import { note } from "./terminal.ts";
import { webGpuAdapter, type WebGpuChoice, webGpuOptions } from "./webgpu_provider.ts";

/** `--device`, `--webgpu`, `--precision` and `--threads`, for every command that computes. */
export const engineOptions = {
  device: {
    kind: "choice",
    choices: ["auto", "gpu", "cpu", "reference"],
    default: "auto",
    help: "what computes: a GPU through WebGPU, the processor's cores, plain f64 loops, or the best there is",
  },
  ...webGpuOptions,
  precision: {
    kind: "choice",
    choices: ["f32", "mixed"],
    default: "f32",
    help: "on a GPU: f32 everywhere, or f16 for products and what they read, with f32 for weights and sums",
  },
  threads: {
    kind: "integer",
    minimum: 1,
    maximum: 1024,
    help: "threads of the cpu device (default: one for each core)",
  },
} as const;

/** What the command line says about the device. */
export interface EngineChoice extends WebGpuChoice {
  readonly device: (typeof engineOptions.device.choices)[number];
  /** f32 when not given. */
  readonly precision?: (typeof engineOptions.precision.choices)[number];
  readonly threads?: number;
}

/** Opens the cpu engine; a plan may take as much memory as the machine has. */
export async function openCpuEngine(options: CpuOptions): Promise<CpuEngine> {
  return await CpuEngine.create({ ...options, memoryBytes: Deno.systemMemoryInfo().total });
}

/**
 * Opens what `--device` names. `auto` takes a real GPU, else the processor: a software adapter is used only when asked
 * for by name.
 *
 * @param local the processes that compute on this host at the same time: the cpu engine takes its share of the cores
 * @throws {Error} when a GPU is asked for and no adapter is there, or Dawn, and it cannot be loaded, or mixed precision,
 * and there is no GPU that has it
 */
export async function openEngine(
  { device, precision = "f32", threads, ...webGpuChoice }: EngineChoice,
  local: LocalRanks = { rank: 0, size: 1 },
): Promise<Engine> {
  if (threads !== undefined && device !== "cpu" && device !== "auto") {
    throw new UsageError(
      `Cannot use ${threads} threads on --device ${device}: only the cpu device has threads`,
    );
  }
  const { webgpu = "auto", webgpuUnchecked = false } = webGpuChoice;
  if ((webgpu !== "auto" || webgpuUnchecked) && device !== "gpu" && device !== "auto") {
    const option = webgpu === "auto" ? "--webgpu-unchecked" : `--webgpu ${webgpu}`;
    throw new UsageError(`Cannot use ${option} on --device ${device}: only a GPU is reached through WebGPU`);
  }
  const mixed = precision === "mixed";
  if (mixed && device !== "gpu" && device !== "auto") {
    throw new UsageError(
      `Cannot use --precision mixed on --device ${device}: only a GPU computes in it. Leave it out`,
    );
  }
  const openCpu = () => openCpuEngine({ threads: threads ?? threadsOfRank(local) });
  if (device === "reference") return new ReferenceEngine();
  if (device === "cpu") return await openCpu();
  const adapter = await webGpuAdapter(webGpuChoice);
  if (adapter === undefined && device === "gpu") {
    throw new Error(
      "Cannot open a GPU: WebGPU found no adapter. Install a Vulkan driver (on Debian: apt-get install " +
        "mesa-vulkan-drivers for software Vulkan), or use --device cpu",
    );
  }
  if (adapter === undefined || (device === "auto" && adapterKind(adapter) === "software")) {
    if (mixed) {
      const found = adapter === undefined ? "none" : "software Vulkan alone, which --device gpu takes";
      throw new Error(
        `Cannot use --precision mixed: only a GPU computes in it, and WebGPU found ${found}. Leave it out`,
      );
    }
    return await openCpu();
  }
  if (adapterKind(adapter) === "software") {
    note(`Computing on software Vulkan (${describeAdapter(adapter)}), which is slow`);
  }
  const gpu = await openDevice(adapter);
  if (mixed) checkMixed(gpu, webgpu);
  return new GpuEngine(gpu, { precision });
}

/** Refuses mixed precision where it cannot be, and tells where it is not as fast as it could be. */
function checkMixed(gpu: GpuDevice, webgpu: NonNullable<EngineChoice["webgpu"]>): void {
  const other = webgpu === "dawn" ? "" : "; --webgpu dawn may";
  const reason = whyNotMixed(gpu);
  if (reason !== undefined) {
    throw new Error(`Cannot use --precision mixed: ${reason}${other}. Leave it out`);
  }
  if (gpu.subgroupMatrix === undefined) {
    note(`Mixed precision without tensor cores: this WebGPU offers none${other}. Only memory is saved`);
  }
}

/** The options that say the same to another command. */
export function engineArguments(choice: EngineChoice): string[] {
  const { device, precision = "f32", threads, webgpu = "auto", webgpuUnchecked = false } = choice;
  return [
    ...["--device", device, "--webgpu", webgpu, "--precision", precision],
    ...(webgpuUnchecked ? ["--webgpu-unchecked"] : []),
    ...(threads === undefined ? [] : ["--threads", `${threads}`]),
  ];
}
