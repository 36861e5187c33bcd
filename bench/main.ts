/**
 * The benchmarks, `deno task bench NAME`; each file tells its options.
 *
 * - `kernels`, `train`, `generate`: every kernel of a step, whole steps, generation
 * - `precision`: whether mixed precision learns as f32 does
 * - `peers`: the same beside PyTorch and jax-js
 * - `save`, `compare`: a baseline of a machine, and two of them beside each other
 * - `cpu`, `cpu-matmul`: the cpu engine beside its peers, all of a model's products on it
 * - `cache`: generation without and with caches, in one run
 * - `leaks`: whether memory grows with training steps and generations
 * - `matmul`, `packing`: the GPU's products with every tile, packed beside padded batches
 * - `checks`, `table`: what `bench/gpu.sh` asks of a GPU first, and the page that it makes
 */
import { reportError, UsageError } from "../cli/errors.ts";
import { print } from "../cli/terminal.ts";
import type { Print } from "./records.ts";

type Benchmark = (args: readonly string[], print: Print) => Promise<void>;

/** Loaded when asked for: some need large packages. */
const benchmarks: Readonly<Record<string, () => Promise<Benchmark>>> = {
  cache: async () => (await import("./uncached_generation.ts")).benchCache,
  checks: async () => (await import("./checks.ts")).benchChecks,
  compare: async () => (await import("./compare.ts")).benchCompare,
  cpu: async () => (await import("./cpu.ts")).benchCpu,
  "cpu-matmul": async () => (await import("./cpu_matmul.ts")).benchCpuMatmul,
  generate: async () => (await import("./generate.ts")).benchGenerate,
  kernels: async () => (await import("./kernels.ts")).benchKernels,
  leaks: async () => (await import("./leaks.ts")).benchLeaks,
  matmul: async () => (await import("./matmul.ts")).benchMatmul,
  packing: async () => (await import("./packing.ts")).benchPacking,
  precision: async () => (await import("./precision.ts")).benchPrecision,
  peers: async () => (await import("./peers.ts")).benchPeers,
  save: async () => (await import("./save.ts")).benchSave,
  table: async () => (await import("./table.ts")).benchTable,
  train: async () => (await import("./train.ts")).benchTrain,
};

const [name, ...args] = Deno.args;
try {
  const load = Object.hasOwn(benchmarks, name ?? "") ? benchmarks[name!] : undefined;
  if (load === undefined) {
    throw new UsageError(
      `Cannot run benchmark "${name ?? ""}": name one of ${Object.keys(benchmarks).join(", ")}`,
    );
  }
  await (await load())(args, print);
} catch (error) {
  Deno.exit(reportError(error));
}
