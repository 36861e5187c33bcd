/**
 * The benchmarks, `deno task bench cpu|cpu-matmul|kernels|matmul|packing|train`: the cpu engine beside its peers, all of a
 * model's matrix products on it, every kernel of a step, the GPU's matrix products with every tile, packed
 * beside padded batches, whole training steps. Each file tells its options.
 */
import { reportError, UsageError } from "../cli/errors.ts";
import { benchCpu } from "./cpu.ts";
import { benchCpuMatmul } from "./cpu_matmul.ts";
import { benchKernels } from "./kernels.ts";
import { benchPacking } from "./packing.ts";
import { benchTrain } from "./train.ts";

/** matmul.ts is a program of its own. */
async function benchMatmul(args: readonly string[]): Promise<void> {
  const program = `${import.meta.dirname}/matmul.ts`;
  const { code } = await new Deno.Command(Deno.execPath(), { args: ["run", "-A", program, ...args] }).spawn()
    .status;
  if (code !== 0) Deno.exit(code);
}

const [name, ...args] = Deno.args;
const benchmarks: Readonly<Record<string, (args: readonly string[]) => Promise<void>>> = {
  cpu: benchCpu,
  "cpu-matmul": benchCpuMatmul,
  kernels: benchKernels,
  matmul: benchMatmul,
  packing: benchPacking,
  train: benchTrain,
};
try {
  const benchmark = benchmarks[name ?? ""];
  if (benchmark === undefined) {
    throw new UsageError(
      `Cannot run benchmark "${name ?? ""}": name one of ${Object.keys(benchmarks).join(", ")}`,
    );
  }
  await benchmark(args);
} catch (error) {
  Deno.exit(reportError(error));
}
