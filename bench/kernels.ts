/**
 * Every kernel of a training step at the shapes of a size: its time, its rates with their share of what was measured as
 * this device's most, and the two floors.
 *
 *     deno task bench kernels [--size tiny|small|medium|official] [--device gpu|cpu|reference] [--json] [FILTER]
 *
 * FILTER keeps the kernels whose name contains it. GPUs with timestamp queries are timed by their own clock.
 */
import { shapeText } from "../cli/doctor/print_report.ts";
import { alignedLines } from "../cli/doctor/text_table.ts";
import { openEngine } from "../cli/engine.ts";
import { parseCommandLine } from "../cli/parse.ts";
import { formatRate } from "../cli/units.ts";
import { type Ceilings, type Floors, floorsOf, measureCeilings } from "./ceilings.ts";
import { benchOptions } from "./options.ts";
import { type BenchRecord, machineLine, machineRecord, type Print } from "./records.ts";
import { benchSizes } from "./sizes.ts";
import { type KernelTime, timeKernels } from "./time_kernels.ts";

/** A row of the table and its record have the same contents. */
interface KernelRow extends BenchRecord, Floors {
  readonly count: number;
  readonly flopsPerSecond: number;
  readonly bytesPerSecond: number;
  /** Of the largest product's rate. */
  readonly matmulShare: number;
  /** Of the largest copy's rate. */
  readonly copyShare?: number;
}

/** Runs the benchmark with these arguments. */
export async function benchKernels(args: readonly string[], print: Print): Promise<void> {
  const { size, json, filter = "", ...choice } = parseCommandLine(args, benchOptions, {
    filter: { placeholder: "FILTER", help: "part of a kernel's name", optional: true },
  });
  const engine = await openEngine(choice);
  const ceilings = await measureCeilings(engine);
  if (json) print(JSON.stringify(machineRecord(engine, ceilings)));
  else print(machineLine(engine, ceilings));
  const step = { size, batch: benchSizes[size].batch, dropout: 0.1 };
  const rows: KernelRow[] = [];
  for await (const time of timeKernels(engine, step, filter)) {
    const row = kernelRow(size, engine.precision, time, ceilings);
    rows.push(row);
    if (json) print(JSON.stringify(row));
  }
  engine.destroy();
  if (json) return;
  const header = ["kernel", "", "calls", "a call", "arithmetic", "", "memory", "", "floors", ""];
  const lines = alignedLines([header, ...rows.map(cells)], [
    "left",
    "left",
    ...header.map(() => "right" as const),
  ]);
  for (const line of lines) print(line);
  for (const line of groupLines(rows)) print(line);
}

function kernelRow(
  size: string,
  precision: string,
  { call, count, ...samples }: KernelTime,
  ceilings: Ceilings,
): KernelRow {
  const { kernel, shape } = call;
  const cost = kernel.cost(shape);
  const [flopsPerSecond, bytesPerSecond] = [cost.flops / samples.seconds, cost.bytes / samples.seconds];
  return {
    bench: "kernels",
    size,
    name: `${kernel.name} ${shapeText(shape)}`,
    precision,
    kernel: kernel.name,
    count,
    ...samples,
    ...cost,
    flopsPerSecond,
    bytesPerSecond,
    matmulShare: flopsPerSecond / ceilings.matmulFlopsPerSecond,
    ...(ceilings.copyBytesPerSecond && { copyShare: bytesPerSecond / ceilings.copyBytesPerSecond }),
    ...floorsOf(cost, ceilings),
  };
}

const milliseconds = (seconds: number) => `${(1000 * seconds).toFixed(3)} ms`;
const percent = (share: number) => `${(100 * share).toFixed(0)} %`;

function cells(row: KernelRow): string[] {
  const [kernel, ...shape] = row.name.split(" ");
  return [
    kernel!,
    shape.join(" "),
    `${row.count} x`,
    milliseconds(row.seconds),
    formatRate(row.flopsPerSecond, "FLOP"),
    percent(row.matmulShare),
    formatRate(row.bytesPerSecond, "B"),
    row.copyShare === undefined ? "" : percent(row.copyShare),
    milliseconds(row.arithmeticSeconds),
    row.trafficSeconds === undefined ? "" : milliseconds(row.trafficSeconds),
  ];
}

/** A line for each kernel, over all its shapes, and one for the step of them all. */
function groupLines(rows: readonly KernelRow[]): string[] {
  const total = rows.reduce((sum, { count, seconds }) => sum + count * seconds, 0);
  const groups = [...Map.groupBy(rows, ({ kernel }) => kernel)].map(([kernel, calls]) =>
    [String(kernel), calls.reduce((sum, { count, seconds }) => sum + count * seconds, 0)] as const
  ).sort(([, a], [, b]) => b - a);
  const table = [...groups, ["all", total] as const].map(([kernel, seconds]) => [
    kernel,
    milliseconds(seconds),
    percent(seconds / total),
  ]);
  return ["a step of these:", ...alignedLines(table, ["left", "right", "right"])];
}
