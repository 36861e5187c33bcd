/** The peer of the cpu engine's matrix products: jax-js's WebAssembly backend, fetched from npm when it is timed. */
import type { MatmulShape } from "@bgpt/kernels";
import type { Time } from "./best_time.ts";

/** Times a product in jax-js; a worker of its own, because the number of threads is what the navigator says there. */
const jaxSource = `
import process from "node:process";
onmessage = async ({ data: { threads, M, N, K } }) => {
  try {
    Object.defineProperty(navigator, "hardwareConcurrency", { value: threads });
    const jax = await import("npm:@jax-js/jax@0.1.25");
    await jax.init("wasm");
    jax.defaultDevice("wasm");
    const random = (rows, columns) =>
      jax.numpy.array(Float32Array.from({ length: rows * columns }, () => Math.random() - 0.5)).reshape([rows, columns]);
    const [a, b] = [random(M, K), random(K, N)];
    await jax.blockUntilReady([a, b]);
    let [wall, cores] = [Infinity, Infinity];
    const end = performance.now() + 2500;
    while (performance.now() < end) {
      const [start, coresStart] = [performance.now(), process.cpuUsage()];
      const product = jax.numpy.matmul(a.ref, b.ref);
      await product.blockUntilReady();
      wall = Math.min(wall, performance.now() - start);
      const { user, system } = process.cpuUsage(coresStart);
      cores = Math.min(cores, (user + system) / 1000);
      product.dispose();
    }
    postMessage({ time: { wall, cores } });
  } catch (error) {
    postMessage({ error: String(error) });
  }
};`;

/** Times one product in jax-js; `undefined` where npm does not have it or it does not run. */
export async function timeJax(threads: number, { M, N, K }: MatmulShape): Promise<Time | undefined> {
  const url = URL.createObjectURL(new Blob([jaxSource], { type: "text/javascript" }));
  const worker = new Worker(url, { type: "module" });
  try {
    const answer = await new Promise<{ time?: Time; error?: string }>((resolve) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = (event) => {
        event.preventDefault();
        resolve({ error: event.message });
      };
      worker.postMessage({ threads, M, N, K });
    });
    if (answer.error !== undefined) console.error(`Cannot time jax-js: ${answer.error}`);
    return answer.time;
  } finally {
    worker.terminate();
    URL.revokeObjectURL(url);
  }
}
