/**
 * Opens a WebGPU device with everything the adapter has, and makes its failures loud.
 * @module
 */

import { DeviceError } from "../../engine.ts";
import type { SubgroupMatrix } from "../../kernel.ts";
import { findSubgroups, type Subgroups } from "./subgroups.ts";

/** A software adapter computes on the processor: right, but ten to a hundred times slower than it needs to be. */
export type AdapterKind = "hardware" | "software";

/** An open device and what is known about it. */
export interface GpuDevice {
  /** The device itself. */
  readonly device: GPUDevice;
  /** Whether a GPU or a program computes. */
  readonly kind: AdapterKind;
  /** Vendor, architecture and description as the driver tells them. */
  readonly description: string;
  /** Absent where it has none, or none that reductions can use. */
  readonly subgroups?: Subgroups;
  /** The largest matrices of a subgroup that it multiplies; absent where it has none. */
  readonly subgroupMatrix?: SubgroupMatrix;
  /** What went wrong with the device since it was opened, if anything did; checked at every read. */
  failure(): DeviceError | undefined;
}

/** Features that speed kernels up where they can be had. */
export const optionalFeatures: readonly GPUFeatureName[] = [
  "shader-f16",
  "subgroups",
  "timestamp-query",
  // Dawn's name for what is not standard yet.
  "chromium-experimental-subgroup-matrix" as GPUFeatureName,
];

/** Limits that are raised to what the adapter offers. */
const raisedLimits = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
  "maxStorageBuffersPerShaderStage",
] as const;

/**
 * The first adapter, preferring a fast one; `undefined` where there is none.
 *
 * In Deno set `DENO_WEBGPU_BACKEND=vulkan` before, or it silently falls back to OpenGL.
 * @param gpu an entry to WebGPU; the host's own by default
 */
export async function findAdapter(
  gpu: GPU | undefined = globalThis.navigator?.gpu,
): Promise<GPUAdapter | undefined> {
  return (await gpu?.requestAdapter({ powerPreference: "high-performance" })) ?? undefined;
}

/** Whether an adapter is a GPU or a program on the processor (lavapipe, llvmpipe, SwiftShader). */
export function adapterKind(adapter: GPUAdapter): AdapterKind {
  const { description, device, vendor } = adapter.info;
  const software = /llvmpipe|lavapipe|swiftshader|software|basic render/i.test(
    `${description} ${device} ${vendor}`,
  );
  return software || adapter.info.isFallbackAdapter ? "software" : "hardware";
}

/** One line about an adapter, for people. */
export function describeAdapter(adapter: GPUAdapter): string {
  const { vendor, architecture, device, description } = adapter.info;
  return [description || device || "unnamed adapter", architecture, vendor && `vendor ${vendor}`].filter(
    Boolean,
  )
    .join(", ");
}

/**
 * Opens the adapter with its largest limits and with every optional feature it grants.
 * @throws {Error} when the adapter refuses even a plain device
 */
export async function openDevice(adapter: GPUAdapter): Promise<GpuDevice> {
  const requiredLimits: Record<string, number> = {};
  for (const limit of raisedLimits) requiredLimits[limit] = adapter.limits[limit];
  const device = await requestDevice(adapter, { label: "bgpt", requiredLimits });

  let failure: DeviceError | undefined;
  device.addEventListener("uncapturederror", (event) => {
    failure ??= new DeviceError(
      `The GPU refused a call: ${(event as GPUUncapturedErrorEvent).error.message}`,
    );
  });
  device.lost.then((info) => {
    if (info.reason !== "destroyed") failure ??= new DeviceError(`The GPU was lost: ${info.message}`);
  });
  const subgroups = await findSubgroups(adapter, device);
  const subgroupMatrix = subgroupMatrixOf(adapter, device);
  return {
    device,
    kind: adapterKind(adapter),
    description: describeAdapter(adapter),
    ...(subgroups && { subgroups }),
    ...(subgroupMatrix && { subgroupMatrix }),
    failure: () => failure,
  };
}

/**
 * A device with every optional feature that the adapter grants. A browser's adapter opens one device, once, but may
 * refuse before: so nothing is tried out on devices of their own.
 */
async function requestDevice(adapter: GPUAdapter, descriptor: GPUDeviceDescriptor): Promise<GPUDevice> {
  const listed = optionalFeatures.filter((feature) => adapter.features.has(feature));
  // Deno 2.9 grants `subgroups` without listing it.
  const hoped = new Set<GPUFeatureName>([...listed, "subgroups"]);
  try {
    return await adapter.requestDevice({ ...descriptor, requiredFeatures: [...hoped] });
  } catch {
    return await adapter.requestDevice({ ...descriptor, requiredFeatures: listed });
  }
}

/** Sizes and types of matrices that an adapter multiplies, as Dawn lists them. */
interface SubgroupMatrixConfig {
  readonly M: number;
  readonly N: number;
  readonly K: number;
  readonly componentType: string;
  readonly resultComponentType: string;
}

/** The largest matrices in f16 with sums in f32, where all subgroups have as many lanes and share 32 KiB. */
function subgroupMatrixOf({ info }: GPUAdapter, { features, limits }: GPUDevice): SubgroupMatrix | undefined {
  const { subgroupMatrixConfigs = [] } = info as { subgroupMatrixConfigs?: SubgroupMatrixConfig[] };
  const { subgroupMinSize, subgroupMaxSize: lanes } = info;
  const usable = optionalFeatures.every((name) => name === "timestamp-query" || features.has(name)) &&
    subgroupMinSize === lanes && limits.maxComputeWorkgroupStorageSize >= 32768;
  if (!usable) return undefined;
  const [largest] = Array.from(subgroupMatrixConfigs)
    .filter((config) => config.componentType === "f16" && config.resultComponentType === "f32")
    .map(({ M, N, K }) => ({ M, N, K, lanes }))
    .sort((a, b) => b.M * b.N * b.K - a.M * a.N * a.K);
  return largest;
}
