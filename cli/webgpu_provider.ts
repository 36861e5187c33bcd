import { findAdapter } from "@bgpt/kernels";
import { dawnAdapter } from "./dawn.ts";
import { UsageError } from "./errors.ts";

/** `--webgpu` and `--webgpu-unchecked`: whose WebGPU a GPU is reached through. */
export const webGpuOptions = {
  webgpu: {
    kind: "choice",
    choices: ["auto", "native", "dawn"],
    default: "auto",
    help:
      "whose WebGPU: Deno's own, Dawn (the npm package webgpu, fetched when asked for), or the better one, " +
      "which is Deno's until Dawn is measured to be faster",
  },
  webgpuUnchecked: {
    kind: "flag",
    help:
      "with --webgpu dawn, leave out validation and bounds checks: faster, but a wrong kernel then reads and " +
      "writes memory that is not its own instead of failing",
  },
} as const;

/** What the command line says about WebGPU. */
export interface WebGpuChoice {
  /** Deno's own when not given. */
  readonly webgpu?: (typeof webGpuOptions.webgpu.choices)[number];
  readonly webgpuUnchecked?: boolean;
}

/**
 * The first adapter of the chosen WebGPU, through Vulkan, Metal or Direct3D; `undefined` where there is none.
 * @throws {UsageError} when Deno's own is to be unchecked, which it cannot be
 * @throws {Error} when Dawn is chosen and cannot be loaded
 */
export async function webGpuAdapter(
  { webgpu, webgpuUnchecked = false }: WebGpuChoice = {},
): Promise<GPUAdapter | undefined> {
  // The Vulkan loader complains on stderr where this is not set, as in most containers.
  if (Deno.env.get("XDG_RUNTIME_DIR") === undefined) Deno.env.set("XDG_RUNTIME_DIR", "/tmp");
  if (webgpu === "dawn") return await dawnAdapter(webgpuUnchecked);
  if (webgpuUnchecked) {
    throw new UsageError(
      "Cannot use --webgpu-unchecked with Deno's own WebGPU, which always checks. Add --webgpu dawn",
    );
  }
  // Without a Vulkan driver Deno falls back to OpenGL without a word.
  if (Deno.build.os === "linux" && Deno.env.get("DENO_WEBGPU_BACKEND") === undefined) {
    Deno.env.set("DENO_WEBGPU_BACKEND", "vulkan");
  }
  return await findAdapter();
}
