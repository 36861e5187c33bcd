import { writeFiles } from "../cli/temp_folder.ts";

/** Bytes of the files: strips end within files' order, and their lengths are cut unevenly. */
const byteLengths = [40, 3, 17, 30, 25, 8, 0, 31, 12, 22, 5, 28, 9, 36, 14, 2];

/** The command line of a small run; its data are made where they are missing. */
export async function smallRun(folder: string, out: string, ...more: string[]): Promise<string[]> {
  const data = `${folder}/data`;
  await writeFiles(data, byteLengths);
  return [
    ...[
      "train",
      "--data",
      data,
      "--out",
      out,
      "--preset",
      "tiny",
      "--patch-size",
      "4",
      "--patch-length",
      "8",
    ],
    ...["--hidden", "64", "--patch-layers", "1", "--byte-layers", "1", "--batch", "3", "--accumulate", "2"],
    ...["--eval-share", "0.2", "--device", "cpu", "--threads", "1", ...more],
  ];
}

/** A line of `metrics.jsonl`. */
export type MetricsLine = Readonly<Record<string, number | string>>;

/** What a run measured. */
export function metricsOf(out: string): MetricsLine[] {
  const lines = Deno.readTextFileSync(`${out}/metrics.jsonl`).trim().split("\n");
  return lines.map((line) => JSON.parse(line));
}

/** Waits until a run has kept a checkpoint. */
export async function firstCheckpoint(out: string): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    try {
      for (const { name } of Deno.readDirSync(`${out}/checkpoints`)) if (/^step-\d+$/.test(name)) return;
    } catch {
      // Not begun yet.
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`No checkpoint in ${out} after 30 s`);
}
