/**
 * Sums of rows of a matrix: the backward pass of a lookup. The gradient of a table row is the sum of the output rows
 * that looked it up; a workgroup owns the table row and finds them, so there are no atomics on floats, one order of
 * summation, and no thread that waits for what it wrote itself.
 * @module
 */
import { type DeviceFacts, type Dispatch, divideUp, foldWidth, foldWorkgroups, wgsl } from "./kernel.ts";
import { reductionWgsl, valueType } from "./reduction.ts";

/** Rows of a chunk that is summed up apart: at least 64, and as many as leave at most 64 chunks. */
export function chunkRows(R: number): number {
  return Math.max(64, divideUp(R, 64));
}

/** How a row of C channels is walked: as `vec4<f32>` where C divides by 4, else one by one. */
export interface RowVectors {
  readonly type: "f32" | "vec4<f32>";
  /** Values of this type in a row. */
  readonly count: number;
  /** For {@linkcode Dispatch.vectors}: the names, or none where values are single numbers. */
  vectors(...names: string[]): string[];
}

/** The {@linkcode RowVectors} of C channels. */
export function rowVectors(C: number): RowVectors {
  const type = valueType(C);
  const wide = type !== "f32";
  return { type, count: wide ? C / 4 : C, vectors: (...names) => wide ? names : [] };
}

/** What {@linkcode keyedRowSums} sums; `belongs` and `sourceRow` are WGSL on `item` and `row`. */
export interface KeyedRowSums {
  /** How many items every target row looks at, e.g. patches. */
  readonly items: number;
  /** Rows of the target. */
  readonly rows: number;
  /** Channels of a row. */
  readonly C: number;
  /** Whether the item belongs to the target row. */
  readonly belongs: string;
  /** Operand whose rows are summed. */
  readonly source: string;
  /** The row of the source that the item stands for. */
  readonly sourceRow: string;
  /** Operand that gets the sums. */
  readonly target: string;
  /** `+=` adds to what the target holds. */
  readonly assign: "=" | "+=";
}

/** Items that a thread looks at between two barriers. */
const looks = 4;

/**
 * target[row] = (or +=) Σ source[sourceRow(item)] over the items that belong to the row.
 *
 * A workgroup owns a row (a part of it beyond 256 values), a thread one value of it. Chunk by chunk the threads mark
 * the items that belong in a bit mask, then all walk its set bits, four at a time so that four loads are under way. A
 * partial sum has at most 256 terms. This looks `rows · items` times at a key, which is cheap beside the rows
 * themselves; a thread that walked all items for one channel would wait for memory at every one.
 */
export function keyedRowSums(sums: KeyedRowSums): Dispatch {
  const { items, rows, C, belongs, source, sourceRow, target, assign } = sums;
  const { type, count, vectors } = rowVectors(C);
  const threads = Math.min(256, 32 * divideUp(count, 32));
  const blocks = divideUp(count, threads);
  const chunk = threads * looks;
  const words = chunk / 32;

  const marks = Array.from({ length: looks }, (_, look) =>
    wgsl`{
      let place = ${look * threads}u + lane;
      let item = first + place;
      if (item < ${items}u) {
        if (${belongs}) { atomicOr(&members[place / 32u], 1u << (place % 32u)); }
      }
    }`);
  const terms = [0, 1, 2, 3].map((term) =>
    wgsl`{
          let item = select(first, begin + firstTrailingBit(bits), bits != 0u);
          sum${term} += select(${type}(), ${source}[(${sourceRow}) * ${count}u + value], bits != 0u);
          bits &= bits - 1u;
        }`
  );
  const code = wgsl`
var<workgroup> members: array<atomic<u32>, ${words}>;
@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let index = group.y * ${foldWidth(rows * blocks)}u + group.x;
  if (index >= ${rows * blocks}u) { return; }
  let row = index / ${blocks}u;
  let own = (index % ${blocks}u) * ${threads}u + lane;
  let value = min(own, ${count - 1}u);
  var total = ${type}();
  for (var first = 0u; first < ${items}u; first += ${chunk}u) {
    if (lane < ${words}u) { atomicStore(&members[lane], 0u); }
    workgroupBarrier();
    ${marks.join("\n    ")}
    workgroupBarrier();
    var sum0 = ${type}();
    var sum1 = ${type}();
    var sum2 = ${type}();
    var sum3 = ${type}();
    for (var word = 0u; word < ${words}u; word++) {
      let begin = first + word * 32u;
      var bits = atomicLoad(&members[word]);
      while (bits != 0u) {
        ${terms.join("\n        ")}
      }
    }
    total += (sum0 + sum1) + (sum2 + sum3);
    workgroupBarrier();
  }
  if (own < ${count}u) { ${target}[row * ${count}u + own] ${assign} total; }
}`;
  return { source: code, workgroups: foldWorkgroups(rows * blocks), vectors: vectors(source, target) };
}

/** What {@linkcode stridedRowSums} sums. */
export interface StridedRowSums {
  /** Terms of each sum. */
  readonly items: number;
  /** Sums, and distance in rows between the terms of one. */
  readonly rows: number;
  /** Channels of a row. */
  readonly C: number;
  /** Operand whose rows are summed, [items · rows, C]. */
  readonly source: string;
  /** Operand that the sums are added to; its first `rows` rows change. */
  readonly target: string;
}

/**
 * target[row] += Σᵢ source[i · rows + row]: every item belongs, so nothing is looked for.
 *
 * A workgroup has 8 neighbouring values of a row by 32 lanes that share the items, and adds the lanes in a tree.
 */
export function stridedRowSums(
  { items, rows, C, source, target }: StridedRowSums,
  device: DeviceFacts | undefined,
): Dispatch {
  const { type, count, vectors } = rowVectors(C);
  const blocks = divideUp(count, 8);
  const terms = [0, 1, 2, 3].map((term) =>
    wgsl`{
      let item = first + ${32 * term}u;
      let last = min(item, ${items - 1}u);
      sum${term} += select(${type}(), ${source}[(last * ${rows}u + row) * ${count}u + value], item < ${items}u);
    }`
  );
  const code = wgsl`
${reductionWgsl("sumOf", type, 32, "+", device, 8)}
@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let index = group.y * ${foldWidth(rows * blocks)}u + group.x;
  if (index >= ${rows * blocks}u) { return; }
  let row = index / ${blocks}u;
  let own = (index % ${blocks}u) * 8u + lane % 8u;
  let value = min(own, ${count - 1}u);
  var sum0 = ${type}();
  var sum1 = ${type}();
  var sum2 = ${type}();
  var sum3 = ${type}();
  for (var first = lane / 8u; first < ${items}u; first += 128u) {
    ${terms.join("\n    ")}
  }
  let total = sumOf((sum0 + sum1) + (sum2 + sum3), lane);
  if (lane < 8u && own < ${count}u) { ${target}[row * ${count}u + own] += total; }
}`;
  return { source: code, workgroups: foldWorkgroups(rows * blocks), vectors: vectors(source, target) };
}
