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
import { CpuEngine } from "@bgpt/kernels";
import { engineOptions } from "../cli/engine.ts";
import { jsonOption } from "../cli/options.ts";
import { parseCommandLine } from "../cli/parse.ts";
import { formatRate } from "../cli/units.ts";
import { benchProducts, mainCases } from "./cpu_matmul.ts";
import { benchSizes, type SizeName } from "./sizes.ts";
import { generationParameters, remainingPatches, timeGeneration } from "./time_generation.ts";
import { timeKernels } from "./time_kernels.ts";
import { timeSteps } from "./time_steps.ts";
import { defaultPeer, findTorch, runTorch } from "./torch.ts";

/** What PyTorch needs of a step and of generation, in bytes a second. */
interface PeerRates {
  readonly trainBytesPerSecond: number;
  readonly generateBytesPerSecond: number;
}

/** Runs the peer at one size on the processor; undefined where Python, PyTorch or the script is missing. */
async function runPeer(script: string, size: SizeName, threads: number): Promise<PeerRates | undefined> {
  const torch = await findTorch();
  if (torch === undefined) return undefined;
  const request = { script, size, modes: ["fp32"], batches: [4], patches: remainingPatches(size), threads };
  for await (const row of runTorch({ ...torch, cuda: false }, request)) {
    return { trainBytesPerSecond: row.bytes_per_s!, generateBytesPerSecond: row.generate_bytes_per_s! };
  }
  return undefined;
}

/** Share of a training step's kernel time that is spent in matrix products. */
async function productShare(engine: CpuEngine, size: SizeName, batch: number): Promise<number> {
  let [all, products] = [0, 0];
  for await (const { call, count, seconds } of timeKernels(engine, { size, batch, dropout: 0.1 })) {
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
      default: defaultPeer,
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
        const share = await productShare(engine, size, batch);
        const generation = await timeGeneration(engine, size, generationParameters(size), {
          sequences: 1,
          patchCount: remainingPatches(size),
        });
        const peer = await runPeer(values.peer, size, threads);
        report({ size, productShare: share }, `  products take ${(100 * share).toFixed(0)} % of a step`);
        report(
          { size, generation },
          `  generate ${remainingPatches(size)} patches: ${formatRate(generation.bytesPerSecond, "B")}, ` +
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
