// Causal attention of patches within their files, as kernels/operations/attention.ts defines it.
//
// A thread takes blocks of 64 queries of a file and head. They meet the file's keys 32 at a time, in blocks that are
// counted from its first on, so that a query's bits depend on its file alone; softmax is online (Milakov and Gimelshein
// 2018). What a query adds up in a block before it has seen a key is multiplied by 0 when it sees one.
//
// qkv [P, 3·H·D], fileStart u32 [P], out [P, H·D], logSumExp [H, P]
import { accumulate, lowest, packPanel, panelRows, scores } from "./attention_tile";
import { dropWeights, exponentials, hideBefore, hideBehind, largestWeights } from "./attention_weights";
import { countAllPairs, fileEnd, firstBlockOf, isOwn, pairsOfQueries, windowOf } from "./files";
import { exp, log, multiplyAdd } from "./math";
import { scratch } from "./scratch";

const blockQueries: i32 = 64;
const blockKeys: i32 = 32;

/** In the scratch: the block's queries as panels, D ≤ 64; then as many sums; then what softmax keeps of each query. */
const sumsOffset: usize = blockQueries * 64 * 4;
const largestOffset: usize = 2 * sumsOffset;
const totalsOffset: usize = largestOffset + blockQueries * 4;
/** Factors of four queries' sums, then the weights. */
const factorsOffset: usize = totalsOffset + blockQueries * 4;
const weightsOffset: usize = factorsOffset + 64;

/** `step` is 0 without dropout; a query sees the latest `window` keys, in the first `globalHeads` all of its file. */
export function attention(
  qkv: usize,
  fileStart: usize,
  step: usize,
  out: usize,
  logSumExp: usize,
  P: i32,
  H: i32,
  D: i32,
  stream: i32,
  window: i32,
  globalHeads: i32,
  maskRows: i32,
  maskStride: i32,
  part: i32,
  parts: i32,
): void {
  const total = countAllPairs(fileStart, P, H, window, globalHeads);
  let before: f64 = 0;
  for (let h = 0; h < H; h++) {
    const rows = windowOf(h, P, window, globalHeads);
    for (let start = 0, end = 0; start < P; start = end) {
      end = fileEnd(fileStart, start, P);
      for (let from = start; from < end; from += blockQueries) {
        const to = min(end, from + blockQueries);
        if (isOwn(before, total, part, parts)) {
          attendQueries(qkv, step, out, logSumExp, P, H, D, stream, rows, maskRows, maskStride, h, start, from, to);
        }
        before += pairsOfQueries(start, from, to, rows);
      }
    }
  }
}

/** The queries `from` … `to` of a file that begins at `start`, in head h. */
function attendQueries(
  qkv: usize,
  step: usize,
  out: usize,
  logSumExp: usize,
  P: i32,
  H: i32,
  D: i32,
  stream: i32,
  window: i32,
  maskRows: i32,
  maskStride: i32,
  h: i32,
  start: i32,
  from: i32,
  to: i32,
): void {
  const C = H * D;
  const stride = <usize> (3 * C) << 2;
  const channels = <usize> D << 2;
  const queries = qkv + (<usize> (h * D) << 2);
  const panels = scratch();
  const sums = panels + sumsOffset, largest = panels + largestOffset, totals = panels + totalsOffset;
  const factors = panels + factorsOffset, weights = panels + weightsOffset;
  const scale = <f32> (1 / Math.sqrt(D));

  for (let q = from; q < to; q += panelRows) {
    packPanel(panels + <usize> (q - from) * channels, queries + <usize> q * stride, stride, min(panelRows, to - q), D);
  }
  for (let at: usize = 0; at < <usize> blockQueries << 2; at += 16) {
    v128.store(largest + at, f32x4.splat(lowest));
    v128.store(totals + at, f32x4.splat(0));
  }

  for (let k = firstBlockOf(start, from, window); k < to; k += blockKeys) {
    const keys = queries + <usize> k * stride + (<usize> C << 2);
    const values = keys + (<usize> C << 2);
    // Panels whose queries all stand before the block's first key see none of it.
    for (let q = max(from, k); q < to; q += panelRows) {
      const count = min(panelRows, to - q);
      const panel = panels + <usize> (q - from) * channels;
      for (let i = 0; i < count; i += 8) {
        const first = max(0, q + i + 1 - window - k) & ~3, seen = min(blockKeys, q + min(i + 8, count) - k);
        scores(weights + (<usize> i << 2), panel + (<usize> i << 2), keys, stride, first, seen, D);
      }
      for (let i = 0; i < count; i += 4) {
        const own = weights + (<usize> i << 2);
        const state = <usize> (q + i - from) << 2;
        const first = max(0, q + i + 1 - window - k), seen = min(blockKeys, q + min(i + 4, count) - k);
        // Later queries see no more of the block.
        if (first >= blockKeys) break;
        hideBehind(own, q + i + 1 - k, first, seen);
        hideBefore(own, q + i + 1 - window - k, first, seen);
        const before = v128.load(largest + state);
        const now = largestWeights(own, first, seen, before);
        const total = exponentials(own, first, seen, now, scale);
        const factor = exp(f32x4.mul(f32x4.sub(before, now), f32x4.splat(scale)));
        v128.store(largest + state, now);
        v128.store(totals + state, multiplyAdd(v128.load(totals + state), factor, total));
        v128.store(factors, factor);
        if (step) dropWeights(own, own, first, seen, (h * maskRows + q + i) * maskRows + k, maskRows, 1, step, stream, maskStride);
        const keep = k > firstBlockOf(start, q + i, window);
        accumulate(sums + state * D, channels, keep, factors, own, values, stride, first, seen, D);
      }
    }
  }

  for (let q = from; q < to; q++) {
    const state = <usize> (q - from) << 2;
    const total = load<f32>(totals + state);
    const row = out + (<usize> (q * C + h * D) << 2);
    for (let at: usize = 0; at < channels; at += 16) {
      v128.store(row + at, f32x4.div(v128.load(sums + state * D + at), f32x4.splat(total)));
    }
    const result = <f64> load<f32>(largest + state) * scale + log(total);
    store<f32>(logSumExp + (<usize> (h * P + q) << 2), <f32> result);
  }
}
