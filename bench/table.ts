/**
 * The results of `bench/gpu.sh` as one page of Markdown.
 *
 *     deno task bench table FOLDER
 *
 * What was not measured says so.
 */
import { parseCommandLine } from "../cli/parse.ts";
import { formatRate } from "../cli/units.ts";
import type { BenchRecord, Print } from "./records.ts";
import { targetRows } from "./targets.ts";

/** A line of JSON of the run, with the file that it stands in, such as `native`. */
export type RunRecord = BenchRecord & { readonly source: string };

/** Prints the page. */
export async function benchTable(args: readonly string[], print: Print): Promise<void> {
  const { folder } = parseCommandLine(args, {}, {
    folder: { placeholder: "FOLDER", help: "of bench/gpu.sh" },
  });
  const records: RunRecord[] = [];
  for (const source of ["checks", "native", "dawn", "unchecked", "tuned", "precision", "peers"]) {
    for (const line of await linesOf(`${folder}/${source}.json`)) {
      // A section that was stopped may end within a line.
      if (line.endsWith("}")) records.push({ ...JSON.parse(line), source });
    }
  }
  const of = (bench: string) => records.filter((record) => record.bench === bench);
  const machines = new Set(of("machine").map(({ source, description }) => `${source}: ${description}`));
  print("# A run on a GPU\n");
  for (const machine of machines) print(`- ${machine}`);
  const ceilings = of("machine").map((record) => [
    nameOf(record),
    formatRate(Number(record["matmulFlopsPerSecond"]), "FLOP"),
    record["copyBytesPerSecond"] === undefined ? "" : formatRate(Number(record["copyBytesPerSecond"]), "B"),
  ]);
  table(print, "What it must show", ["", "at least", "then", "measured"], targetRows(records));
  table(print, "Sections", ["section", "outcome", "seconds"], await sectionRows(folder));
  table(
    print,
    "First checks",
    ["", ""],
    of("checks").map(({ name, value }) => [name, JSON.stringify(value)]),
  );
  table(print, "Ceilings", ["", "largest product", "largest copy"], ceilings);
  table(
    print,
    "Training",
    ["", "", "a step", "rate", "host", "of the largest product's rate"],
    [...of("train"), ...of("peers").filter(({ name }) => name.startsWith("train"))].map(trainingRow),
  );
  table(
    print,
    "Mixed precision beside f32",
    ["", "", "nats held out", "to f32", "overflows"],
    of("precision").map((record) => [
      nameOf(record),
      `${record.size}, ${record.name}`,
      Number(record["heldOutNats"]).toFixed(4),
      record["toF32"] === undefined ? "" : percent(record["toF32"]),
      String(record["overflows"]),
    ]),
  );
  const generated = [...of("generate"), ...of("peers").filter(({ name }) => name.startsWith("generate"))];
  table(
    print,
    "Generation",
    ["", "", "rate"],
    generated.map((record) => [
      nameOf(record),
      record.name,
      formatRate(Number(record["bytesPerSecond"] ?? record["perSecond"]), "B"),
    ]),
  );
  const products = of("peers").filter(({ name }) => name.startsWith("product"));
  table(
    print,
    "Products of peers",
    ["", "", "rate"],
    products.map((record) => [nameOf(record), record.name, formatRate(Number(record["perSecond"]), "FLOP")]),
  );
  for (const who of ["native, f32", "dawn, f32", "dawn, mixed"]) {
    const kernels = of("kernels").filter((record) => nameOf(record) === who);
    table(
      print,
      `Kernels, ${who}`,
      ["kernel", "calls", "a call", "of products", "of copies", "its floor"],
      kernels.toSorted((a, b) => stepSeconds(b) - stepSeconds(a)).map(kernelRow),
    );
  }
}

async function linesOf(path: string): Promise<string[]> {
  try {
    return (await Deno.readTextFile(path)).split("\n").filter((line) => line !== "");
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

async function sectionRows(folder: string): Promise<string[][]> {
  return (await linesOf(`${folder}/sections.txt`)).map((line) => line.split("|"));
}

function table(
  print: Print,
  title: string,
  header: readonly string[],
  rows: readonly (readonly string[])[],
): void {
  print(`\n## ${title}\n`);
  if (rows.length === 0) return print("Not measured.");
  const line = (cells: readonly string[]) => print(`| ${cells.join(" | ")} |`);
  line(header);
  line(header.map(() => "---"));
  for (const row of rows) line(row);
}

const milliseconds = (seconds: number) => `${(1000 * seconds).toFixed(3)} ms`;
const percent = (share: unknown) => share === undefined ? "" : `${(100 * Number(share)).toFixed(1)} %`;

function nameOf({ source, precision, who }: RunRecord): string {
  return `${who ?? source}, ${precision}`;
}

function trainingRow(record: RunRecord): string[] {
  return [
    nameOf(record),
    record.name,
    milliseconds(record.seconds),
    formatRate(Number(record["bytesPerSecond"] ?? record["perSecond"]), "B"),
    percent(record["hostShare"]),
    percent(record["utilisation"]),
  ];
}

function stepSeconds({ count, seconds }: RunRecord): number {
  return Number(count) * seconds;
}

function kernelRow(record: RunRecord): string[] {
  const floor = Math.max(Number(record["arithmeticSeconds"]), Number(record["trafficSeconds"] ?? 0));
  return [
    record.name,
    String(record["count"]),
    milliseconds(record.seconds),
    percent(record["matmulShare"]),
    percent(record["copyShare"]),
    percent(floor / record.seconds),
  ];
}
