/**
 * N-grams of generation: what ngram_embedding.ts adds to the one byte row that is new of each sequence, with t(b) the
 * byte that comes next and before(b) the last patch of the slot, by sequence_rows.ts:
 *
 *   x[b] += Σₒ table[o·rows + hashₒ(tokens[b], patches[before(b)], t(b))]
 *
 * sequences [B, 4], tokens [B, S], patches [B·L, S], table [3·rows, C], x [B, C]
 * @module
 */
import { divideUp, foldWidth, foldWorkgroups, type Kernel, read, update, wgsl } from "../kernel.ts";
import { rowVectors } from "../row_sums.ts";
import { ngramTableRows } from "./ngram_embedding.ts";
import { assertNgramSizes, ngramHash, ngramHashesWgsl, ngramOrders, ngramSumWgsl } from "./ngram_hash.ts";
import { rowInSlot, rowInSlotWgsl } from "./sequence_rows.ts";
import { sequenceWords } from "./sequences.ts";

/** Sizes of {@linkcode nextByteNgrams}. */
export type NextByteNgramsShape = {
  /** Sequences. */
  readonly B: number;
  /** Patches of a slot. */
  readonly L: number;
  /** Bytes of a patch, 2 to 16. */
  readonly S: number;
  /** Channels. */
  readonly C: number;
  /** Rows of the table for each order, a power of two up to 65,536. */
  readonly rows: number;
};

/** x += the rows of the table that the bytes before each sequence's next one choose. */
export const nextByteNgrams: Kernel<
  NextByteNgramsShape,
  "table" | "x",
  "sequences" | "tokens" | "patches"
> = {
  name: "nextByteNgrams",
  operands(shape) {
    assertNgramSizes(shape);
    const { B, L, S, C, rows } = shape;
    return {
      sequences: read(B * sequenceWords, "u32"),
      tokens: read(B * S, "u32"),
      patches: read(B * L * S, "u32"),
      table: read(ngramTableRows(rows) * C),
      x: update(B * C),
    };
  },
  dispatches({ B, L, S, C, rows }) {
    const { count, vectors } = rowVectors(C);
    const groups = divideUp(B * count, 64);
    const source = wgsl`${ngramHashesWgsl(S, rows)}
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * ${foldWidth(groups)}u + group.x) * 64u + lane;
  if (i >= ${B * count}u) { return; }
  let b = i / ${count}u;
  let value = i % ${count}u;
  let before = b * ${L}u + ${rowInSlotWgsl("lastPatch", "b", L)};
  let hashes = ngramHashes(b * ${S}u, before * ${S}u, ${rowInSlotWgsl("nextByte", "b", S)});
  x[i] = ${ngramSumWgsl("hashes", rows, count)};
}`;
    return [{ source, workgroups: foldWorkgroups(groups), vectors: ["sequences", ...vectors("table", "x")] }];
  },
  assembly: ({ B, L, S, C, rows }) => [{
    function: "nextByteNgrams",
    arguments: ["sequences", "tokens", "patches", "table", "x", B, L, S, C, rows],
  }],
  reference({ B, L, S, C, rows }, { sequences, tokens, patches, table, x }) {
    for (let b = 0; b < B; b++) {
      const bytes = tokens.subarray(b * S, (b + 1) * S);
      const lastPatch = b * L + rowInSlot("lastPatch", sequences, b, L);
      const before = patches.subarray(lastPatch * S, (lastPatch + 1) * S);
      const t = rowInSlot("nextByte", sequences, b, S);
      ngramOrders.forEach((order, o) => {
        const own = o * rows + ngramHash(order, rows, bytes, before, t);
        for (let c = 0; c < C; c++) x[b * C + c]! += table[own * C + c]!;
      });
    }
  },
  cost({ B, C }) {
    const terms = ngramOrders.length;
    return { flops: terms * B * C, bytes: 4 * B * ((2 + terms) * C + 4) };
  },
  tolerance: { absolute: 2e-7, relative: 2e-7, reason: "three sums in f32" },
};
