/**
 * Attention of generation: one new row of each sequence attends to all rows before it, whose keys and values were kept,
 * and to itself.
 *
 *   cache[b·L + at(b)] = the keys and values of qkv[b]
 *   s(k) = Q_b · K_k / √D,  p = softmax over the rows k = 0 … at(b) of the slot,  out_b = Σₖ p(k) · V_k
 *
 * for each head, with at(b) of sequence_rows.ts, the row within the slot. It is what attention.ts and byte_attention.ts make of that row: the
 * time grows with the rows so far, not with their square. The queries in the cache are left as they are; nobody reads
 * them.
 *
 * A slot may be a ring, of the latest L bytes of the sequence: at(b) is the row within the file modulo L, and every row of
 * the ring that exists is a key, in whatever order. That is attention.ts with a window of L. Where some heads see the
 * whole file, L is its length, and the others skip what lies before their window.
 *
 * On a GPU a workgroup has a sequence and head and takes 64 keys at a time, one for each lane; softmax is online (Milakov
 * and Gimelshein 2018), and the lanes then share the values' channels and keys.
 *
 * qkv [B, 3·H·D] (all heads' q, then k, then v), cache [B·L, 3·H·D], out [B, H·D], sequences [B, 4]
 * @module
 */
import { foldWidth, foldWorkgroups, type Kernel, read, update, wgsl, write } from "../kernel.ts";
import { reductionWgsl } from "../reduction.ts";
import { checkChannels, lowest, scale } from "./attention_tile.ts";
import { checkWindow } from "./attention_window.ts";
import {
  assemblyRow,
  rowInFile,
  rowInFileWgsl,
  rowInSlot,
  rowInSlotWgsl,
  type SequenceRow,
} from "./sequence_rows.ts";
import { sequenceWords } from "./sequences.ts";

/** Sizes of {@linkcode cachedAttention}, and which row is new. */
export type CachedAttentionShape = {
  /** Sequences. */
  readonly B: number;
  /** Rows of a slot. */
  readonly L: number;
  /** Heads. */
  readonly H: number;
  /** Channels of a head: a multiple of 4, at most 64. */
  readonly D: number;
  /** Which row of its slot a sequence is at. */
  readonly row: SequenceRow;
  /** Bytes of a patch, where slots are rings of the latest L bytes: `row` is `nextByte`. */
  readonly ring?: number;
  /**
   * Rows that a row sees, itself the last of them; absent: all of the slot. Where it is smaller than the slot, that holds
   * whole files, of L bytes at most: rows of a ring that went round stand in another order.
   */
  readonly window?: number;
  /** Heads, the first ones, that see all of the slot all the same; absent: 0. */
  readonly globalHeads?: number;
};

/** Lanes of a workgroup, and keys that they take at a time. */
const lanes = 64;

/** Rows of a slot at most: a thread of the cpu engine keeps a weight for each. */
const maxRows = 1 << 18;

/** Where sequence b's new row goes in its slot, and the last row of the slot that is a key. */
function placeInSlot({ L, row, ring }: CachedAttentionShape, sequences: Uint32Array, b: number) {
  if (ring === undefined) {
    const at = rowInSlot(row, sequences, b, L);
    return { at, last: at };
  }
  const position = rowInFile(row, sequences, b, ring);
  return { at: position % L, last: Math.min(position, L - 1) };
}

/** The same in WGSL, as `at` and what `last` is. */
function placeInSlotWgsl({ L, row, ring }: CachedAttentionShape): { place: string; last: string } {
  if (ring === undefined) return { place: wgsl`let at = ${rowInSlotWgsl(row, "b", L)};`, last: "at" };
  const place = wgsl`let position = ${rowInFileWgsl(row, "b", ring)};
  let at = position % ${L}u;
  let last = min(position, ${L - 1}u);`;
  return { place, last: "last" };
}

/** The first row of the slot that head h sees. */
function firstSeen(
  { L, window = L, globalHeads = 0 }: CachedAttentionShape,
  last: number,
  h: number,
): number {
  return h < globalHeads ? 0 : Math.max(0, last + 1 - window);
}

/** The same in WGSL, given the WGSL of the last row and the head. */
function firstSeenWgsl(
  { window, globalHeads = 0 }: CachedAttentionShape,
  last: string,
  head: string,
): string {
  if (window === undefined) return "0u";
  const latest = `max(${last} + 1u, ${window}u) - ${window}u`;
  return globalHeads > 0 ? `select(${latest}, 0u, ${head} < ${globalHeads}u)` : latest;
}

/**
 * A ring that goes round has no window: behind it there would be rows of another turn. That is for the caller to see to;
 * told here is a ring that cannot hold whole files.
 * @throws {RangeError} when a ring is of anything but bytes, a window cannot be, or a slot has too many rows
 */
function checkSlots({ L, H, row, ring, window = L, globalHeads = 0 }: CachedAttentionShape): void {
  checkWindow({ P: L, H, window, globalHeads });
  if (L > maxRows) {
    throw new RangeError(
      `Cannot plan slots of ${L} rows: they may have ${maxRows} at most. Shorten the files`,
    );
  }
  if (ring === undefined) return;
  if (row !== "nextByte" || !Number.isInteger(ring) || ring < 1) {
    throw new RangeError(
      `Cannot plan a ring of row "${row}" and patches of ${ring} bytes: it must be of "nextByte" and at least 1 byte`,
    );
  }
  if (window < L && L % ring !== 0) {
    throw new RangeError(
      `Cannot plan a window of ${window} rows in a ring of ${L}: the slots must hold whole files, of patches of ` +
        `${ring} bytes. Make the ring as long as the window`,
    );
  }
}

/** The new rows' attention; their keys and values become part of the cache. */
export const cachedAttention: Kernel<CachedAttentionShape, "qkv" | "cache" | "out", "sequences"> = {
  name: "cachedAttention",
  operands(shape) {
    checkChannels(shape);
    checkSlots(shape);
    const { B, L, H, D } = shape;
    return {
      sequences: read(B * sequenceWords, "u32"),
      qkv: read(B * 3 * H * D),
      cache: update(B * L * 3 * H * D),
      out: write(B * H * D),
    };
  },
  dispatches(shape, device) {
    const { B, L, H, D } = shape;
    const { place, last } = placeInSlotWgsl(shape);
    const depth = D / 4;
    const part = H * depth;
    const slices = Math.floor(lanes / depth);
    const source = wgsl`
${reductionWgsl("largestOf", "f32", lanes, "max", device)}
${reductionWgsl("sumOf", "f32", lanes, "+", device)}
var<workgroup> query: array<vec4f, ${depth}>;
var<workgroup> weights: array<f32, ${lanes}>;
var<workgroup> sums: array<vec4f, ${lanes}>;
@compute @workgroup_size(${lanes})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let pair = group.y * ${foldWidth(B * H)}u + group.x;
  if (pair >= ${B * H}u) { return; }
  let b = pair / ${H}u;
  let head = pair % ${H}u * ${depth}u;
  ${place}
  let own = b * ${3 * part}u + head;
  let keys = b * ${L * 3 * part}u + ${part}u + head;
  let values = keys + ${part}u;
  if (lane < ${depth}u) {
    query[lane] = qkv[own + lane];
    cache[keys + at * ${3 * part}u + lane] = qkv[own + ${part}u + lane];
    cache[values + at * ${3 * part}u + lane] = qkv[own + ${2 * part}u + lane];
  }
  storageBarrier();
  workgroupBarrier();
  let slice = lane / ${depth}u;
  let channel = lane % ${depth}u;
  var highest = ${lowest};
  var total = 0.0;
  var sum = vec4f();
  for (var first = ${firstSeenWgsl(shape, last, `pair % ${H}u`)}; first <= ${last}; first += ${lanes}u) {
    let key = first + lane;
    var score = ${lowest};
    if (key <= ${last}) {
      let place = keys + key * ${3 * part}u;
      var products = vec4f();
      for (var d = 0u; d < ${depth}u; d++) { products = fma(query[d], cache[place + d], products); }
      score = dot(products, vec4f(1.0)) * ${scale(D)};
    }
    let higher = max(highest, largestOf(score, lane));
    let rescale = exp(highest - higher);
    highest = higher;
    let weight = select(0.0, exp(score - highest), key <= ${last});
    weights[lane] = weight;
    // Of this lane's keys alone; the lanes join theirs in the end.
    total = total * rescale + weight;
    workgroupBarrier();
    sum *= rescale;
    let count = min(${lanes}u, ${last} + 1u - first);
    if (slice < ${slices}u) {
      for (var k = slice; k < count; k += ${slices}u) {
        sum += weights[k] * cache[values + (first + k) * ${3 * part}u + channel];
      }
    }
    workgroupBarrier();
  }
  total = sumOf(total, lane);
  sums[lane] = sum;
  workgroupBarrier();
  if (lane < ${depth}u) {
    for (var n = 1u; n < ${slices}u; n++) { sum += sums[n * ${depth}u + lane]; }
    out[b * ${part}u + head + lane] = sum / total;
  }
}`;
    return [{
      source,
      workgroups: foldWorkgroups(B * H),
      vectors: ["sequences", "qkv", "cache", "out"],
    }];
  },
  assembly: ({ B, L, H, D, row, ring = 0, window = L, globalHeads = 0 }) => [{
    function: "cachedAttention",
    arguments: ["sequences", "qkv", "cache", "out", B, L, H, D, assemblyRow(row), ring, window, globalHeads],
  }],
  reference(shape, { sequences, qkv, cache, out }) {
    const { B, L, H, D } = shape;
    const C = H * D;
    const p = new Float64Array(L);
    out.fill(0);
    for (let b = 0; b < B; b++) {
      const { at, last } = placeInSlot(shape, sequences, b);
      const own = qkv.subarray(b * 3 * C, (b + 1) * 3 * C);
      const slot = cache.subarray(b * L * 3 * C, (b + 1) * L * 3 * C);
      slot.set(own.subarray(C), at * 3 * C + C);
      for (let h = 0; h < H; h++) {
        let highest = -Infinity;
        const first = firstSeen(shape, last, h);
        for (let k = first; k <= last; k++) {
          const key = k * 3 * C + C + h * D;
          let score = 0;
          for (let d = 0; d < D; d++) score += own[h * D + d]! * slot[key + d]!;
          p[k] = score / Math.sqrt(D);
          highest = Math.max(highest, p[k]!);
        }
        let sum = 0;
        for (let k = first; k <= last; k++) sum += p[k] = Math.exp(p[k]! - highest);
        for (let k = first; k <= last; k++) {
          const value = k * 3 * C + 2 * C + h * D;
          for (let d = 0; d < D; d++) out[b * C + h * D + d]! += p[k]! / sum * slot[value + d]!;
        }
      }
    }
  },
  /** Of full slots: before that it costs less. */
  cost({ B, L, H, D, window = L, globalHeads = 0 }) {
    const keys = globalHeads * L + (H - globalHeads) * Math.min(window, L);
    return { flops: 4 * B * D * keys, bytes: 4 * B * D * (2 * keys + 6 * H) };
  },
  tolerance: {
    absolute: 1e-6,
    relative: 3e-6,
    reason: "as attention's: exp is good to 3 + 2|x| ulp, and scores of a few units to 1 ulp",
  },
};
