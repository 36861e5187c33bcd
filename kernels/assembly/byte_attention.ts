// Causal attention over the S ≤ 16 bytes of each patch, as kernels/operations/byte_attention.ts defines it.
//
// A thread takes whole patches and heads: all queries of one are a single panel, and all that comes of it stays in the
// first cache. Keys and values are read where they are.
//
// qkv, dQkv [N·S, 3·H·D], out, dOut [N·S, H·D]
import { accumulate, lowest, packPanel, panelRows, panelStride, scores } from "./attention_tile";
import { dropWeights, exponentials, hideBehind, largestWeights, scaleWeights } from "./attention_weights";
import { multiplyAdd } from "./math";
import { partStart } from "./parts";
import { scratch } from "./scratch";

/** Weights [16 keys, 16 queries], or as many the other way round. */
const weightsBytes: usize = <usize> panelRows * panelStride;

/** Where the panels begin in the scratch, behind five times weights. */
const panelsOffset: usize = 5 * weightsBytes;

/** `step` is 0 without dropout. */
export function byteAttention(
  qkv: usize,
  step: usize,
  out: usize,
  N: i32,
  S: i32,
  H: i32,
  D: i32,
  stream: i32,
  maskStride: i32,
  part: i32,
  parts: i32,
): void {
  const width = <usize> (H * D) << 2, stride: usize = 3 * width;
  const weights = scratch(), kept = step ? weights + weightsBytes : weights;
  const panel = weights + panelsOffset;
  const end = partStart(N * H, part + 1, parts);
  let touchedRow = -1;
  for (let pair = partStart(N * H, part, parts); pair < end; pair++) {
    const row = pair / H * S, channel = <usize> (pair % H * D) << 2;
    const queries = qkv + <usize> row * stride + channel, keys = queries + width;
    const outRows = out + <usize> row * width + channel;
    if (row != touchedRow) {
      touch(qkv + <usize> row * stride, <usize> S * stride);
      touch(out + <usize> row * width, <usize> S * width);
      touchedRow = row;
    }
    packPanel(panel, queries, stride, S, D);
    attendBytes(weights, kept, panel, keys, stride, pair, S, D, step, stream, maskStride);
    for (let q = 0; q < S; q += 4) {
      const own = kept + (<usize> q << 2), to = outRows + <usize> q * width;
      accumulateRows(to, width, own, keys + width, stride, 0, min(q + 4, S), min(4, S - q), D);
    }
  }
}

/** The backward pass; `step` is 0 without dropout. */
export function byteAttentionBackward(
  qkv: usize,
  step: usize,
  dOut: usize,
  dQkv: usize,
  N: i32,
  S: i32,
  H: i32,
  D: i32,
  stream: i32,
  maskStride: i32,
  part: i32,
  parts: i32,
): void {
  const width = <usize> (H * D) << 2, stride: usize = 3 * width;
  const weights = scratch(), kept = step ? weights + weightsBytes : weights;
  const dScores = weights + 2 * weightsBytes;
  const keptByKey = dScores + weightsBytes, dScoresByKey = keptByKey + weightsBytes;
  const panel = weights + panelsOffset, dOutPanel = panel + <usize> D * panelStride;
  const scale = <f32> (1 / Math.sqrt(D));
  const end = partStart(N * H, part + 1, parts);
  let touchedRow = -1;
  for (let pair = partStart(N * H, part, parts); pair < end; pair++) {
    const row = pair / H * S, channel = <usize> (pair % H * D) << 2;
    const queries = qkv + <usize> row * stride + channel, keys = queries + width;
    const dOutRows = dOut + <usize> row * width + channel;
    const dQueries = dQkv + <usize> row * stride + channel, dKeys = dQueries + width;
    if (row != touchedRow) {
      touch(qkv + <usize> row * stride, <usize> S * stride);
      touch(dOut + <usize> row * width, <usize> S * width);
      touch(dQkv + <usize> row * stride, <usize> S * stride);
      touchedRow = row;
    }
    packPanel(panel, queries, stride, S, D);
    packPanel(dOutPanel, dOutRows, width, S, D);
    attendBytes(weights, kept, panel, keys, stride, pair, S, D, step, stream, maskStride);
    for (let q = 0; q < S; q += 8) {
      const column = <usize> q << 2;
      scores(dScores + column, dOutPanel + column, keys + width, stride, 0, min(q + 8, S), D);
    }
    for (let q = 0; q < S; q += 4) {
      const column = <usize> q << 2, seen = min(q + 4, S);
      differentiateSoftmax(dScores + column, weights + column, kept + column, seen, scale);
      const own = dScores + column;
      accumulateRows(dQueries + <usize> q * stride, stride, own, keys, stride, 0, seen, min(4, S - q), D);
    }
    packPanel(keptByKey, kept, panelStride, S, panelRows);
    packPanel(dScoresByKey, dScores, panelStride, S, panelRows);
    for (let k = 0; k < S; k += 4) {
      const column = <usize> k << 2, count = min(4, S - k);
      const to = dKeys + <usize> k * stride;
      accumulateRows(to, stride, dScoresByKey + column, queries, stride, k, S, count, D);
      accumulateRows(to + width, stride, keptByKey + column, dOutRows, width, k, S, count, D);
    }
  }
}

/** The probabilities of a patch and head, and what dropout keeps of them: [keys, queries], 0 for keys not seen. */
// @ts-ignore: decorator
@inline
function attendBytes(
  weights: usize,
  kept: usize,
  panel: usize,
  keys: usize,
  stride: usize,
  pair: i32,
  S: i32,
  D: i32,
  step: usize,
  stream: i32,
  maskStride: i32,
): void {
  for (let q = 0; q < S; q += 8) {
    const column = <usize> q << 2;
    scores(weights + column, panel + column, keys, stride, 0, min(q + 8, S), D);
  }
  for (let q = 0; q < S; q += 4) {
    const own = weights + (<usize> q << 2), seen = min(q + 4, S);
    hideBehind(own, q + 1, 0, seen);
    const largest = largestWeights(own, 0, seen, f32x4.splat(lowest));
    const total = exponentials(own, 0, seen, largest, <f32> (1 / Math.sqrt(D)));
    scaleWeights(own, seen, f32x4.div(f32x4.splat(1), total));
    if (step) dropWeights(kept + (<usize> q << 2), own, 0, seen, (pair * S + q) * S, S, 1, step, stream, maskStride);
  }
}

/** dWeight ← (kept · dWeight − p · δ) · scale in the first `to` rows, with δ = Σ kept · dWeight down the column. */
// @ts-ignore: decorator
@inline
function differentiateSoftmax(dWeights: usize, p: usize, kept: usize, to: i32, scale: f32): void {
  const end = <usize> to * panelStride;
  let delta = f32x4.splat(0);
  for (let at: usize = 0; at < end; at += panelStride) {
    delta = multiplyAdd(v128.load(kept + at), v128.load(dWeights + at), delta);
  }
  for (let at: usize = 0; at < end; at += panelStride) {
    const gained = f32x4.mul(v128.load(kept + at), v128.load(dWeights + at));
    const lost = f32x4.mul(v128.load(p + at), delta);
    v128.store(dWeights + at, f32x4.mul(f32x4.sub(gained, lost), f32x4.splat(scale)));
  }
}

/** `count` ≤ 4 rows of `to` ← Σ_m weights[m, ·] · rows[m]: those beyond belong to others and are left alone. */
function accumulateRows(
  to: usize,
  toStride: usize,
  weights: usize,
  rows: usize,
  stride: usize,
  first: i32,
  end: i32,
  count: i32,
  D: i32,
): void {
  if (count == 4) {
    accumulate(to, toStride, false, 0, weights, rows, stride, first, end, D);
    return;
  }
  const channels = <usize> D << 2;
  const sums = scratch() + panelsOffset + 2 * <usize> D * panelStride;
  accumulate(sums, channels, false, 0, weights, rows, stride, first, end, D);
  for (let i = 0; i < count; i++) memory.copy(to + <usize> i * toStride, sums + <usize> i * channels, channels);
}

/**
 * Brings rows into the second cache by reading a number of every line. A head's part of a row is so short that the
 * processor foresees nothing, but a patch's rows of all heads lie back to back: forward took 4.9 ms so instead of 6.7,
 * backward 10.7 instead of 12.9 (23 November 2026, one of two cores of an AMD EPYC, family 25, model 17; N = 512,
 * S = 16, H = 4, D = 64).
 */
function touch(from: usize, bytes: usize): void {
  let all = 0;
  for (let at = from; at < from + bytes; at += 64) all |= load<i32>(at);
  // Stored where nothing is yet, because a load whose result nobody uses may be left out.
  store<i32>(scratch(), all);
}
