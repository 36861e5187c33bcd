/** The matrix units that Dawn, the WebGPU of Chromium, offers on this machine; Deno's own offers none. */
import { webGpuAdapter } from "../cli/webgpu_provider.ts";

/** What was found: configurations as `16x16x16 f16 to f32`, or why there are none. */
export type DawnMatrices =
  | { readonly adapter: string; readonly configurations: readonly string[] }
  | { readonly missing: string };

/** What Dawn's adapter says beyond the standard. */
interface MatrixConfiguration {
  readonly M: number;
  readonly N: number;
  readonly K: number;
  readonly componentType: string;
  readonly resultComponentType: string;
}

/** Asks Dawn, where it can be had. */
export async function dawnMatrices(): Promise<DawnMatrices> {
  let adapter: GPUAdapter | undefined;
  try {
    adapter = await webGpuAdapter({ webgpu: "dawn" });
  } catch (error) {
    return { missing: (error as Error).message };
  }
  if (adapter === undefined) return { missing: "Dawn found no adapter" };
  const info = adapter.info as GPUAdapterInfo & { subgroupMatrixConfigs?: Iterable<MatrixConfiguration> };
  const configurations = [...info.subgroupMatrixConfigs ?? []].map(
    ({ M, N, K, componentType, resultComponentType }) =>
      `${M}x${N}x${K} ${componentType} to ${resultComponentType}`,
  );
  return { adapter: info.description, configurations };
}
