/**
 * The doctor's findings as text.
 * @module
 */
import type { Shape } from "@bgpt/kernels";
import { paint, print } from "../terminal.ts";
import { formatAmount, formatBytes, formatCount, formatRate } from "../units.ts";
import type { AdapterReport } from "./adapter_report.ts";
import type { DoctorReport, SystemReport } from "./examination.ts";
import { largestBatchTried, type MemoryReport } from "./memory_report.ts";
import type { CallTotal, PlanReport } from "./plan_report.ts";
import type { Problem } from "./problems.ts";
import type { Rates } from "./rates.ts";
import type { SmokeResult } from "./smoke_kernels.ts";
import { alignedLines, type Alignment } from "./text_table.ts";

/** Prints everything that was found. */
export function printDoctorReport(report: DoctorReport): void {
  const { system, adapter, engines, memory, allocations, problems } = report;
  print(systemLine(system));
  if (adapter === null) section("Adapter", ["  none: WebGPU has nothing to compute on here"]);
  else printAdapter(adapter);
  for (const { description, smoke, rates } of engines) {
    const alignments: Alignment[] = ["left", "left", "right", "right"];
    section(`Engine ${rates.engine}: ${description}`, [
      ...alignedLines(smoke.map(smokeRow), alignments),
      ...alignedLines(rateRows(rates), ["left", "left", "right"]),
    ]);
  }
  if (allocations.length > 0) {
    const rows = allocations.map(({ bytes, outcome, reason }) => [
      formatBytes(bytes),
      outcome + (reason === undefined ? "" : `: ${reason}`),
    ]);
    section("Buffers that were tried", alignedLines(rows, ["right"]));
  }
  printMemory(memory);
  section(
    problems.length === 0 ? "No known problem was met" : "Known problems met",
    problems.flatMap(problemLines),
  );
}

/** Prints the calls of a training step, its memory and totals. */
export function printPlanReport(report: PlanReport): void {
  const { preset, batch, patchCount, byteLength, parameterCount, memory, calls } = report;
  print(
    `Training step of preset ${preset}, ${formatCount(parameterCount, "parameter")}: batch ${batch}, ` +
      `${formatCount(patchCount, "patch", "patches")}, ${formatCount(byteLength, "byte")}`,
  );
  printMemory([memory]);
  const rows = calls.map(({ program, label, kernel, shape, flops, bytes }) => [
    program,
    label,
    kernel,
    shapeText(shape),
    formatAmount(flops, "FLOP"),
    formatAmount(bytes, "B"),
  ]);
  const alignments: Alignment[] = ["left", "left", "left", "left", "right", "right"];
  section(
    "Kernel calls",
    alignedLines([["program", "call", "kernel", "shape", "arithmetic", "traffic"], ...rows], alignments),
  );
  printTotals("Totals by program", [...report.byProgram, report.total], report.total);
  printTotals("Totals by kernel", [...report.byKernel, report.total], report.total);
  print();
  print(
    "Traffic is what each operand's bytes amount to when they are touched once; attention over patches is",
  );
  print("counted as if one file filled the strip.");
}

/** A shape in the words of the kernels: `NN M=64 N=128 K=64 bias`. */
export function shapeText(shape: Shape): string {
  return Object.entries(shape).flatMap(([key, value]) => {
    // The random stream of dropout decides no cost.
    if (typeof value === "number") return key === "stream" ? [] : [`${key}=${value}`];
    if (typeof value === "string") return value === "none" ? [] : [value];
    return value ? [key] : [];
  }).join(" ");
}

function section(title: string, lines: readonly string[]): void {
  print();
  print(paint(title, "bold", "stdout"));
  for (const line of lines) print(line);
}

function systemLine(
  { deno, v8, os, architecture, cores, memoryBytes, availableBytes }: SystemReport,
): string {
  return `Deno ${deno}, V8 ${v8}, ${os} on ${architecture}, ${formatCount(cores, "core")}, ` +
    `${formatBytes(memoryBytes)} of memory (${formatBytes(availableBytes)} free)`;
}

function printAdapter(adapter: AdapterReport): void {
  const { name, vendor, architecture, kind, backend, drivers, subgroupSizes, features, limits } = adapter;
  const [fewest, most] = subgroupSizes ?? [];
  section(
    "Adapter",
    alignedLines([
      ["name", name],
      ["kind", kind],
      ["vendor", vendor],
      ["architecture", architecture],
      ["backend", backend],
      ["drivers", drivers.join(", ") || "not told"],
      [
        "subgroup",
        fewest === undefined
          ? "not told"
          : fewest === most
          ? `${fewest} lanes`
          : `${fewest} to ${most} lanes`,
      ],
    ]),
  );
  const featureRows = features.map(({ name, granted, listed, use }) => [
    name,
    !granted ? "refused" : listed ? "granted" : "granted, not listed",
    use,
  ]);
  if (features.length > 0) {
    section("Features, found by asking for them; no kernel needs one", alignedLines(featureRows));
  }
  section(
    "Limits",
    alignedLines(
      [
        ["", "limit", "used", "what it bounds"],
        ...limits.map(({ name, value, used, inBytes, bounds }) => {
          const show = (number: number) => inBytes ? formatBytes(number) : number.toLocaleString("en");
          return [name, show(value), used === undefined ? "" : show(used), bounds];
        }),
      ],
      ["left", "right", "right"],
    ),
  );
}

function smokeRow({ kernel, shape, largestError, allowed, agrees }: SmokeResult): string[] {
  return [
    kernel,
    shapeText(shape),
    `error ${largestError.toExponential(1)}`,
    `allowed ${allowed.toExponential(1)}`,
    agrees ? "agrees" : "WRONG",
  ];
}

function rateRows({ matmul, copy, readBackSeconds }: Rates): string[][] {
  const { size, seconds, flopsPerSecond } = matmul;
  return [
    [
      "matrix product",
      `${size} x ${size} x ${size} in ${milliseconds(seconds)}`,
      formatRate(flopsPerSecond, "FLOP"),
    ],
    ...(copy === undefined
      ? []
      : [["copy", `${formatBytes(copy.bytes)}, read and written`, formatRate(copy.bytesPerSecond, "B")]]),
    ...(readBackSeconds === undefined ? [] : [["read-back", "4 bytes", milliseconds(readBackSeconds)]]),
  ];
}

function milliseconds(seconds: number): string {
  return `${(1000 * seconds).toPrecision(3)} ms`;
}

function printMemory(memory: readonly MemoryReport[]): void {
  const judged = memory.some(({ fit }) => fit !== undefined);
  const rows = memory.map((report) => [
    report.preset,
    report.purpose,
    String(report.batch),
    ...[
      report.parameterBytes,
      report.gradientBytes,
      report.momentBytes,
      report.activationBytes,
      report.totalBytes,
      report.largestTensor.bytes,
    ].map((bytes) => bytes === 0 ? "-" : formatBytes(bytes)),
    ...(judged ? [fitText(report)] : []),
  ]);
  const titles = [
    "preset",
    "for",
    "batch",
    "parameters",
    "gradients",
    "moments",
    "activations",
    "in all",
    "largest tensor",
  ];
  section(
    "Memory; a batch counts files of full length",
    alignedLines([[...titles, ...(judged ? ["fits"] : [])], ...rows], [
      "left",
      "left",
      ...Array<Alignment>(7).fill("right"),
    ]),
  );
  if (judged) print("  WebGPU does not tell how much memory a GPU has: what is in all must fit there, too.");
}

function fitText({ fit }: MemoryReport): string {
  if (fit === undefined) return "";
  const { limit, largestBatch } = fit;
  const most = `${largestBatch}${largestBatch >= largestBatchTried ? " or more" : ""}`;
  if (limit === undefined) return `yes, up to batch ${most}`;
  return largestBatch === 0 ? `no (${limit})` : `no, up to batch ${most} (${limit})`;
}

function printTotals(title: string, totals: readonly CallTotal[], step: CallTotal): void {
  const rows = totals.map(({ name, calls, flops, bytes }) => [
    name,
    String(calls),
    formatAmount(flops, "FLOP"),
    percent(flops, step.flops),
    formatAmount(bytes, "B"),
    percent(bytes, step.bytes),
  ]);
  section(
    title,
    alignedLines([["", "calls", "arithmetic", "", "traffic", ""], ...rows], [
      "left",
      ...Array<Alignment>(5).fill("right"),
    ]),
  );
}

function percent(part: number, whole: number): string {
  return `${(100 * part / whole).toFixed(1)} %`;
}

function problemLines({ severity, what, advice, issue }: Problem): string[] {
  return [
    `  ${severity === "problem" ? "!" : "-"} ${what}`,
    ...wrapped(advice + (issue === undefined ? "" : ` (${issue})`), 96).map((line) => `    ${line}`),
  ];
}

function wrapped(text: string, width: number): string[] {
  const lines = [""];
  for (const word of text.split(" ")) {
    const longer = `${lines.at(-1)} ${word}`.trim();
    if (longer.length <= width) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}
