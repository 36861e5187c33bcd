/**
 * The cpu engine beside what it is measured against, all in one run, on one thread and on all: matrix products beside
 * jax-js, training, the share of matrix products in a step, generation, and the published model in PyTorch on as many
 * threads where it is installed.
 *
 *     deno task bench cpu [--threads N] [--peer FILE] [--json]
 *
 * The peer is `../shared/bench/torch_bgpt.py`, run by Debian's python3-torch with OpenBLAS's OpenMP build: without it
 * PyTorch there falls back to a reference BLAS that is fourteen times slower, which would be no comparison.
 */
import {
  continuePrefixes,
  defaultSampling,
  initialParameters,
  parameterTable,
  prepareGeneration,
} from "@bgpt/core";
import { CpuEngine } from "@bgpt/kernels";
import { engineOptions } from "../cli/engine.ts";
import { jsonOption } from "../cli/options.ts";
import { parseCommandLine } from "../cli/parse.ts";
import { formatRate } from "../cli/units.ts";
import { benchProducts, mainCases } from "./cpu_matmul.ts";
import { timeKernels } from "./kernels.ts";
import { benchSizes, randomStrip } from "./sizes.ts";
import { timeSteps } from "./train.ts";

/** What PyTorch needs of a step and of generation, in bytes a second. */
interface PeerRates {
  readonly trainBytesPerSecond: number;
  readonly generateBytesPerSecond: number;
}

/** Patches that are generated, here and by the peer: the rest of a file behind a quarter of the patch length. */
function generatedPatches(size: keyof typeof benchSizes): number {
  return benchSizes[size].config.patchLength * 3 / 4;
}

/** How often a file is generated here; the peer, which takes some twenty times as long for one, does it once. */
const generations = 3;

/** Runs the peer at one size; undefined where Python, PyTorch or the script is missing. */
async function runPeer(
  script: string,
  size: keyof typeof benchSizes,
  threads: number,
): Promise<PeerRates | undefined> {
  const architecture = Deno.build.arch;
  const env = {
    LD_LIBRARY_PATH: `/usr/lib/${architecture}-linux-gnu/openblas-openmp`,
    OMP_NUM_THREADS: String(threads),
  };
  const options = [
    "--size",
    size,
    "--device",
    "cpu",
    "--threads",
    String(threads),
    "--modes",
    "fp32",
    "--batches",
    "4",
  ];
  try {
    const { success, stdout } = await new Deno.Command("/usr/bin/python3", {
      args: [script, ...options, "--generate", String(generatedPatches(size))],
      env,
      stderr: "null",
    }).output();
    if (!success) return undefined;
    const row = JSON.parse(new TextDecoder().decode(stdout));
    return { trainBytesPerSecond: row.bytes_per_s, generateBytesPerSecond: row.generate_bytes_per_s };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** What generating the rest of a file takes here. */
interface GenerationTime {
  /** Plan, memory and packed weights; the peer's model is there before its clock starts, too. */
  readonly preparationSeconds: number;
  /** Median, the pass over the prefix included. */
  readonly bytesPerSecond: number;
}

/** Times generation of one sequence. */
async function timeGeneration(engine: CpuEngine, size: keyof typeof benchSizes): Promise<GenerationTime> {
  const { config } = benchSizes[size];
  const parameters = initialParameters(parameterTable(config), 0);
  const { patches } = randomStrip({ ...config, patchLength: config.patchLength / 4 }, 1);
  const request = {
    prefixes: [Uint16Array.from(patches)],
    byteLimit: generatedPatches(size) * config.patchSize,
    sampling: defaultSampling,
    ignoreEnd: true,
  };
  const start = performance.now();
  const { plan, execution } = await prepareGeneration(engine, config, parameters, request);
  await execution.readIntegers(plan.sequences);
  const preparationSeconds = (performance.now() - start) / 1000;
  const seconds: number[] = [];
  // One more at first, in which V8 compiles the kernels.
  for (let i = 0; i <= generations; i++) {
    const start = performance.now();
    let byteCount = 0;
    for await (const { bytes } of continuePrefixes(execution, plan, request)) byteCount += bytes.length;
    if (byteCount !== request.byteLimit) {
      throw new Error(`Generated ${byteCount} of ${request.byteLimit} bytes`);
    }
    if (i > 0) seconds.push((performance.now() - start) / 1000);
  }
  execution.destroy();
  const median = seconds.sort((a, b) => a - b)[Math.floor(generations / 2)]!;
  return { preparationSeconds, bytesPerSecond: request.byteLimit / median };
}

/** Share of a training step's kernel time that is spent in matrix products. */
async function productShare(engine: CpuEngine, size: keyof typeof benchSizes): Promise<number> {
  let [all, products] = [0, 0];
  for await (const { call, count, seconds } of timeKernels(engine, size)) {
    all += count * seconds;
    if (call.kernel.name === "matmul") products += count * seconds;
  }
  return products / all;
}

/** Runs the benchmark with these arguments. */
export async function benchCpu(args: readonly string[]): Promise<void> {
  const values = parseCommandLine(args, {
    threads: engineOptions.threads,
    peer: {
      kind: "path",
      placeholder: "FILE",
      default: `${import.meta.dirname}/../../shared/bench/torch_bgpt.py`,
      help: "the published model in PyTorch",
    },
    json: jsonOption,
  }, {});
  const threads = values.threads ?? navigator.hardwareConcurrency;
  const report = (row: Record<string, unknown>, line: string) =>
    console.log(values.json ? JSON.stringify({ bench: "cpu", threads, ...row }) : line);

  const threadCounts = [...new Set([1, threads])];
  await benchProducts(mainCases, threadCounts, values.json);
  for (const size of ["tiny", "small"] as const) {
    const { batch } = benchSizes[size];
    const seconds: number[] = [];
    for (const count of threadCounts) {
      const engine = await CpuEngine.create({ threads: count });
      const time = await timeSteps(engine, { size, batch, dropout: 0.1 });
      seconds.push(time.bestSeconds);
      const rate = formatRate(time.bytesPerSecond, "B");
      const products = formatRate(time.matmulFlopsPerSecond, "FLOP");
      const host = (time.hostSeconds * 1000).toFixed(3);
      const milliseconds = `${(time.medianSeconds * 1000).toFixed(1)} ms, best ${
        (time.bestSeconds * 1000).toFixed(1)
      }`;
      report(
        { size, engineThreads: count, ...time },
        `train ${size}, ${count} thread${
          count === 1 ? "" : "s"
        }: ${milliseconds}, ${rate}, products ${products}, host ${host} ms`,
      );
      if (count === threads) {
        const share = await productShare(engine, size);
        const generation = await timeGeneration(engine, size);
        const peer = await runPeer(values.peer, size, threads);
        report({ size, productShare: share }, `  products take ${(100 * share).toFixed(0)} % of a step`);
        report(
          { size, generation },
          `  generate ${generatedPatches(size)} patches: ${formatRate(generation.bytesPerSecond, "B")}, ` +
            `prepared in ${(1000 * generation.preparationSeconds).toFixed(0)} ms`,
        );
        if (peer === undefined) {
          report({ size, peer: null }, "  PyTorch: not measured, python3-torch or the script is missing");
        } else {
          const trains = time.bytesPerSecond / peer.trainBytesPerSecond;
          const generates = generation.bytesPerSecond / peer.generateBytesPerSecond;
          report(
            { size, peer, trainRatio: trains, generateRatio: generates },
            `  PyTorch: train ${formatRate(peer.trainBytesPerSecond, "B")} (here ${trains.toFixed(2)} x), ` +
              `generate ${formatRate(peer.generateBytesPerSecond, "B")} (here ${generates.toFixed(1)} x)`,
          );
        }
      }
      engine.destroy();
    }
    if (seconds.length === 2) {
      const ratio = seconds[0]! / seconds[1]!;
      report({ size, threadRatio: ratio }, `  ${threads} threads against one: ${ratio.toFixed(2)} x`);
    }
  }
}
