/**
 * Dawn, Chromium's WebGPU, as a Node addon: https://www.npmjs.com/package/webgpu. It is no part of this package, nor of
 * the single executable: its native code takes 132 MB for all systems.
 * @module
 */
import { resolve, toFileUrl } from "@std/path";
import { findAdapter } from "@bgpt/kernels";

/** What the package exports. */
interface DawnModule {
  /** An entry to WebGPU, with switches such as `enable-dawn-features=…`. */
  create(switches: string[]): GPU;
}

/**
 * Without the first there are no matrices of a subgroup, which is how WGSL reaches tensor cores; without the second no
 * half precision with NVIDIA's driver, on which Dawn distrusts it.
 */
const features = ["allow_unsafe_apis", "vulkan_enable_f16_on_nvidia"];

/** What `--webgpu-unchecked` leaves out. */
const uncheckedFeatures = ["skip_validation", "disable_robustness"];

// Not a literal where it is imported, so that neither `deno compile` nor an import of this package fetches it.
const dawnPackage = "npm:webgpu@^0.6.2";

/**
 * Kept to the end: once the garbage collector takes an entry, the process dies by a segmentation fault at the next call of
 * its adapter or device (webgpu 0.6.2, 2026-11-23).
 */
const entries: GPU[] = [];

/**
 * The first adapter of Dawn, of which a device can be had once; `undefined` where there is none.
 * @param unchecked whether kernels are neither validated nor kept from reaching beyond their buffers
 * @throws {Error} when the package cannot be loaded
 */
export async function dawnAdapter(unchecked: boolean): Promise<GPUAdapter | undefined> {
  const { create } = await loadDawn();
  if (entries.length === 0) spaceOutPolls();
  const enabled = unchecked ? [...features, ...uncheckedFeatures] : features;
  const switches = [`enable-dawn-features=${enabled.join(",")}`];
  // Without a Vulkan driver it would take OpenGL, as Deno would.
  if (Deno.build.os === "linux") switches.push("backend=vulkan");
  const gpu = create(switches);
  entries.push(gpu);
  return await findAdapter(gpu);
}

/** `BGPT_DAWN` names the package's index.js where npm cannot be reached. */
async function loadDawn(): Promise<DawnModule> {
  const path = Deno.env.get("BGPT_DAWN");
  try {
    return await import(path === undefined ? dawnPackage : toFileUrl(resolve(path)).href);
  } catch (error) {
    const reason = (error as Error).message.split("\n")[0];
    throw new Error(
      `Cannot load Dawn (${
        path ?? dawnPackage
      }): ${reason}. Allow --allow-ffi, --allow-read and --allow-env, and let ` +
        "Deno fetch the package from npm (deno cache npm:webgpu), or name its unpacked index.js by BGPT_DAWN, or use " +
        "--webgpu native",
      { cause: error },
    );
  }
}

/**
 * Lets Dawn ask for what is awaited once a millisecond. It asks in every turn of the event loop otherwise, by a native
 * function of its own each time, of which Deno 2.9 searches all that live whenever one is collected: a wait of 10 s left
 * 100,000, took a core, and in the end stood still for minutes (lavapipe, 2026-11-23).
 */
function spaceOutPolls(): void {
  const { setImmediate } = globalThis;
  const spacedOut = (callback: (...values: unknown[]) => void, ...values: unknown[]) =>
    Function.prototype.toString.call(callback).includes("[native code]")
      ? setTimeout(callback, 1, ...values)
      : setImmediate(callback, ...values);
  Object.assign(globalThis, { setImmediate: spacedOut });
}
