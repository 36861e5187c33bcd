import type { Config } from "../config.ts";
import { crc32c } from "../crc32c.ts";
import type { RunData } from "../training_run.ts";
import type { Communicator } from "./communicator.ts";

/** What has to be the same in all ranks, in words. */
const parts = ["the options", "the files and their sizes", "the checkpoint to go on from"] as const;

/**
 * Makes sure that all ranks are about to do the same: each finds files and checkpoints by itself.
 * @param resumedStep the step that the run goes on from, if it does
 * @throws {Error} in a rank that found something else than rank 0
 */
export async function checkSameRun(
  communicator: Communicator,
  config: Config & { readonly shardOptimizer?: boolean },
  { training, evaluation }: Pick<RunData, "training" | "evaluation">,
  resumedStep: number = -1,
): Promise<void> {
  if (communicator.size === 1) return;
  const encoder = new TextEncoder();
  let samples = 0;
  for (const source of [training, ...evaluation.map(({ source }) => source)]) {
    samples = crc32c(encoder.encode(`${source.count}\n`), samples);
    for (let i = 0; i < source.count; i++) {
      samples = crc32c(encoder.encode(`${source.name(i)} ${source.patchCount(i, config)}\n`), samples);
    }
  }
  // Whole numbers below 2³² in doubles: every field of rank 0 as it is here.
  const own = Float64Array.of(crc32c(encoder.encode(JSON.stringify(config))), samples, resumedStep);
  const first = own.slice();
  await communicator.broadcast(new Uint8Array(first.buffer), 0);
  const other = parts.filter((_, i) => own[i] !== first[i]);
  if (other.length === 0) return;
  throw new Error(
    `Cannot train together: rank ${communicator.rank} differs from rank 0 in ${other.join(" and ")}. ` +
      "Give all ranks the same command, and the same paths to the same files",
  );
}
