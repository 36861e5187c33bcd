/**
 * A baseline of this machine: the kernels, steps and generation of a size as JSON lines in a file, for `bench compare`.
 *
 *     deno task bench save FILE [--size tiny|small|medium|official] [--device gpu|cpu|reference]
 */
import { parseCommandLine } from "../cli/parse.ts";
import { note } from "../cli/terminal.ts";
import { flagName } from "../cli/options.ts";
import { benchGenerate } from "./generate.ts";
import { benchKernels } from "./kernels.ts";
import { benchOptions } from "./options.ts";
import type { Print } from "./records.ts";
import { benchTrain } from "./train.ts";

/** Runs the benchmarks with these arguments and writes the file. */
export async function benchSave(args: readonly string[], print: Print): Promise<void> {
  const { json: _, ...options } = benchOptions;
  const { file, ...values } = parseCommandLine(args, options, {
    file: { placeholder: "FILE", help: "where the baseline goes" },
  });
  const same = Object.entries(values).flatMap(([key, value]) =>
    typeof value === "boolean" ? value ? [`--${flagName(key)}`] : [] : [`--${flagName(key)}`, String(value)]
  );
  const lines: string[] = [];
  const benchmarks = { kernels: benchKernels, train: benchTrain, generate: benchGenerate };
  for (const [name, run] of Object.entries(benchmarks)) {
    note(`${name} …`);
    const own = name === "train" ? ["--no-kernels"] : [];
    await run([...same, ...own, "--json"], (line) => lines.push(line));
  }
  await Deno.writeTextFile(file, lines.map((line) => `${line}\n`).join(""));
  print(`Wrote ${lines.length} records to "${file}"; compare with: deno task bench compare ${file} OTHER`);
}
