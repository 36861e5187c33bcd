/** Holds a kernel on the cpu engine to the same bits for any number of threads, in both builds. */
import { assertEquals } from "@std/assert";
import { CpuEngine, type Kernel, type Shape } from "@bgpt/kernels";
import { runKernel, type Values } from "./compare.ts";

const engines = new Map<string, Promise<CpuEngine>>();

function engineWith(threads: number, strict: boolean): Promise<CpuEngine> {
  const key = `${threads} ${strict}`;
  const engine = engines.get(key) ?? CpuEngine.create({ threads, strict });
  engines.set(key, engine);
  return engine;
}

/** Registers a test that runs the kernel on 1, 2, 3 and 7 threads, at every given shape. */
export function anyThreadsTest<S extends Shape, F extends string, U extends string>(
  kernel: Kernel<S, F, U>,
  cases: readonly (readonly [S, Values])[],
): void {
  Deno.test({
    name: `${kernel.name} has the same bits for any number of threads`,
    // The engines outlive each test on purpose.
    sanitizeResources: false,
    sanitizeOps: false,
    fn: async () => {
      for (const [shape, inputs] of cases) {
        for (const strict of [false, true]) {
          const bits = async (threads: number) => {
            const results = await runKernel(await engineWith(threads, strict), kernel, shape, inputs);
            return Object.entries(results).map(([name, values]) => [name, new Uint32Array(values.buffer)]);
          };
          const expected = await bits(1);
          for (const threads of [2, 3, 7]) {
            assertEquals(
              await bits(threads),
              expected,
              `${JSON.stringify(shape)}, ${threads} threads, strict ${strict}`,
            );
          }
        }
      }
    },
  });
}
