/** What the benchmarks report, a line of JSON for each thing, and the files they are kept in. */
import type { Engine } from "@bgpt/kernels";
import { formatRate } from "../cli/units.ts";
import type { Ceilings } from "./ceilings.ts";
import type { Samples } from "./samples.ts";

/** One thing that was timed. `bench compare` pairs those whose first four fields are alike. */
export interface BenchRecord extends Samples {
  readonly bench: string;
  /** The model's size. */
  readonly size: string;
  readonly name: string;
  /** What is computed with: `f32`, `mixed`; of a peer its mode. */
  readonly precision: string;
  /** What else is known of it. */
  readonly [detail: string]: unknown;
}

/** Takes a line that a benchmark prints. */
export type Print = (line: string) => void;

/** The line that stands before a benchmark's own: what it ran on, and how fast that is at most. */
export function machineRecord(engine: Engine, ceilings: Ceilings): Record<string, unknown> {
  const { name, description, precision } = engine;
  return {
    bench: "machine",
    engine: name,
    description,
    precision,
    deno: Deno.version.deno,
    cores: navigator.hardwareConcurrency,
    ...ceilings,
  };
}

/** The same for people. */
export function machineLine(engine: Engine, { matmulFlopsPerSecond, copyBytesPerSecond }: Ceilings): string {
  const copies = copyBytesPerSecond === undefined ? "" : `, copies ${formatRate(copyBytesPerSecond, "B")}`;
  return `${engine.name}: ${engine.description}; at most ${
    formatRate(matmulFlopsPerSecond, "FLOP")
  } in products${copies}`;
}

/**
 * Reads what `bench save` or `--json` wrote.
 * @throws {SyntaxError} for a line that is no JSON
 */
export async function readRecords(
  path: string,
): Promise<{ readonly machines: readonly string[]; readonly records: readonly BenchRecord[] }> {
  const machines = new Set<string>();
  const records: BenchRecord[] = [];
  for (const [index, line] of (await Deno.readTextFile(path)).split("\n").entries()) {
    if (line.trim() === "") continue;
    let value: BenchRecord;
    try {
      value = JSON.parse(line);
    } catch {
      throw new SyntaxError(
        `Cannot read "${path}": line ${index + 1} is no JSON; it must be what bench save or --json wrote`,
      );
    }
    if (value.bench === "machine") machines.add(`${value["engine"]}: ${value["description"]}`);
    else if (typeof value.seconds === "number" && Array.isArray(value.quartiles)) records.push(value);
  }
  return { machines: [...machines], records };
}
