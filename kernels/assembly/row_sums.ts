// Sums of rows of a matrix: the backward pass of a lookup. Threads share channels, in groups of 32, so that every number
// has one owner, who adds in the order of the rows. Rows are sorted by the table row that they belong to, whose sum
// then stays in registers. A partial sum has at most 256 terms.
import { scratch, scratchBytes } from "./scratch";

/** Channels of a group: eight vectors, and two cache lines of every row. */
export const groupChannels: i32 = 32;

/** Rows that are sorted at a time. */
export const mostRows: i32 = 16384;

/** Terms of a partial sum. */
const mostTerms: i32 = 256;

/** How many groups C channels are. */
// @ts-ignore: decorator
@inline
export function groupsOf(C: i32): i32 {
  return (C + groupChannels - 1) / groupChannels;
}

/** Where the caller puts the key of each row that it wants sorted, u32 [mostRows]. */
// @ts-ignore: decorator
@inline
export function rowKeys(): usize {
  return scratch();
}

/** Where the caller puts the numbers of these rows in the matrix, u32 [mostRows]. */
// @ts-ignore: decorator
@inline
export function rowNumbers(): usize {
  return scratch() + (mostRows << 2);
}

/** The numbers by key, and those of one key as they were given. */
// @ts-ignore: decorator
@inline
function sortedRows(): usize {
  return scratch() + (mostRows << 3);
}

/** First place of each key in the sorted numbers, u32 [keys + 1]. */
// @ts-ignore: decorator
@inline
function keyStarts(): usize {
  return scratch() + mostRows * 12;
}

/** Sorts `count` rows with keys below `keyCount` (a stable counting sort). */
export function sortRows(count: i32, keyCount: i32): void {
  const starts = keyStarts();
  if (mostRows * 12 + ((keyCount + 2) << 2) > scratchBytes()) unreachable();
  // Counts go two places up: adding them up gives each key's start one place up, and placing the rows moves it down.
  memory.fill(starts, 0, (keyCount + 2) << 2);
  for (let i = 0; i < count; i++) {
    const at = starts + (load<u32>(rowKeys() + (i << 2)) << 2);
    store<u32>(at, load<u32>(at, 8) + 1, 8);
  }
  for (let key = 1; key <= keyCount; key++) {
    const at = starts + (key << 2);
    store<u32>(at, load<u32>(at) + load<u32>(at, 4), 4);
  }
  for (let i = 0; i < count; i++) {
    const at = starts + (load<u32>(rowKeys() + (i << 2)) << 2);
    const place = load<u32>(at, 4);
    store<u32>(sortedRows() + (place << 2), load<u32>(rowNumbers() + (i << 2)));
    store<u32>(at, place + 1, 4);
  }
}

/** target[key] += Σ of its sorted rows of x, for the groups of channels `from` … `to` of every key. */
export function addSortedRows(target: usize, x: usize, keyCount: i32, C: i32, from: i32, to: i32): void {
  const stride = <usize> C << 2;
  for (let key = 0; key < keyCount; key++) {
    const first = load<i32>(keyStarts() + (key << 2));
    const end = load<i32>(keyStarts() + (key << 2), 4);
    if (first == end) continue;
    const row = target + <usize> key * stride;
    for (let group = from; group < to; group++) {
      const channel = group * groupChannels;
      for (let start = first; start < end; start += mostTerms) {
        const rows = sortedRows() + (start << 2);
        const last = sortedRows() + (min(end, start + mostTerms) << 2);
        if (channel + groupChannels <= C) addGroup(row, x, stride, channel << 2, rows, last);
        else addTail(row, x, channel, C, rows, last);
      }
    }
  }
}

/** target += Σ of the listed rows of x, 32 channels from the byte `offset` on. */
function addGroup(target: usize, x: usize, stride: usize, offset: usize, rows: usize, last: usize): void {
  const first = x + offset;
  let a = f32x4.splat(0), b = a, c = a, d = a, e = a, f = a, g = a, h = a;
  for (; rows < last; rows += 4) {
    const row = first + <usize> load<u32>(rows) * stride;
    a = f32x4.add(a, v128.load(row));
    b = f32x4.add(b, v128.load(row, 16));
    c = f32x4.add(c, v128.load(row, 32));
    d = f32x4.add(d, v128.load(row, 48));
    e = f32x4.add(e, v128.load(row, 64));
    f = f32x4.add(f, v128.load(row, 80));
    g = f32x4.add(g, v128.load(row, 96));
    h = f32x4.add(h, v128.load(row, 112));
  }
  const to = target + offset;
  v128.store(to, f32x4.add(v128.load(to), a));
  v128.store(to, f32x4.add(v128.load(to, 16), b), 16);
  v128.store(to, f32x4.add(v128.load(to, 32), c), 32);
  v128.store(to, f32x4.add(v128.load(to, 48), d), 48);
  v128.store(to, f32x4.add(v128.load(to, 64), e), 64);
  v128.store(to, f32x4.add(v128.load(to, 80), f), 80);
  v128.store(to, f32x4.add(v128.load(to, 96), g), 96);
  v128.store(to, f32x4.add(v128.load(to, 112), h), 112);
}

/** The same for the channels of an incomplete group. */
function addTail(target: usize, x: usize, channel: i32, C: i32, rows: usize, last: usize): void {
  const stride = <usize> C << 2;
  for (let c = channel; c < C; c++) {
    const offset = <usize> c << 2;
    let sum: f32 = 0;
    for (let at = rows; at < last; at += 4) sum += load<f32>(x + <usize> load<u32>(at) * stride + offset);
    store<f32>(target + offset, load<f32>(target + offset) + sum);
  }
}

/**
 * target[i mod period] += Σ x[i] over `count` rows, for the groups of channels `from` … `to`. Partial sums stand in the
 * scratch, so that x is read from front to back.
 */
export function addPeriodicRows(
  target: usize,
  x: usize,
  count: i32,
  period: i32,
  C: i32,
  from: i32,
  to: i32,
): void {
  const stride = <usize> C << 2;
  const offset = <usize> (from * groupChannels) << 2;
  const bytes = min(stride, <usize> (to * groupChannels) << 2) - offset;
  const sums = scratch();
  if (<usize> period * bytes > <usize> scratchBytes()) unreachable();
  const mostCount = mostTerms * period;
  for (let first = 0; first < count; first += mostCount) {
    memory.fill(sums, 0, <usize> period * bytes);
    const end = min(count, first + mostCount);
    let phase = 0;
    for (let i = first; i < end; i++) {
      addRow(sums + <usize> phase * bytes, x + <usize> i * stride + offset, bytes);
      phase = phase + 1 == period ? 0 : phase + 1;
    }
    for (let phase = 0; phase < period; phase++) {
      addRow(target + <usize> phase * stride + offset, sums + <usize> phase * bytes, bytes);
    }
  }
}

/** y += x, `bytes` long. */
// @ts-ignore: decorator
@inline
export function addRow(y: usize, x: usize, bytes: usize): void {
  let at: usize = 0;
  for (; at + 16 <= bytes; at += 16) v128.store(y + at, f32x4.add(v128.load(y + at), v128.load(x + at)));
  for (; at < bytes; at += 4) store<f32>(y + at, load<f32>(y + at) + load<f32>(x + at));
}
