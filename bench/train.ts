/**
 * Whole training steps: time, bytes a second, the host's share, how much of the device's arithmetic the model uses, the
 * two floors, and where the time goes by kernel.
 *
 *     deno task bench train [--size tiny|small|medium|official] [--batch 1,4,16] [--dropout 0.1,0]
 *         [--device gpu|cpu|reference] [--tune] [--peak-tflops X] [--no-kernels] [--json]
 *
 * Model FLOP utilisation is the arithmetic of the plan in a second, of the rate of the largest matrix product here; with
 * `--peak-tflops` also of what the maker claims.
 */
import { alignedLines } from "../cli/doctor/text_table.ts";
import { openEngine } from "../cli/engine.ts";
import { UsageError } from "../cli/errors.ts";
import { parseCommandLine } from "../cli/parse.ts";
import { tuneOption } from "../cli/tuning.ts";
import { formatAmount, formatRate } from "../cli/units.ts";
import { floorsOf, measureCeilings } from "./ceilings.ts";
import { benchOptions, countsOf } from "./options.ts";
import { type BenchRecord, machineLine, machineRecord, type Print } from "./records.ts";
import { benchSizes } from "./sizes.ts";
import { type TimedStep, timeKernels } from "./time_kernels.ts";
import { type StepTime, timeSteps } from "./time_steps.ts";
import type { Engine } from "@bgpt/kernels";

/** Runs the benchmark with these arguments. */
export async function benchTrain(args: readonly string[], print: Print): Promise<void> {
  const { size, json, batch, dropout: rates, peakTflops, kernels, tune, ...choice } = parseCommandLine(args, {
    ...benchOptions,
    tune: { ...tuneOption, default: false },
    batch: { kind: "list", placeholder: "N,N", help: "files of full length in a step (default: the size's)" },
    dropout: { kind: "list", placeholder: "X,X", help: "one after the other (default: 0.1,0)" },
    peakTflops: { kind: "number", minimum: 0.001, help: "the maker's peak, to compare with" },
    kernels: { kind: "flag", negatable: true, default: true, help: "time the kernels one by one, too" },
  }, {});
  const batches = countsOf(batch, "batch", [benchSizes[size].batch]);
  const dropouts = rates.length === 0 ? [0.1, 0] : rates.map(Number);
  const wrong = dropouts.findIndex((rate) => !(rate >= 0 && rate < 1));
  if (wrong !== -1) {
    throw new UsageError(`Cannot use --dropout ${rates[wrong]}: it must be from 0 to below 1`);
  }
  const engine = await openEngine(choice);
  const ceilings = await measureCeilings(engine);
  if (json) print(JSON.stringify(machineRecord(engine, ceilings)));
  else print(machineLine(engine, ceilings));
  for (const files of batches) {
    for (const dropout of dropouts) {
      const step = { size, batch: files, dropout, tune };
      const time = await timeSteps(engine, step);
      const { medianSeconds: seconds, ...rest } = time;
      const record: BenchRecord = {
        bench: "train",
        size,
        name: `batch ${files}, dropout ${dropout}`,
        precision: engine.precision,
        seconds,
        batch: files,
        ...rest,
        hostShare: time.hostSeconds / seconds,
        utilisation: time.flopsPerSecond / ceilings.matmulFlopsPerSecond,
        ...(peakTflops && { peakUtilisation: time.flopsPerSecond / 1e12 / peakTflops }),
        ...floorsOf(time, ceilings),
      };
      if (json) print(JSON.stringify(record));
      else for (const line of stepLines(record, time)) print(line);
    }
    if (kernels) await printGroups(engine, { size, batch: files, dropout: 0.1 }, json, print);
  }
  engine.destroy();
}

const milliseconds = (seconds: number) => `${(1000 * seconds).toFixed(2)} ms`;
const percent = (share: unknown) => `${(100 * Number(share)).toFixed(1)} %`;

function stepLines(record: BenchRecord, time: StepTime): string[] {
  const { medianSeconds, bestSeconds, rounds, stepsPerRound, deviceSeconds } = time;
  const peak = record["peakUtilisation"] === undefined
    ? ""
    : `, ${percent(record["peakUtilisation"])} of the maker's peak`;
  const memory = record["trafficSeconds"] === undefined
    ? ""
    : `, ${milliseconds(Number(record["trafficSeconds"]))} for its memory traffic`;
  return [
    `${record.size}, ${record.name}: ${milliseconds(medianSeconds)} (best ${
      milliseconds(bestSeconds)
    }, ${rounds} x ` +
    `${stepsPerRound} steps), ${formatRate(time.bytesPerSecond, "B")}`,
    `  ${formatAmount(time.flops, "FLOP")} at ${formatRate(time.flopsPerSecond, "FLOP")}: ` +
    `${percent(record["utilisation"])} of the largest product's rate${peak}; ` +
    `products alone ${formatRate(time.matmulFlopsPerSecond, "FLOP")}`,
    `  floors: ${milliseconds(Number(record["arithmeticSeconds"]))} for its arithmetic${memory}`,
    `  host: ${milliseconds(time.hostSeconds)} of a step, ${percent(record["hostShare"])}` +
    (deviceSeconds === undefined ? "" : `; the device computes for ${milliseconds(deviceSeconds)}`),
  ];
}

/** The time of a step by kernel. */
async function printGroups(engine: Engine, step: TimedStep, json: boolean, print: Print): Promise<void> {
  const groups = new Map<string, number>();
  for await (const { call, count, seconds } of timeKernels(engine, step)) {
    groups.set(call.kernel.name, (groups.get(call.kernel.name) ?? 0) + count * seconds);
  }
  const total = groups.values().reduce((sum, seconds) => sum + seconds, 0);
  const { size, batch } = step;
  if (json) {
    print(JSON.stringify({ bench: "groups", size, batch, total, seconds: Object.fromEntries(groups) }));
    return;
  }
  const rows = [...groups, ["all", total] as const].sort(([, a], [, b]) => b - a);
  const cells = rows.map(([name, seconds]) => [name, milliseconds(seconds), percent(seconds / total)]);
  for (const line of alignedLines(cells, ["left", "right", "right"])) print(line);
}
