/** The peer of our matrix products: jax-js by WebAssembly or by WebGPU, fetched from npm when it is timed. */
import type { MatmulShape } from "@bgpt/kernels";
import type { Time } from "./best_time.ts";

/** Times a product in jax-js; a worker of its own, because the number of threads is what the navigator says there. */
const jaxSource = `
import process from "node:process";
onmessage = async ({ data: { device, threads, M, N, K } }) => {
  try {
    if (device === "wasm") Object.defineProperty(navigator, "hardwareConcurrency", { value: threads });
    const jax = await import("npm:@jax-js/jax@0.1.25");
    if (!(await jax.init(device)).includes(device)) throw new Error("it has no device " + device);
    jax.defaultDevice(device);
    const random = (rows, columns) =>
      jax.numpy.array(Float32Array.from({ length: rows * columns }, () => Math.random() - 0.5)).reshape([rows, columns]);
    const [a, b] = [random(M, K), random(K, N)];
    await jax.blockUntilReady([a, b]);
    let [wall, cores] = [Infinity, Infinity];
    // Waiting takes Deno 10 ms on a GPU, so that several products are waited for at once.
    const count = device === "webgpu" ? 8 : 1;
    const end = performance.now() + 2500;
    for (let round = 0; round < 2 || performance.now() < end; round++) {
      const [start, coresStart] = [performance.now(), process.cpuUsage()];
      const products = Array.from({ length: count }, () => jax.numpy.matmul(a.ref, b.ref));
      await jax.blockUntilReady(products);
      wall = Math.min(wall, (performance.now() - start) / count);
      const { user, system } = process.cpuUsage(coresStart);
      cores = Math.min(cores, (user + system) / 1000 / count);
      for (const product of products) product.dispose();
    }
    postMessage({ time: { wall, cores } });
  } catch (error) {
    postMessage({ error: String(error) });
  }
};`;

/** What jax-js computes on: so many threads of the processor, or the GPU. */
export type JaxDevice = { readonly device: "wasm"; readonly threads: number } | { readonly device: "webgpu" };

/** Times one product in jax-js; `undefined` where npm does not have it or it does not run. */
export async function timeJax(
  device: JaxDevice,
  { M, N, K }: Pick<MatmulShape, "M" | "N" | "K">,
): Promise<Time | undefined> {
  const url = URL.createObjectURL(new Blob([jaxSource], { type: "text/javascript" }));
  const worker = new Worker(url, { type: "module" });
  try {
    const answer = await new Promise<{ time?: Time; error?: string }>((resolve) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = (event) => {
        event.preventDefault();
        resolve({ error: event.message });
      };
      worker.postMessage({ ...device, M, N, K });
    });
    if (answer.error !== undefined) console.error(`Cannot time jax-js: ${answer.error}`);
    return answer.time;
  } finally {
    worker.terminate();
    URL.revokeObjectURL(url);
  }
}
