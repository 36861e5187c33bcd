// The gradient of attention.ts, as kernels/operations/attention_backward.ts defines it: δ, then dQ by blocks of queries
// that meet keys, then dK and dV by blocks of keys that meet queries. Blocks are of one file and head, and begin at
// multiples of 64 from the file's start, so that a patch's gradient depends on its file alone.
//
// qkv, dQkv [P, 3·H·D], fileStart u32 [P], out, dOut [P, H·D], logSumExp, delta [H, P]
import { accumulate, packPanel, panelRows, panelStride, scores } from "./attention_tile";
import {
  dropWeights,
  hideBefore,
  hideBehind,
  keyProbabilities,
  keyScoreGradients,
  queryProbabilities,
  queryScoreGradients,
} from "./attention_weights";
import { countAllPairs, fileEnd, firstBlockOf, isOwn, pairsOfKeys, pairsOfQueries, windowOf } from "./files";
import { loadLanes } from "./lanes";
import { multiplyAdd, sumLanes } from "./math";
import { partStart } from "./parts";
import { scratch } from "./scratch";

/** Rows of a block that stay, and of one that passes by. */
const blockRows: i32 = 64;
const passingRows: i32 = 32;

/** In the scratch: two matrices of the block's rows as panels, D ≤ 64, two of sums, three of weights. */
const matrixBytes: usize = blockRows * 64 * 4;
const weightsOffset: usize = 4 * matrixBytes;
const weightsBytes: usize = <usize> passingRows * panelStride;

/** delta[h, q] ← Σ_d dOut[q, h, d] · out[q, h, d] */
export function attentionDelta(
  out: usize,
  dOut: usize,
  delta: usize,
  P: i32,
  H: i32,
  D: i32,
  part: i32,
  parts: i32,
): void {
  const end = partStart(P, part + 1, parts);
  const channels = <usize> D << 2;
  for (let q = partStart(P, part, parts); q < end; q++) {
    for (let h = 0; h < H; h++) {
      const offset = <usize> (q * H + h) * channels;
      let sum = f32x4.splat(0);
      for (let at = offset; at < offset + channels; at += 16) {
        sum = multiplyAdd(v128.load(dOut + at), v128.load(out + at), sum);
      }
      store<f32>(delta + (<usize> (h * P + q) << 2), sumLanes(sum));
    }
  }
}

/** The gradient of the queries; operands are those of `attention`. */
export function attentionQueryGradient(
  qkv: usize,
  fileStart: usize,
  step: usize,
  dOut: usize,
  logSumExp: usize,
  delta: usize,
  dQkv: usize,
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
      for (let from = start; from < end; from += blockRows) {
        const to = min(end, from + blockRows);
        if (isOwn(before, total, part, parts)) {
          queryBlock(qkv, step, dOut, logSumExp, delta, dQkv, P, H, D, stream, rows, maskRows, maskStride, h, start, from, to);
        }
        before += pairsOfQueries(start, from, to, rows);
      }
    }
  }
}

/** The gradient of the keys and values; operands are those of `attention`. */
export function attentionKeyGradient(
  qkv: usize,
  fileStart: usize,
  step: usize,
  dOut: usize,
  logSumExp: usize,
  delta: usize,
  dQkv: usize,
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
      for (let from = start; from < end; from += blockRows) {
        const to = min(end, from + blockRows);
        if (isOwn(before, total, part, parts)) {
          keyBlock(qkv, step, dOut, logSumExp, delta, dQkv, P, H, D, stream, rows, maskRows, maskStride, h, end, from, to);
        }
        before += pairsOfKeys(end, from, to, rows);
      }
    }
  }
}

/** dQ of the queries `from` … `to` of a file that begins at `start`, in head h. */
function queryBlock(
  qkv: usize,
  step: usize,
  dOut: usize,
  logSumExp: usize,
  delta: usize,
  dQkv: usize,
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
  const width = <usize> (H * D) << 2, stride: usize = 3 * width, channels = <usize> D << 2;
  const queries = qkv + <usize> h * channels, dOutRows = dOut + <usize> h * channels;
  const panels = scratch(), dOutPanels = panels + matrixBytes, dQ = dOutPanels + matrixBytes;
  const weights = panels + weightsOffset, dWeights = weights + weightsBytes;
  const kept = step ? dWeights + weightsBytes : weights;
  const scale = <f32> (1 / Math.sqrt(D));

  for (let q = from; q < to; q += panelRows) {
    const panel = <usize> (q - from) * channels;
    packPanel(panels + panel, queries + <usize> q * stride, stride, min(panelRows, to - q), D);
    packPanel(dOutPanels + panel, dOutRows + <usize> q * width, width, min(panelRows, to - q), D);
  }
  for (let k = firstBlockOf(start, from, window); k < to; k += passingRows) {
    const keys = queries + <usize> k * stride + width;
    for (let q = max(from, k); q < to; q += panelRows) {
      const count = min(panelRows, to - q);
      const panel = <usize> (q - from) * channels;
      for (let i = 0; i < count; i += 8) {
        const column = <usize> i << 2;
        const first = max(0, q + i + 1 - window - k) & ~3, seen = min(passingRows, q + min(i + 8, count) - k);
        scores(weights + column, panels + panel + column, keys, stride, first, seen, D);
        scores(dWeights + column, dOutPanels + panel + column, keys + width, stride, first, seen, D);
      }
      for (let i = 0; i < count; i += 4) {
        const column = <usize> i << 2;
        const own = weights + column;
        const lanes = min(4, count - i);
        const first = max(0, q + i + 1 - window - k), seen = min(passingRows, q + i + lanes - k);
        // Later queries see no more of the block.
        if (first >= passingRows) break;
        const state = <usize> (h * P + q + i) << 2;
        hideBehind(own, q + i + 1 - k, first, seen);
        hideBefore(own, q + i + 1 - window - k, first, seen);
        queryProbabilities(own, first, seen, loadLanes(logSumExp + state, lanes), scale);
        if (step) dropWeights(kept + column, own, first, seen, (h * maskRows + q + i) * maskRows + k, maskRows, 1, step, stream, maskStride);
        const deltas = loadLanes(delta + state, lanes);
        queryScoreGradients(dWeights + column, kept + column, own, first, seen, deltas, scale);
        const sums = dQ + <usize> (q + i - from) * channels;
        const keep = k > firstBlockOf(start, q + i, window);
        accumulate(sums, channels, keep, 0, dWeights + column, keys, stride, first, seen, D);
      }
    }
  }
  const dQueries = dQkv + <usize> h * channels;
  for (let q = from; q < to; q++) {
    memory.copy(dQueries + <usize> q * stride, dQ + <usize> (q - from) * channels, channels);
  }
}

/** dK and dV of the keys `from` … `to` of a file that ends at `end`, in head h. */
function keyBlock(
  qkv: usize,
  step: usize,
  dOut: usize,
  logSumExp: usize,
  delta: usize,
  dQkv: usize,
  P: i32,
  H: i32,
  D: i32,
  stream: i32,
  window: i32,
  maskRows: i32,
  maskStride: i32,
  h: i32,
  end: i32,
  from: i32,
  to: i32,
): void {
  const width = <usize> (H * D) << 2, stride: usize = 3 * width, channels = <usize> D << 2;
  const queries = qkv + <usize> h * channels, dOutRows = dOut + <usize> h * channels;
  const panels = scratch(), valuePanels = panels + matrixBytes;
  const dK = valuePanels + matrixBytes, dV = dK + matrixBytes;
  const weights = panels + weightsOffset, dWeights = weights + weightsBytes;
  const kept = step ? dWeights + weightsBytes : weights;
  const scale = <f32> (1 / Math.sqrt(D));

  for (let k = from; k < to; k += panelRows) {
    const panel = <usize> (k - from) * channels;
    const keys = queries + <usize> k * stride + width;
    packPanel(panels + panel, keys, stride, min(panelRows, to - k), D);
    packPanel(valuePanels + panel, keys + width, stride, min(panelRows, to - k), D);
  }
  const last = min(end, to - 1 + window);
  for (let q = from; q < last; q += passingRows) {
    const rows = min(passingRows, end - q);
    const passing = queries + <usize> q * stride, dOutPassing = dOutRows + <usize> q * width;
    const state = <usize> (h * P + q) << 2;
    // Panels whose keys all stand behind the block's last query are not seen.
    for (let k = from; k < min(to, q + rows); k += panelRows) {
      const count = min(panelRows, to - k);
      const panel = <usize> (k - from) * channels;
      for (let i = 0; i < count; i += 8) {
        const column = <usize> i << 2;
        const first = max(0, k + i - q), behind = min(rows, k + i + 7 + window - q);
        scores(weights + column, panels + panel + column, passing, stride, first, behind, D);
        scores(dWeights + column, valuePanels + panel + column, dOutPassing, width, first, behind, D);
      }
      for (let i = 0; i < count; i += 4) {
        const column = <usize> i << 2;
        const own = weights + column, ownKept = kept + column, ownGradients = dWeights + column;
        const first = max(0, k + i - q), behind = min(rows, k + i + 3 + window - q);
        // None of the block's queries sees these keys, all standing before them or being too far behind.
        if (first >= behind) continue;
        hideBefore(own, k + i - q, first, behind);
        hideBehind(own, k + i + window - q, first, behind);
        keyProbabilities(own, first, behind, logSumExp + state, scale);
        if (step) dropWeights(ownKept, own, first, behind, (h * maskRows + q) * maskRows + k + i, 1, maskRows, step, stream, maskStride);
        keyScoreGradients(ownGradients, ownKept, own, first, behind, delta + state, scale);
        // Blocks of queries before the panel were left out.
        const keep = k < q;
        const sums = <usize> (k + i - from) * channels;
        accumulate(dK + sums, channels, keep, 0, ownGradients, passing, stride, first, behind, D);
        accumulate(dV + sums, channels, keep, 0, ownKept, dOutPassing, width, first, behind, D);
      }
    }
  }
  const dKeys = dQkv + <usize> h * channels + width;
  for (let k = from; k < to; k++) {
    const row = dKeys + <usize> k * stride, sums = <usize> (k - from) * channels;
    memory.copy(row, dK + sums, channels);
    memory.copy(row + width, dV + sums, channels);
  }
}
