// Attention of one new row of each sequence, as kernels/operations/cached_attention.ts defines it. A thread takes whole
// heads of a sequence, and stores their keys and values itself, so that nobody has to wait for them.
//
// Softmax is in two passes over the weights, which stand in the scratch. Every score, and every channel of the output,
// is one chain whose order follows from the number of keys alone.
//
// sequences u32 [B, 4], qkv [B, 3·H·D], cache [B·L, 3·H·D], out [B, H·D]
import { exp, maxLanes, multiplyAdd, sumLanes } from "./math";
import { partStart } from "./parts";
import { scratch } from "./scratch";
import { rowInFile, rowInSlot } from "./sequence_rows";

const lowest: f32 = -1e30;

/**
 * A slot is a ring of the latest L bytes where `ring` is the size of a patch, not 0; of its rows all heads but the first
 * `globalHeads` see the latest `window`.
 */
export function cachedAttention(
  sequences: usize,
  qkv: usize,
  cache: usize,
  out: usize,
  B: i32,
  L: i32,
  H: i32,
  D: i32,
  nextByte: i32,
  ring: i32,
  window: i32,
  globalHeads: i32,
  part: i32,
  parts: i32,
): void {
  const channels = <usize> D << 2, width = <usize> H * channels, stride = 3 * width;
  const end = partStart(B * H, part + 1, parts);
  for (let pair = partStart(B * H, part, parts); pair < end; pair++) {
    const b = pair / H, h = pair - b * H, head = <usize> h * channels;
    const position = ring ? rowInFile(nextByte, sequences, b, ring) : rowInSlot(nextByte, sequences, b, L);
    const at = position % L, count = min(position + 1, L);
    const query = qkv + <usize> b * stride + head;
    const keys = cache + <usize> b * L * stride + width + head, values = keys + width;
    memory.copy(keys + <usize> at * stride, query + width, channels);
    memory.copy(values + <usize> at * stride, query + 2 * width, channels);
    const first = h < globalHeads ? 0 : max(0, count - window), before = <usize> first * stride;
    attend(query, keys + before, values + before, count - first, stride, channels, out + <usize> b * width + head);
  }
}

/** out ← the values of `count` rows, weighted by the softmax of the query's products with their keys. */
function attend(
  query: usize,
  keys: usize,
  values: usize,
  count: i32,
  stride: usize,
  channels: usize,
  out: usize,
): void {
  const weights = scratch();
  const end = weights + (<usize> count << 2);
  const scale = f32x4.splat(<f32> (1 / Math.sqrt(<f64> (channels >> 2))));
  let largest = f32x4.splat(lowest);
  let at = weights;
  for (let k = 0; k < count; k += 4) {
    const row = keys + <usize> k * stride, last = count - 1 - k;
    // Rows beyond the last are the last once more.
    const four = scores(
      query,
      row,
      row + <usize> min(1, last) * stride,
      row + <usize> min(2, last) * stride,
      row + <usize> min(3, last) * stride,
      channels,
    );
    const scaled = f32x4.mul(four, scale);
    v128.store(at, scaled);
    largest = f32x4.max(largest, scaled);
    at += 16;
  }
  // What stands behind the last weight becomes e^lowest = 0.
  for (let rest = end; rest < at; rest += 4) store<f32>(rest, lowest);
  const highest = f32x4.splat(maxLanes(largest));
  let sum = f32x4.splat(0);
  for (at = weights; at < end; at += 16) {
    const four = exp(f32x4.sub(v128.load(at), highest));
    v128.store(at, four);
    sum = f32x4.add(sum, four);
  }
  const total = f32x4.splat(sumLanes(sum));
  let channel: usize = 0;
  for (; channel + 64 <= channels; channel += 64) {
    let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0;
    let value = values + channel;
    for (at = weights; at < end; at += 4) {
      const weight = v128.load32_splat(at);
      s0 = multiplyAdd(weight, v128.load(value), s0);
      s1 = multiplyAdd(weight, v128.load(value, 16), s1);
      s2 = multiplyAdd(weight, v128.load(value, 32), s2);
      s3 = multiplyAdd(weight, v128.load(value, 48), s3);
      value += stride;
    }
    v128.store(out + channel, f32x4.div(s0, total));
    v128.store(out + channel, f32x4.div(s1, total), 16);
    v128.store(out + channel, f32x4.div(s2, total), 32);
    v128.store(out + channel, f32x4.div(s3, total), 48);
  }
  for (; channel < channels; channel += 16) {
    let s = f32x4.splat(0);
    let value = values + channel;
    for (at = weights; at < end; at += 4) {
      s = multiplyAdd(v128.load32_splat(at), v128.load(value), s);
      value += stride;
    }
    v128.store(out + channel, f32x4.div(s, total));
  }
}

/** The products of the query with four keys. */
// @ts-ignore: decorator
@inline
function scores(query: usize, k0: usize, k1: usize, k2: usize, k3: usize, channels: usize): v128 {
  let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0;
  for (let at: usize = 0; at < channels; at += 16) {
    const q = v128.load(query + at);
    s0 = multiplyAdd(q, v128.load(k0 + at), s0);
    s1 = multiplyAdd(q, v128.load(k1 + at), s1);
    s2 = multiplyAdd(q, v128.load(k2 + at), s2);
    s3 = multiplyAdd(q, v128.load(k3 + at), s3);
  }
  // Transposed, so that the lanes of all four are added at once.
  const low01 = v128.shuffle<f32>(s0, s1, 0, 4, 1, 5), low23 = v128.shuffle<f32>(s2, s3, 0, 4, 1, 5);
  const high01 = v128.shuffle<f32>(s0, s1, 2, 6, 3, 7), high23 = v128.shuffle<f32>(s2, s3, 2, 6, 3, 7);
  return f32x4.add(
    f32x4.add(v128.shuffle<i64>(low01, low23, 0, 2), v128.shuffle<i64>(low01, low23, 1, 3)),
    f32x4.add(v128.shuffle<i64>(high01, high23, 0, 2), v128.shuffle<i64>(high01, high23, 1, 3)),
  );
}
