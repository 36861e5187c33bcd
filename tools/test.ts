/**
 * Runs all tests, `deno task test`: sees to an adapter for the tests of the GPU, a browser for those of pages and
 * the programs that others start first, and ends with one line that counts. Paths and options of `deno test` are passed on.
 *
 * What is missing is installed where that is possible: Mesa's software Vulkan and the programs of `programs.ts` by root on
 * a Debian-like system, Chromium by root on Debian. Elsewhere those tests are ignored. With `BGPT_REQUIRE_GPU=1` a missing
 * adapter is a failure.
 * @module
 */
import { findChromium, installChromium } from "./chromium.ts";
import { canInstall } from "./debian.ts";
import { installPrograms } from "./programs.ts";
import { installCommand, installSoftwareVulkan } from "./software_vulkan.ts";
import { TestCounter } from "./test_counter.ts";

const root = `${import.meta.dirname}/..`;

/** How the tests reach the GPU. Without a choice of Vulkan, Deno falls back to slow OpenGL without a word. */
function gpuEnvironment(runtimeFolder: string): Record<string, string> {
  if (Deno.build.os !== "linux") return {};
  return {
    DENO_WEBGPU_BACKEND: Deno.env.get("DENO_WEBGPU_BACKEND") ?? "vulkan",
    // The loader of Vulkan warns in every process when it is not set.
    XDG_RUNTIME_DIR: Deno.env.get("XDG_RUNTIME_DIR") ?? runtimeFolder,
    // Software Vulkan spends its time compiling kernels, which the tests run once or twice: narrow vectors without
    // optimisation took 8 s where the default took 49 s (attention tests, Mesa 25.0.7, two cores, 2026-11-23). A GPU's
    // driver does not know these variables.
    LP_NATIVE_VECTOR_WIDTH: "128",
    GALLIVM_PERF: "nopt",
  };
}

/** The adapter's name, found in a process of its own: the driver may be installed later, or crash. */
async function probeAdapter(env: Record<string, string>): Promise<string | undefined> {
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-config", `${root}/tools/probe_adapter.ts`],
    env,
    stdin: "null",
  }).output();
  return success ? new TextDecoder().decode(stdout).trim() : undefined;
}

async function findAdapter(env: Record<string, string>): Promise<string | undefined> {
  const adapter = await probeAdapter(env);
  if (adapter !== undefined || !canInstall()) return adapter;
  return await installSoftwareVulkan() ? await probeAdapter(env) : undefined;
}

/** Looks for a browser; without one the tests of pages are ignored. */
async function seeToBrowser(): Promise<void> {
  if (findChromium() === undefined) await installChromium();
  if (findChromium() === undefined) console.log("No Chromium: the tests of pages are ignored");
}

/** Runs `deno test`, shows what it writes, and counts. */
async function runTests(args: readonly string[], env: Record<string, string>): Promise<number> {
  const namesPath = args.some((arg) => {
    try {
      return Deno.statSync(`${root}/${arg}`) !== undefined;
    } catch {
      return false;
    }
  });
  const child = new Deno.Command(Deno.execPath(), {
    args: ["test", "-A", "--parallel", ...namesPath ? [] : ["tests/"], ...args],
    cwd: root,
    env,
    stdin: "null",
    stdout: "piped",
  }).spawn();
  const counter = new TestCounter();
  const decoder = new TextDecoder();
  for await (const bytes of child.stdout) {
    await Deno.stdout.write(bytes);
    counter.add(decoder.decode(bytes, { stream: true }));
  }
  const { code } = await child.status;
  console.log(counter.summary(code === 0));
  return code;
}

async function main(): Promise<number> {
  const runtimeFolder = await Deno.makeTempDir();
  try {
    const env = gpuEnvironment(runtimeFolder);
    const adapter = await findAdapter(env);
    if (adapter !== undefined) {
      console.log(`The GPU's tests run on ${adapter}`);
    } else if (Deno.env.get("BGPT_REQUIRE_GPU") === "1") {
      console.error(
        `error: No Vulkan adapter, but BGPT_REQUIRE_GPU=1 requires one. To get one: ${installCommand()}`,
      );
      return 1;
    } else {
      console.log(`No Vulkan adapter: the GPU's tests are ignored. To run them: ${installCommand()}`);
    }
    await seeToBrowser();
    await installPrograms();
    return await runTests(Deno.args, env);
  } finally {
    await Deno.remove(runtimeFolder, { recursive: true });
  }
}

Deno.exit(await main());
