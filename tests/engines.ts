/**
 * The engines that every kernel and the model are held against the f64 reference on: the GPU where there is one, and
 * the cpu engine in both builds with different numbers of threads.
 */
import { CpuEngine, type Engine } from "@bgpt/kernels";
import { gpu } from "./gpu.ts";

/** The fast build of the cpu engine on two threads. */
export const cpu: CpuEngine = await CpuEngine.create({ threads: 2 });
/** The strict build on three threads: a number that divides nothing. */
export const strictCpu: CpuEngine = await CpuEngine.create({ threads: 3, strict: true });

/** Engines by the name they have in tests. */
export const engines: readonly { readonly name: string; readonly engine: Engine | undefined }[] = [
  { name: "gpu", engine: gpu },
  { name: "cpu", engine: cpu },
  { name: "strict cpu", engine: strictCpu },
];

/** Registers a test once for every engine; the GPU's is ignored, never passed, where there is no adapter. */
export function engineTest(name: string, run: (engine: Engine) => Promise<void>): void {
  for (const { name: engineName, engine } of engines) {
    Deno.test({
      name: engine === undefined
        ? `${engineName}: ${name} (needs a WebGPU adapter)`
        : `${engineName}: ${name}`,
      ignore: engine === undefined,
      // The engines outlive each test on purpose.
      sanitizeResources: false,
      sanitizeOps: false,
      fn: () => run(engine!),
    });
  }
}
