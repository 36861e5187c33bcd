/**
 * Everything that `bgpt doctor` finds out about a machine.
 * @module
 */
import type { PresetName } from "@bgpt/core";
import { CpuEngine, GpuEngine, openDevice } from "@bgpt/kernels";
import { presetNames } from "../config_options.ts";
import { webGpuAdapter, type WebGpuChoice } from "../webgpu_provider.ts";
import { type AdapterReport, reportAdapter } from "./adapter_report.ts";
import { type AllocationReport, probeAllocations } from "./allocation_probe.ts";
import { type Capacity, type MemoryReport, reportMemory } from "./memory_report.ts";
import { knownProblems, type Problem } from "./problems.ts";
import { measureRates, type Rates } from "./rates.ts";
import { runSmokeKernels, type SmokeResult } from "./smoke_kernels.ts";
import { vulkanDrivers } from "./vulkan_drivers.ts";

/** The machine and what runs on it. */
export interface SystemReport {
  readonly deno: string;
  readonly v8: string;
  readonly os: string;
  readonly architecture: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly availableBytes: number;
}

/** An engine: whether it computes right, and how fast. */
export interface EngineReport {
  readonly description: string;
  readonly smoke: readonly SmokeResult[];
  readonly rates: Rates;
}

/** What `bgpt doctor` finds. */
export interface DoctorReport {
  readonly system: SystemReport;
  /** Null where WebGPU has none. */
  readonly adapter: AdapterReport | null;
  /** The engines that are here, the fastest kind first: the adapter's where there is one, and the processor's. */
  readonly engines: readonly EngineReport[];
  readonly memory: readonly MemoryReport[];
  /** Empty without an adapter. */
  readonly allocations: readonly AllocationReport[];
  readonly problems: readonly Problem[];
}

/** Whose adapter to examine, and which memory plans to make. */
export interface ExaminationOptions extends WebGpuChoice {
  /** All presets when not given. */
  readonly preset?: PresetName;
  /** Files of full length; by default the preset's own for training, and what `bgpt eval` takes. */
  readonly batch?: number;
}

/** Examines the machine, in a few seconds. It works without any adapter. */
export async function examine({ preset, batch, ...webGpuChoice }: ExaminationOptions): Promise<DoctorReport> {
  const [backend, runtimeFolder] = ["DENO_WEBGPU_BACKEND", "XDG_RUNTIME_DIR"].map((name) =>
    Deno.env.get(name)
  );
  const environment = {
    ...(backend !== undefined && { backend }),
    ...(runtimeFolder !== undefined && { runtimeFolder }),
  };
  const system = reportSystem();
  const found = await webGpuAdapter(webGpuChoice);
  const { engine, deviceError } = await openGpu(found);
  const adapter = found && reportAdapter(found, engine?.gpu.device.features);

  const cpu = await CpuEngine.create();
  const engines: EngineReport[] = [];
  for (const each of engine === undefined ? [cpu] : [engine, cpu]) {
    const { description } = each;
    engines.push({ description, smoke: await runSmokeKernels(each), rates: await measureRates(each) });
  }
  cpu.destroy();
  // A software adapter's memory is the machine's own.
  const available = adapter?.kind === "software" ? system.availableBytes : undefined;
  const allocations = engine === undefined ? [] : await probeAllocations(engine.gpu.device, available);
  engine?.destroy();

  const capacity = adapter && capacityOf(adapter, available);
  const names = preset === undefined ? presetNames : [preset];
  const options = { ...(batch !== undefined && { batch }), ...(capacity && { capacity }) };
  const memory = names.flatMap((name) => reportMemory(name, options));
  const problems = knownProblems({
    linux: Deno.build.os === "linux",
    environment,
    drivers: vulkanDrivers(),
    ...(adapter && { adapter }),
    ...(deviceError !== undefined && { deviceError }),
    smoke: engines.flatMap(({ smoke }) => smoke),
    rates: engines[0]!.rates,
    allocations,
  });
  return { system, adapter: adapter ?? null, engines, memory, allocations, problems };
}

async function openGpu(
  adapter: GPUAdapter | undefined,
): Promise<{ engine?: GpuEngine; deviceError?: string }> {
  if (adapter === undefined) return {};
  try {
    return { engine: new GpuEngine(await openDevice(adapter)) };
  } catch (error) {
    return { deviceError: (error as Error).message };
  }
}

function capacityOf({ limits }: AdapterReport, availableBytes: number | undefined): Capacity {
  const tensorLimits = limits.filter(({ name }) => /^max(StorageBufferBinding|Buffer)Size$/.test(name));
  const smallest = tensorLimits.reduce((least, limit) => limit.value < least.value ? limit : least);
  return {
    tensorBytes: smallest.value,
    tensorLimit: smallest.name,
    ...(availableBytes !== undefined && { totalBytes: availableBytes }),
  };
}

function reportSystem(): SystemReport {
  const { total, available } = Deno.systemMemoryInfo();
  return {
    deno: Deno.version.deno,
    v8: Deno.version.v8,
    os: Deno.build.os,
    architecture: Deno.build.arch,
    cores: navigator.hardwareConcurrency,
    memoryBytes: total,
    availableBytes: available,
  };
}
