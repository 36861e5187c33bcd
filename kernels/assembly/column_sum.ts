// sum[C] += Σ over the rows of x[R, C], in chunks of rows whose number depends on the shape alone: first every chunk
// into its row of scratch[chunks, C], then the chunks in their order.
import { loadLanes, storeLanes } from "./lanes";
import { elementStart, partStart } from "./parts";

/** scratch[chunk] ← Σ x[r] over the chunk's rows. */
export function columnSumChunks(
  x: usize,
  scratch: usize,
  R: i32,
  C: i32,
  chunkRows: i32,
  part: i32,
  parts: i32,
): void {
  const rowBytes: usize = <usize> C << 2;
  const chunks = (R + chunkRows - 1) / chunkRows;
  const end = partStart(chunks, part + 1, parts);
  for (let chunk = partStart(chunks, part, parts); chunk < end; chunk++) {
    const first = chunk * chunkRows;
    const sum = scratch + <usize> chunk * rowBytes;
    memory.fill(sum, 0, rowBytes);
    addRows(x + <usize> first * rowBytes, min(chunkRows, R - first), rowBytes, sum, C);
  }
}

/** sum[C] += Σ of the rows scratch[chunk, offset .. offset + C] of `stride` elements. */
export function addChunks(
  scratch: usize,
  chunks: i32,
  stride: i32,
  offset: i32,
  sum: usize,
  C: i32,
  part: i32,
  parts: i32,
): void {
  const from = elementStart(C, part, parts);
  const to = elementStart(C, part + 1, parts);
  const first = scratch + (<usize> (offset + from) << 2);
  addRows(first, chunks, <usize> stride << 2, sum + (<usize> from << 2), to - from);
}

/** sum[C] += Σ of rows that stand `rowBytes` apart; four are added up before they are added to the sum. */
function addRows(x: usize, rows: i32, rowBytes: usize, sum: usize, C: i32): void {
  const whole: usize = <usize> (C & ~3) << 2;
  const rest = C & 3;
  const fours = rows & ~3;
  let row = x;
  for (let r = 0; r < fours; r += 4) {
    for (let at: usize = 0; at < whole; at += 16) addFour(row + at, rowBytes, sum + at, 4);
    if (rest) addFour(row + whole, rowBytes, sum + whole, rest);
    row += 4 * rowBytes;
  }
  for (let r = fours; r < rows; r++) {
    for (let at: usize = 0; at < whole; at += 16) addOne(row + at, sum + at, 4);
    if (rest) addOne(row + whole, sum + whole, rest);
    row += rowBytes;
  }
}

// @ts-ignore: decorator
@inline
function addFour(x: usize, rowBytes: usize, sum: usize, count: i32): void {
  const x2 = x + 2 * rowBytes;
  const first = f32x4.add(loadLanes(x, count), loadLanes(x + rowBytes, count));
  const second = f32x4.add(loadLanes(x2, count), loadLanes(x2 + rowBytes, count));
  storeLanes(sum, f32x4.add(loadLanes(sum, count), f32x4.add(first, second)), count);
}

// @ts-ignore: decorator
@inline
function addOne(x: usize, sum: usize, count: i32): void {
  storeLanes(sum, f32x4.add(loadLanes(sum, count), loadLanes(x, count)), count);
}
