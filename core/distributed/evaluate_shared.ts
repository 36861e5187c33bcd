import {
  type Evaluation,
  type EvaluationPart,
  joinEvaluations,
  type PartedEvaluation,
} from "../evaluation.ts";
import { type SampleSource, selectSamples } from "../sample.ts";
import { type StripOptions, stripsOnce } from "../strip_reader.ts";
import type { Trainer } from "../trainer.ts";
import { AgreedError } from "./agreed_error.ts";

/**
 * Evaluates every part, each rank a share of its samples; all ranks get the whole result.
 * @param options of the strips of this rank's plan
 * @throws {UnreadableFileError} of a single rank, when no file of a part can be read any more
 * @throws {AgreedError} of several ranks, when none can in any of them
 */
export async function evaluateShared(
  trainer: Trainer,
  parts: readonly EvaluationPart[],
  options: StripOptions,
): Promise<PartedEvaluation> {
  const { communicator } = trainer;
  const evaluations = [];
  for (const { name, source } of parts) {
    // Where all files of a rank have gone, others may still have theirs.
    const strips = stripsOnce(sharedSamples(source, communicator), options, communicator.size > 1);
    const evaluation = await summed(trainer, await trainer.evaluate(strips));
    if (evaluation.samples === 0 && source.count > 0) {
      throw new AgreedError(
        `Cannot evaluate without files: none of the ${source.count} of "${name}" can be read any more in any rank`,
      );
    }
    evaluations.push({ name, ...evaluation });
  }
  return joinEvaluations(evaluations);
}

/** Every so many samples one, so that ranks get as many, and alike ones. */
function sharedSamples(source: SampleSource, { rank, size }: { rank: number; size: number }): SampleSource {
  if (size === 1) return source;
  const count = Math.ceil((source.count - rank) / size);
  return selectSamples(source, Array.from({ length: count }, (_, i) => rank + i * size));
}

async function summed(
  { communicator }: Trainer,
  { totals, samples, patches }: Evaluation,
): Promise<Evaluation> {
  const names = Object.keys(totals) as (keyof typeof totals)[];
  const all = Float64Array.of(samples, patches, ...names.map((name) => totals[name]));
  await communicator.allReduceSum(all);
  const sums = names.map((name, i) => [name, all[2 + i]!]);
  return { samples: all[0]!, patches: all[1]!, totals: Object.fromEntries(sums) };
}
