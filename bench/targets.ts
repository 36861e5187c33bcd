/** What a run on a GPU must show, as the project set it, beside what was measured. */
import { formatRate } from "../cli/units.ts";
import type { RunRecord } from "./table.ts";

const missing = "not measured";

/** Peak of f32 arithmetic of the GPU that the figures are set for, an H200, without its matrix units. */
const f32Peak = 67e12;

/** The rows of the table: what, at least, then, measured. */
export function targetRows(records: readonly RunRecord[]): string[][] {
  const ceiling = (source: string, precision: string) =>
    find(records, { bench: "machine", source, precision, field: "matmulFlopsPerSecond" });
  const product = ceiling("native", "f32");
  const matrixProduct = ceiling("dawn", "mixed");
  const trained = (source: string, precision: string, batch: number) =>
    find(records, { bench: "train", source, precision, starts: `batch ${batch}`, field: "bytesPerSecond" });
  const peer = (starts: string, precision: string) =>
    find(records, { bench: "peers", precision, starts, who: "torch", field: "perSecond" });
  const best = (precision: string, batch: number) => {
    const rates = ["native", "dawn", "unchecked", "tuned"].flatMap((source) =>
      trained(source, precision, batch) ?? []
    );
    return rates.length === 0 ? undefined : Math.max(...rates);
  };
  const perBatch = (precision: string, mode: string) =>
    batchesOf(records).map((batch) =>
      `batch ${batch}: ${ratio(best(precision, batch), peer(`train, batch ${batch}`, mode))}`
    )
      .join("; ") || missing;
  const host = find(records, { bench: "train", source: "native", precision: "f32", field: "hostShare" });
  const generated = find(records, {
    bench: "generate",
    source: "native",
    precision: "f32",
    starts: "1 at a time",
    field: "bytesPerSecond",
  });
  return [
    [
      "f32 product, Deno's own WebGPU",
      "40 % of 67 TFLOP/s",
      "60 %",
      product === undefined
        ? missing
        : `${formatRate(product, "FLOP")}, ${share(product / f32Peak)}; to PyTorch fp32: ` +
          ratio(product, peer("product", "fp32")),
    ],
    [
      "product on matrix units, through Dawn",
      "150 TFLOP/s",
      "60 % of PyTorch bf16",
      matrixProduct === undefined
        ? missing
        : `${formatRate(matrixProduct, "FLOP")}; to PyTorch bf16: ${
          ratio(matrixProduct, peer("product", "bf16"))
        }`,
    ],
    ["training, f32, to PyTorch fp32", "1.0 x", "1.5 x", perBatch("f32", "fp32")],
    ["training, mixed, to the published fp16", "0.5 x", "1.0 x", perBatch("mixed", "fp16")],
    ["host's time in a step", "under 10 %", "under 3 %", host === undefined ? missing : share(host)],
    [
      "generation of one sequence, to the published",
      "20 x",
      "100 x",
      ratio(generated, peer("generate", "fp32")),
    ],
  ];
}

/** Which record, and which of its fields. */
interface Wanted {
  readonly bench: string;
  readonly source?: string;
  readonly precision?: string;
  /** What its name begins with. */
  readonly starts?: string;
  /** What its maker's name begins with. */
  readonly who?: string;
  readonly field: string;
}

/** The field of the first such record. */
function find(records: readonly RunRecord[], wanted: Wanted): number | undefined {
  const { bench, source, precision, starts = "", who = "", field } = wanted;
  const record = records.find((each) =>
    each.bench === bench && (source === undefined || each.source === source) &&
    (precision === undefined || each.precision === precision) && beginsWith(each.name ?? "", starts) &&
    String(each["who"] ?? "").startsWith(who)
  );
  return record === undefined ? undefined : Number(record[field]);
}

/** Whether these are the first words of a name: `batch 1` is not `batch 16`. */
function beginsWith(name: string, words: string): boolean {
  return words === "" || name.startsWith(words) && /^(,| |$)/.test(name.slice(words.length));
}

function batchesOf(records: readonly RunRecord[]): number[] {
  return [...new Set(records.filter(({ bench }) => bench === "train").map(({ batch }) => Number(batch)))];
}

function ratio(own: number | undefined, peer: number | undefined): string {
  return own === undefined || peer === undefined ? missing : `${(own / peer).toFixed(2)} x`;
}

function share(value: number): string {
  return `${(100 * value).toFixed(1)} %`;
}
