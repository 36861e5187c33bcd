/**
 * Generation, cached, behind a quarter of the patch length: bytes a second of one sequence and of many at a time.
 *
 *     deno task bench generate [--size tiny|small|medium|official] [--sequences 1,16] [--patches N] [--device …] [--json]
 */
import { openEngine } from "../cli/engine.ts";
import { UsageError } from "../cli/errors.ts";
import { parseCommandLine } from "../cli/parse.ts";
import { formatRate } from "../cli/units.ts";
import { benchOptions, countsOf } from "./options.ts";
import type { BenchRecord, Print } from "./records.ts";
import { generationParameters, remainingPatches, timeGeneration } from "./time_generation.ts";

/** Runs the benchmark with these arguments. */
export async function benchGenerate(args: readonly string[], print: Print): Promise<void> {
  const { size, json, sequences, patches, ...choice } = parseCommandLine(args, {
    ...benchOptions,
    sequences: { kind: "list", placeholder: "N,N", help: "sequences at a time (default: 1,16)" },
    patches: { kind: "integer", minimum: 1, help: "new patches of each (default: to the patch length)" },
  }, {});
  const counts = countsOf(sequences, "sequences", [1, 16]);
  const patchCount = patches ?? remainingPatches(size);
  if (patchCount > remainingPatches(size)) {
    throw new UsageError(
      `Cannot generate ${patchCount} patches at size ${size}: behind a quarter of the patch length there is room for ` +
        `${remainingPatches(size)}`,
    );
  }
  const engine = await openEngine(choice);
  if (!json) print(`${engine.name}: ${engine.description}`);
  const parameters = generationParameters(size);
  for (const count of counts) {
    const time = await timeGeneration(engine, size, parameters, { sequences: count, patchCount });
    const name = `${count} at a time, ${patchCount} patches`;
    const record: BenchRecord = {
      bench: "generate",
      size,
      name,
      precision: engine.precision,
      sequences: count,
      ...time,
    };
    if (json) {
      print(JSON.stringify(record));
      continue;
    }
    const perSequence = count === 1 ? "" : `, ${formatRate(time.bytesPerSecond / count, "B")} each`;
    print(
      `${size}, ${name}: ${formatRate(time.bytesPerSecond, "B")}${perSequence}; ` +
        `prepared in ${(1000 * time.preparationSeconds).toFixed(0)} ms`,
    );
  }
  engine.destroy();
}
