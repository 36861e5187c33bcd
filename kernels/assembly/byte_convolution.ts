// x[r] += Σₖ weight[k] ⊙ vectors[previous(r − k)] over the latest W bytes of a file, and the gradients, as
// kernels/operations/byte_convolution.ts defines them.
//
// Four channels at a time are copied to the scratch, where rows lie one behind the other. Then four rows, or the weights
// of four distances, are summed up in registers: what one reads at a distance the next reads at the next. The terms of a
// sum come in the same order wherever a block begins, so which thread has a row changes no bit.
//
// tokens and patches u32 [N, S], fileStart u32 [N·S], vectors [V, C], weight [W, C], x [N·S, C]
import { fileEnd } from "./files";
import { loadLanes, storeLanes } from "./lanes";
import { multiplyAdd } from "./math";
import { partStart } from "./parts";
import { previousByte } from "./previous_byte";
import { addSortedRows, groupChannels, groupsOf, mostRows, rowKeys, rowNumbers, sortRows } from "./row_sums";
import { scratch, scratchBytes } from "./scratch";

/** Rows that are gone through at a time; more stand before them, as many as are summed over. */
const blockRows: i32 = 16384;

/** Terms of a partial sum of a weight's gradient; divides the rows of a block. */
const mostTerms: i32 = 256;

/** In the scratch: four sums; the weights or their gradients, four channels of each of W distances; rows; more rows. */
const weightsOffset: usize = 64;

// @ts-ignore: decorator
@inline
function weightsAt(): usize {
  return scratch() + weightsOffset;
}

// @ts-ignore: decorator
@inline
function rowsAt(W: i32): usize {
  return weightsAt() + (<usize> W << 4);
}

/** Where the second rows lie. */
// @ts-ignore: decorator
@inline
function secondRowsAt(W: i32): usize {
  return rowsAt(W) + (<usize> (blockRows + W) << 4);
}

// @ts-ignore: decorator
@inline
function checkScratch(W: i32): void {
  if (weightsOffset + (<usize> (2 * W + 2 * blockRows) << 4) > <usize> scratchBytes()) unreachable();
}

/** Copies four channels of matrix rows `from` … `to`, the lowest first. */
function copyRows(matrix: usize, from: i32, to: i32, stride: usize, count: i32, target: usize): void {
  for (let row = from; row < to; row++) {
    v128.store(target + (<usize> (row - from) << 4), loadLanes(matrix + <usize> row * stride, count));
  }
}

/** Copies four channels of the vectors of the bytes before rows `from` … `to`. */
function copyVectors(
  tokens: usize,
  patches: usize,
  vectors: usize,
  from: i32,
  to: i32,
  S: i32,
  stride: usize,
  count: i32,
  target: usize,
): void {
  for (let row = from; row < to; row++) {
    const vector = vectors + <usize> previousByte(tokens, patches, row, S) * stride;
    v128.store(target + (<usize> (row - from) << 4), loadLanes(vector, count));
  }
}

/** sum + Σ factors[i] ⊙ rows[i], `step` bytes from one row to the next */
// @ts-ignore: decorator
@inline
function sumTerms(sum: v128, factors: usize, rows: usize, step: usize, terms: i32): v128 {
  for (let i = 0; i < terms; i++) {
    sum = multiplyAdd(v128.load(factors), v128.load(rows), sum);
    factors += 16;
    rows += step;
  }
  return sum;
}

/** Four sums at once, each a row behind the one before: sums[j] += Σ factors[i] ⊙ rows[i − j]. */
function slide(sums: usize, factors: usize, rows: usize, step: usize, terms: i32): void {
  let a = v128.load(sums), b = v128.load(sums, 16), c = v128.load(sums, 32), d = v128.load(sums, 48);
  let r3 = v128.load(rows - 3 * step), r2 = v128.load(rows - 2 * step), r1 = v128.load(rows - step);
  let i = 0;
  for (; i + 4 <= terms; i += 4) {
    const f0 = v128.load(factors), s0 = v128.load(rows);
    a = multiplyAdd(f0, s0, a);
    b = multiplyAdd(f0, r1, b);
    c = multiplyAdd(f0, r2, c);
    d = multiplyAdd(f0, r3, d);
    const f1 = v128.load(factors, 16), s1 = v128.load(rows + step);
    a = multiplyAdd(f1, s1, a);
    b = multiplyAdd(f1, s0, b);
    c = multiplyAdd(f1, r1, c);
    d = multiplyAdd(f1, r2, d);
    const f2 = v128.load(factors, 32), s2 = v128.load(rows + 2 * step);
    a = multiplyAdd(f2, s2, a);
    b = multiplyAdd(f2, s1, b);
    c = multiplyAdd(f2, s0, c);
    d = multiplyAdd(f2, r1, d);
    const f3 = v128.load(factors, 48), s3 = v128.load(rows + 3 * step);
    a = multiplyAdd(f3, s3, a);
    b = multiplyAdd(f3, s2, b);
    c = multiplyAdd(f3, s1, c);
    d = multiplyAdd(f3, s0, d);
    r3 = s1;
    r2 = s2;
    r1 = s3;
    factors += 64;
    rows += 4 * step;
  }
  for (; i < terms; i++) {
    const f0 = v128.load(factors), s0 = v128.load(rows);
    a = multiplyAdd(f0, s0, a);
    b = multiplyAdd(f0, r1, b);
    c = multiplyAdd(f0, r2, c);
    d = multiplyAdd(f0, r3, d);
    r3 = r2;
    r2 = r1;
    r1 = s0;
    factors += 16;
    rows += step;
  }
  v128.store(sums, a);
  v128.store(sums, b, 16);
  v128.store(sums, c, 32);
  v128.store(sums, d, 48);
}

/**
 * Adds to `rowCount` rows of a file the weighted sums over those before each; `before` more of it lie before the first.
 * @param rows the first row; the one before it lies `step` further
 * @param x where the first sum goes, the next one `next` further
 */
function convolve(
  rows: usize,
  step: usize,
  x: usize,
  next: usize,
  rowCount: i32,
  before: i32,
  W: i32,
  count: i32,
): void {
  const sums = scratch(), weight = weightsAt();
  let i = 0;
  while (i < rowCount) {
    if (before + i + 1 < W || i + 4 > rowCount) {
      const sum = sumTerms(loadLanes(x, count), weight, rows, step, min(W, before + i + 1));
      storeLanes(x, sum, count);
      x += next;
      rows -= step;
      i++;
      continue;
    }
    for (let j = 0; j < 4; j++) v128.store(sums + (j << 4), loadLanes(x + <usize> j * next, count));
    slide(sums, weight, rows, step, W);
    for (let j = 0; j < 4; j++) storeLanes(x + <usize> j * next, v128.load(sums + (j << 4)), count);
    x += 4 * next;
    rows -= 4 * step;
    i += 4;
  }
}

export function byteConvolution(
  tokens: usize,
  patches: usize,
  fileStart: usize,
  vectors: usize,
  weight: usize,
  x: usize,
  N: i32,
  S: i32,
  C: i32,
  W: i32,
  part: i32,
  parts: i32,
): void {
  checkScratch(W);
  const stride = <usize> C << 2, R = N * S;
  const end = partStart(R, part + 1, parts);
  for (let from = partStart(R, part, parts); from < end; from += blockRows) {
    const to = min(end, from + blockRows);
    const first = max(max(from + 1 - W, 0), load<i32>(fileStart + (<usize> from << 2)));
    for (let c = 0; c < C; c += 4) {
      const count = min(4, C - c);
      const offset = <usize> c << 2;
      copyRows(weight + offset, 0, W, stride, count, weightsAt());
      copyVectors(tokens, patches, vectors + offset, first, to, S, stride, count, rowsAt(W));
      for (let row = from; row < to;) {
        const start = load<i32>(fileStart + (<usize> row << 2));
        const last = fileEnd(fileStart, row, to);
        const rows = rowsAt(W) + (<usize> (row - first) << 4);
        const out = x + <usize> row * stride + offset;
        convolve(rows, -16, out, stride, last - row, row - start, W, count);
        row = last;
      }
    }
  }
}

/** dRows[r] = Σₖ weight[k] ⊙ dx[r + k]: the same from the last row to the first. */
export function byteConvolutionRows(
  fileStart: usize,
  weight: usize,
  dx: usize,
  dRows: usize,
  R: i32,
  C: i32,
  W: i32,
  part: i32,
  parts: i32,
): void {
  checkScratch(W);
  const stride = <usize> C << 2;
  const end = partStart(R, part + 1, parts);
  for (let from = partStart(R, part, parts); from < end; from += blockRows) {
    const to = min(end, from + blockRows);
    memory.fill(dRows + <usize> from * stride, 0, <usize> (to - from) * stride);
    // Rows further on are beyond the reach of this block's.
    const behind = fileEnd(fileStart, to - 1, min(to + W - 1, R));
    for (let c = 0; c < C; c += 4) {
      const count = min(4, C - c);
      const offset = <usize> c << 2;
      copyRows(weight + offset, 0, W, stride, count, weightsAt());
      copyRows(dx + offset, from, behind, stride, count, rowsAt(W));
      for (let row = from; row < to;) {
        const fileLast = fileEnd(fileStart, row, behind);
        const last = min(to, fileLast);
        const rows = rowsAt(W) + (<usize> (last - 1 - from) << 4);
        const out = dRows + <usize> (last - 1) * stride + offset;
        convolve(rows, 16, out, -stride, last - row, fileLast - last, W, count);
        row = last;
      }
    }
  }
}

/** dVectors[v] = Σ dRows[r] over r with previous(r) = v. Threads share channels. */
export function byteConvolutionVectors(
  tokens: usize,
  patches: usize,
  dRows: usize,
  dVectors: usize,
  N: i32,
  S: i32,
  V: i32,
  C: i32,
  part: i32,
  parts: i32,
): void {
  const stride = <usize> C << 2, R = N * S;
  const from = partStart(groupsOf(C), part, parts);
  const to = partStart(groupsOf(C), part + 1, parts);
  if (from == to) return;
  const offset = <usize> (from * groupChannels) << 2;
  const bytes = min(stride, <usize> (to * groupChannels) << 2) - offset;
  for (let v = 0; v < V; v++) memory.fill(dVectors + <usize> v * stride + offset, 0, bytes);
  for (let first = 0; first < R; first += mostRows) {
    const count = min(mostRows, R - first);
    for (let i = 0; i < count; i++) {
      store<u32>(rowKeys() + (i << 2), previousByte(tokens, patches, first + i, S));
      store<u32>(rowNumbers() + (i << 2), first + i);
    }
    sortRows(count, V);
    addSortedRows(dVectors, dRows, V, C, from, to);
  }
}

/** dWeight[k] += Σᵣ dx[r] ⊙ vectors[previous(r − k)]. Threads share distances, four at a time. */
export function byteConvolutionWeight(
  tokens: usize,
  patches: usize,
  fileStart: usize,
  vectors: usize,
  dx: usize,
  dWeight: usize,
  N: i32,
  S: i32,
  C: i32,
  W: i32,
  part: i32,
  parts: i32,
): void {
  checkScratch(W);
  const stride = <usize> C << 2, R = N * S;
  const from = 4 * partStart((W + 3) / 4, part, parts);
  const to = min(W, 4 * partStart((W + 3) / 4, part + 1, parts));
  if (from >= to) return;
  const sums = weightsAt();
  for (let block = 0; block < R; block += blockRows) {
    const end = min(R, block + blockRows);
    const first = max(block + 1 - to, 0);
    for (let c = 0; c < C; c += 4) {
      const count = min(4, C - c);
      const offset = <usize> c << 2;
      copyVectors(tokens, patches, vectors + offset, first, end, S, stride, count, rowsAt(W));
      copyRows(dx + offset, block, end, stride, count, secondRowsAt(W));
      copyRows(dWeight + offset, from, to, stride, count, sums);
      for (let row = block; row < end;) {
        const start = load<i32>(fileStart + (<usize> row << 2));
        const last = fileEnd(fileStart, row, min(end, (row / mostTerms + 1) * mostTerms));
        for (let k = from; k < to; k += 4) {
          const sum = sums + (<usize> (k - from) << 4);
          addDistances(sum, k, min(4, to - k), row, last, start, rowsAt(W) - (<usize> first << 4), secondRowsAt(W) - (<usize> block << 4));
        }
        row = last;
      }
      for (let k = from; k < to; k++) {
        storeLanes(dWeight + <usize> k * stride + offset, v128.load(sums + (<usize> (k - from) << 4)), count);
      }
    }
  }
}

/**
 * The sums of up to four distances from k on, over rows `from` … `to` of a file that begins at `start`.
 * @param rows vectors of the bytes before each row, and
 * @param dx gradients, both as if they began with row 0
 */
function addDistances(
  sum: usize,
  k: i32,
  distances: i32,
  from: i32,
  to: i32,
  start: i32,
  rows: usize,
  dx: usize,
): void {
  // Rows from which on all four see a byte of the file.
  const whole = distances == 4 ? min(to, max(from, start + k + 3)) : to;
  const partial = scratch();
  for (let j = 0; j < distances; j++) {
    const first = max(from, start + k + j);
    const own = sumTerms(
      f32x4.splat(0),
      dx + (<usize> first << 4),
      rows + (<usize> (first - k - j) << 4),
      16,
      whole - first,
    );
    v128.store(partial + (j << 4), own);
  }
  if (whole < to) slide(partial, dx + (<usize> whole << 4), rows + (<usize> (whole - k) << 4), 16, to - whole);
  for (let j = 0; j < distances; j++) {
    const at = sum + (<usize> j << 4);
    v128.store(at, f32x4.add(v128.load(at), v128.load(partial + (j << 4))));
  }
}
