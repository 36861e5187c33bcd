/**
 * Rows of the slots of B sequences: generation computes one row of each at a time, and keeps all of them.
 *
 *   storeRow    all[b·L + at(b)] = rows[b]
 *   selectRow   rows[b] = all[b·L + at(b)]
 *
 * at(b) is what the state of the sequence says (see sequences.ts), held within the slot:
 *
 *   lastPatch   patches so far − 1
 *   nextByte    bytes in the patch being made
 *
 * all [B·L, C], rows [B, C], sequences [B, 4]
 * @module
 */
import { divideUp, foldWidth, foldWorkgroups, type Kernel, read, update, wgsl, write } from "../kernel.ts";

/** Sizes of {@linkcode storeRow} and {@linkcode selectRow}, and which row they mean. */
export type SequenceRowShape = {
  /** Sequences. */
  readonly B: number;
  /** Rows of a slot. */
  readonly L: number;
  /** Numbers of a row. */
  readonly C: number;
  /** Which row of its slot a sequence is at. */
  readonly row: "lastPatch" | "nextByte";
};

/** all[b·L + at(b)] = rows[b]; other rows are left as they are. */
export const storeRow: Kernel<SequenceRowShape, "rows" | "all", "sequences"> = {
  name: "storeRow",
  operands: ({ B, L, C }) => ({
    sequences: read(B * 4, "u32"),
    rows: read(B * C),
    all: update(B * L * C),
  }),
  dispatches: (shape) => copyRows(shape, "all[at] = rows[i];"),
  assembly: ({ B, L, C, row }) => [{
    function: "storeRow",
    arguments: ["sequences", "rows", "all", B, L, C, Number(row === "nextByte")],
  }],
  reference(shape, { sequences, rows, all }) {
    const { B, C } = shape;
    for (let b = 0; b < B; b++) all.set(rows.subarray(b * C, (b + 1) * C), rowOf(shape, sequences, b) * C);
  },
  cost: ({ B, C }) => ({ flops: 0, bytes: 8 * B * C }),
  tolerance: { absolute: 0, relative: 0, reason: "a copy is exact" },
};

/** rows[b] = all[b·L + at(b)]. */
export const selectRow: Kernel<SequenceRowShape, "all" | "rows", "sequences"> = {
  name: "selectRow",
  operands: ({ B, L, C }) => ({
    sequences: read(B * 4, "u32"),
    all: read(B * L * C),
    rows: write(B * C),
  }),
  dispatches: (shape) => copyRows(shape, "rows[i] = all[at];"),
  assembly: ({ B, L, C, row }) => [{
    function: "selectRow",
    arguments: ["sequences", "all", "rows", B, L, C, Number(row === "nextByte")],
  }],
  reference(shape, { sequences, all, rows }) {
    const { B, C } = shape;
    for (let b = 0; b < B; b++) {
      const at = rowOf(shape, sequences, b);
      rows.set(all.subarray(at * C, (at + 1) * C), b * C);
    }
  },
  cost: ({ B, C }) => ({ flops: 0, bytes: 8 * B * C }),
  tolerance: { absolute: 0, relative: 0, reason: "a copy is exact" },
};

/** b·L + at(b). */
function rowOf({ L, row }: SequenceRowShape, sequences: Uint32Array, b: number): number {
  const at = row === "nextByte" ? sequences[4 * b + 1]! : Math.max(sequences[4 * b]!, 1) - 1;
  return b * L + Math.min(at, L - 1);
}

/** A thread copies the number i of `rows` from or to its place in `all`. */
function copyRows({ B, L, C, row }: SequenceRowShape, copy: string) {
  const groups = divideUp(B * C, 256);
  const source = wgsl`
@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * ${foldWidth(groups)}u + group.x) * 256u + lane;
  if (i >= ${B * C}u) { return; }
  let b = i / ${C}u;
  let row = min(${row === "nextByte" ? "sequences[b].y" : "max(sequences[b].x, 1u) - 1u"}, ${L - 1}u);
  let at = (b * ${L}u + row) * ${C}u + i % ${C}u;
  ${copy}
}`;
  return [{ source, workgroups: foldWorkgroups(groups), vectors: ["sequences"] }];
}
