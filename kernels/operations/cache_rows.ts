/**
 * The start of a cache: cache[b·L + i] = rows[b·F + i] for the first F of the L rows of each of B slots. The others are
 * left as they are.
 *
 * rows [B·F, C], cache [B·L, C]
 * @module
 */
import { divideUp, foldWidth, foldWorkgroups, type Kernel, read, update, wgsl } from "../kernel.ts";

/** Sizes of {@linkcode cacheRows}. */
export type CacheRowsShape = {
  /** Slots. */
  readonly B: number;
  /** Rows that each gets. */
  readonly F: number;
  /** Rows of a slot, at least F. */
  readonly L: number;
  /** Numbers of a row. */
  readonly C: number;
};

/** cache[b·L + i] = rows[b·F + i]. */
export const cacheRows: Kernel<CacheRowsShape, "rows" | "cache"> = {
  name: "cacheRows",
  operands: ({ B, F, L, C }) => ({ rows: read(B * F * C), cache: update(B * L * C) }),
  dispatches({ B, F, L, C }) {
    const groups = divideUp(B * F * C, 256);
    const source = wgsl`
@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * ${foldWidth(groups)}u + group.x) * 256u + lane;
  if (i >= ${B * F * C}u) { return; }
  cache[i + i / ${F * C}u * ${(L - F) * C}u] = rows[i];
}`;
    return [{ source, workgroups: foldWorkgroups(groups) }];
  },
  assembly: ({ B, F, L, C }) => [{ function: "cacheRows", arguments: ["rows", "cache", B, F * C, L * C] }],
  reference({ B, F, L, C }, { rows, cache }) {
    for (let b = 0; b < B; b++) cache.set(rows.subarray(b * F * C, (b + 1) * F * C), b * L * C);
  },
  cost: ({ B, F, C }) => ({ flops: 0, bytes: 8 * B * F * C }),
  tolerance: { absolute: 0, relative: 0, reason: "a copy is exact" },
};
