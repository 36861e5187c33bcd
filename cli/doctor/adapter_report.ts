/**
 * What a WebGPU adapter is: its names, what it grants when asked, and the limits that this program meets.
 * @module
 */
import { type AdapterKind, adapterKind, optionalFeatures } from "@bgpt/kernels";
import { vulkanDrivers } from "./vulkan_drivers.ts";

/** An optional feature, found by asking for it. */
export interface FeatureReport {
  readonly name: string;
  /** Whether a device with it is given. */
  readonly granted: boolean;
  /** Whether the adapter says so by itself. */
  readonly listed: boolean;
  /** What it is good for here. */
  readonly use: string;
}

/** A limit of the adapter. */
export interface LimitReport {
  readonly name: string;
  readonly value: number;
  /** What the kernels take at most; absent where it depends on the model. */
  readonly used?: number;
  /** Whether `value` is in bytes. */
  readonly inBytes: boolean;
  /** What it bounds. */
  readonly bounds: string;
}

/** An adapter, as a person wants to know it. */
export interface AdapterReport {
  readonly name: string;
  readonly vendor: string;
  readonly architecture: string;
  readonly kind: AdapterKind;
  /** What the driver is called through: `Vulkan`, `Metal`, … */
  readonly backend: string;
  /** Drivers that are installed. WebGPU does not tell which of them the adapter is. */
  readonly drivers: readonly string[];
  /** Fewest and most lanes of a subgroup, where the adapter tells. */
  readonly subgroupSizes?: readonly [number, number];
  /** Empty where the adapter gives no device. */
  readonly features: readonly FeatureReport[];
  readonly limits: readonly LimitReport[];
}

const featureUses: Readonly<Record<string, string>> = {
  "shader-f16": "mixed precision (--precision mixed)",
  "subgroups": "sums over the lanes of a row without workgroup memory",
  "timestamp-query": "times of single kernels",
  "chromium-experimental-subgroup-matrix": "products on tensor cores in mixed precision (Dawn)",
};

/** PCI vendors, and Mesa's number for its software drivers. WebGPU in Deno tells them as decimal numbers. */
const vendorNames: Readonly<Record<string, string>> = {
  "4098": "AMD",
  "4203": "Apple",
  "4318": "NVIDIA",
  "5045": "Arm",
  "6880": "Google",
  "20803": "Qualcomm",
  "32902": "Intel",
  "65541": "Mesa",
};

type LimitRow = readonly [name: keyof GPUSupportedLimits & string, bounds: string, used?: number];

/** The largest needs of the kernels are WebGPU's defaults, which every adapter has. */
const limitRows: readonly LimitRow[] = [
  ["maxBufferSize", "the largest tensor"],
  ["maxStorageBufferBindingSize", "the largest tensor, too: a kernel sees no more of one"],
  ["maxStorageBuffersPerShaderStage", "operands of a kernel", 8],
  ["maxComputeWorkgroupStorageSize", "what the threads of a workgroup share: tiles of products", 16384],
  ["maxComputeInvocationsPerWorkgroup", "threads of a workgroup", 256],
  ["maxComputeWorkgroupsPerDimension", "workgroups of a dispatch: larger counts are folded", 65535],
];

/**
 * Describes an adapter.
 * @param granted what its device has, which was asked for all; `undefined` where it gives none
 */
export function reportAdapter(adapter: GPUAdapter, granted: GPUSupportedFeatures | undefined): AdapterReport {
  const { vendor, architecture, device, description } = adapter.info;
  const { subgroupMinSize, subgroupMaxSize } = adapter.info;
  const known = vendorNames[vendor];
  return {
    name: description || device || "unnamed",
    vendor: known === undefined ? vendor || "unknown" : `${known} (${vendor})`,
    architecture: architecture || "not told",
    kind: adapterKind(adapter),
    backend: backendName(),
    drivers: vulkanDrivers(),
    ...(subgroupMinSize > 0 && { subgroupSizes: [subgroupMinSize, subgroupMaxSize] as const }),
    features: granted === undefined ? [] : optionalFeatures.map((name) => ({
      name,
      granted: granted.has(name),
      listed: adapter.features.has(name),
      use: featureUses[name] ?? "",
    })),
    limits: limitRows.map(([name, bounds, used]) => ({
      name,
      value: adapter.limits[name] as number,
      inBytes: name.endsWith("Size"),
      bounds,
      ...(used !== undefined && { used }),
    })),
  };
}

/** WebGPU does not tell what it calls; in Deno the environment or the system decides. */
function backendName(): string {
  const chosen = Deno.env.get("DENO_WEBGPU_BACKEND");
  if (chosen !== undefined) {
    const names: Readonly<Record<string, string>> = { vulkan: "Vulkan", gl: "OpenGL", metal: "Metal" };
    return names[chosen] ?? chosen;
  }
  return Deno.build.os === "darwin" ? "Metal" : Deno.build.os === "windows" ? "Direct3D or Vulkan" : "Vulkan";
}
