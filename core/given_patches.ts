/**
 * What the byte level has to read of a prefix before it goes on, where its bytes see those of patches before.
 * @module
 */
import { type Execution, sequenceWords } from "@bgpt/kernels";
import type { ModelConfig } from "./config.ts";
import type { GenerationPlan } from "./generation_plan.ts";
import { endOfPatch } from "./patches.ts";

/** A sequence that goes on from patches that are given. */
export interface GivenSequence {
  /** The patches [patchCount, S]; bytes of a patch that is not whole may stand behind them. */
  readonly tokens: Uint16Array;
  /** Whole patches. */
  readonly patchCount: number;
}

/**
 * Patches before the last one that the byte level reads: a row sees the latest `byteWindow` rows, each of which saw as
 * many in the block below; or all of them.
 */
function reachedPatches(config: ModelConfig): number {
  const { patchSize, byteLayers, byteWindow = 0, byteGlobalHeads = 0 } = config;
  if (byteGlobalHeads > 0) return Infinity;
  return byteWindow === 0 ? 0 : Math.ceil(byteLayers * (byteWindow - 1) / patchSize);
}

/**
 * Queues the passes that fill the byte level's caches with what the next byte of each sequence sees, a patch at a time.
 * The patch level's caches must be filled, and the sequences stand in their slots. Sequences with fewer patches begin
 * later, so that all end together.
 */
export function readGivenPatches(
  execution: Execution,
  plan: GenerationPlan,
  sequences: readonly GivenSequence[],
): void {
  const { S, config } = plan.model;
  const most = Math.max(...sequences.map(({ patchCount }) => patchCount - 1));
  for (let back = Math.min(reachedPatches(config), most); back > 0; back--) {
    const rows = new Uint32Array(sequences.length * S).fill(endOfPatch);
    const states = new Uint32Array(sequences.length * sequenceWords);
    for (const [b, { tokens, patchCount }] of sequences.entries()) {
      // One that begins later reads its first patch until then, and again.
      const read = Math.max(patchCount - back, 1);
      states[b * sequenceWords] = read;
      rows.set(tokens.subarray(read * S, (read + 1) * S), b * S);
    }
    execution.write(plan.row, rows);
    for (let byteCount = 0; byteCount < S; byteCount++) {
      for (let b = 0; b < sequences.length; b++) states[b * sequenceWords + 1] = byteCount;
      execution.write(plan.sequences, states);
      execution.run(...byteCount === 0 ? ["patch"] : [], "byte");
    }
  }
}
