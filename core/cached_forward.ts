/**
 * The forward pass of generation: of each sequence only the row that is new, its last patch or its next byte. Rows before
 * it cannot change, because attention is causal; of them, attention needs the keys and values alone. These are kept, with
 * the queries, as the blocks make them: a tensor [rows of all slots, 3C] for each block is the cache.
 *
 * Blocks are those of `forward.ts` on one row for each sequence. What is different is hidden in their attention: it stores
 * the new row in the cache, attends over all rows, and selects the new one again. At the byte level the rows that nobody
 * needs are cheap beside the matrix products. At the patch level they grow with the square of the slot: of 512 patches
 * with 768 channels, about 160 of the 182 ms of a patch, beside 88 ms for its bytes (cpu engine, one thread of an AMD EPYC,
 * Zen 4, 2026-11-23). A kernel for single queries would do without them.
 * @module
 */
import { type PlanBuilder, selectRow, type SequenceRowShape, storeRow, type Tensor } from "@bgpt/kernels";
import { byteHead, embedBytes, embedPatches, stackForward } from "./forward.ts";
import { byteLevel, patchLevel } from "./levels.ts";
import type { BatchInputs, Level, Model, StackActivations } from "./model.ts";

/** A slot of L rows for each of B sequences, and the row that is new in it. */
interface Slots extends Omit<SequenceRowShape, "C"> {
  /** The states of the sequences. */
  readonly sequences: Tensor; // u32 [B, 4]
}

/**
 * The last patch of each sequence to its feature.
 * @param past the pass over all patches, whose queries, keys and values are the cache
 * @returns features [B, C]
 */
export function lastPatchForward(
  plan: PlanBuilder,
  model: Model,
  inputs: Pick<BatchInputs, "patches" | "fileStart">,
  past: StackActivations,
  sequences: Tensor, // u32 [B, 4]
): Tensor {
  const B = sequences.shape[0]!;
  const slots: Slots = { B, L: model.P / B, row: "lastPatch", sequences };
  const caches = past.blocks.map(({ qkv }) => qkv);
  const level = rowLevel(plan, model, patchLevel(plan, model, inputs.fileStart), slots, caches);
  const embedded = select(plan, slots, embedPatches(plan, model, level, inputs), "lastPatch.x");
  return stackForward(plan, model, level, embedded).finalNorm.y;
}

/**
 * The bytes of each patch being made to the logits of its next byte.
 * @returns logits [B, V]
 */
export function nextByteForward(
  plan: PlanBuilder,
  model: Model,
  feature: Tensor, // [B, C]
  row: Tensor, // u32 [B, S]
  sequences: Tensor, // u32 [B, 4]
): Tensor {
  const B = sequences.shape[0]!;
  const slots: Slots = { B, L: model.S, row: "nextByte", sequences };
  const all = byteLevel(plan, model, B);
  const caches = Array.from(
    { length: all.layers },
    (_, i) => plan.tensor(`byte.${i}.qkv`, [all.R, 3 * model.C], "output"),
  );
  const level = rowLevel(plan, model, all, slots, caches);
  const embedded = select(plan, slots, embedBytes(plan, model, level, feature, row), "nextByte.x");
  return byteHead(plan, model, stackForward(plan, model, level, embedded));
}

/** A level on one row of each slot, its attention over the cache of each block. */
function rowLevel(
  plan: PlanBuilder,
  { C }: Model,
  all: Level,
  { sequences, ...slots }: Slots,
  caches: readonly Tensor[],
): Level {
  const name = slots.row;
  const cacheOf = new Map(caches.map((cache, i) => [`${name}.${i}.attention`, cache]));
  return {
    ...all,
    name,
    R: slots.B,
    attention: {
      forward(qkv, out, label, stream) {
        const cache = cacheOf.get(label)!;
        const store = { sequences, rows: qkv, all: cache };
        plan.call(storeRow, { ...slots, C: 3 * C }, store, `${label}.store`);
        const attended = plan.tensor(`${label}.attended`, [slots.B * slots.L, C]);
        all.attention.forward(cache, attended, label, stream);
        plan.call(selectRow, { ...slots, C }, { sequences, all: attended, rows: out }, `${label}.select`);
      },
      backward() {
        throw new Error("Cannot compute gradients of generation: its cache has none");
      },
    },
  };
}

/** The rows of the sequences. */
function select(plan: PlanBuilder, { sequences, ...slots }: Slots, all: Tensor, name: string): Tensor {
  const C = all.shape[1]!;
  const rows = plan.tensor(name, [slots.B, C]);
  plan.call(selectRow, { ...slots, C }, { sequences, all, rows }, `${name}.select`);
  return rows;
}
