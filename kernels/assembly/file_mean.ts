// The mean of a file's patches and its gradient: x, dx [P, C]; mean, dMean [B, C]; firstPatch, patchCount [B]; fileOf [P].
import { loadLanes, storeLanes } from "./lanes";
import { elementStart, partStart } from "./parts";

/** Patches that are summed before they join the total. */
const chunk = 64;

/** mean[b] ← Σ of the file's rows / patchCount[b]; 0 without patches. Threads share the channels. */
export function fileMean(
  x: usize,
  firstPatch: usize,
  patchCount: usize,
  mean: usize,
  C: i32,
  B: i32,
  part: i32,
  parts: i32,
): void {
  const from = elementStart(C, part, parts);
  const to = elementStart(C, part + 1, parts);
  const rowBytes = <usize> C << 2;
  for (let b = 0; b < B; b++) {
    const count = load<i32>(patchCount + (<usize> b << 2));
    const file = x + <usize> load<u32>(firstPatch + (<usize> b << 2)) * rowBytes;
    const divisor = f32x4.splat(<f32> max(count, 1));
    for (let c = from; c < to; c += 4) {
      const lanes = min(4, to - c);
      const at = <usize> c << 2;
      let total = f32x4.splat(0);
      for (let first = 0; first < count; first += chunk) {
        const sum = rowSum(file + <usize> first * rowBytes + at, min(chunk, count - first), rowBytes, lanes);
        total = f32x4.add(total, sum);
      }
      storeLanes(mean + <usize> b * rowBytes + at, f32x4.div(total, divisor), lanes);
    }
  }
}

/** Σ of up to four neighbouring channels over rows that stand `rowBytes` apart. */
// @ts-ignore: decorator
@inline
function rowSum(first: usize, rows: i32, rowBytes: usize, lanes: i32): v128 {
  let sum = f32x4.splat(0);
  const end = first + <usize> rows * rowBytes;
  if (lanes == 4) {
    for (let row = first; row < end; row += rowBytes) sum = f32x4.add(sum, v128.load(row));
  } else {
    for (let row = first; row < end; row += rowBytes) sum = f32x4.add(sum, loadLanes(row, lanes));
  }
  return sum;
}

/** dx[p] ← dMean[fileOf[p]] / patchCount[fileOf[p]]; 0 where fileOf[p] is not below B. Threads share the patches. */
export function fileMeanBackward(
  dMean: usize,
  fileOf: usize,
  patchCount: usize,
  dx: usize,
  P: i32,
  C: i32,
  B: i32,
  part: i32,
  parts: i32,
): void {
  const rowBytes = <usize> C << 2;
  const end = partStart(P, part + 1, parts);
  for (let p = partStart(P, part, parts); p < end; p++) {
    const file = load<u32>(fileOf + (<usize> p << 2));
    const row = dx + <usize> p * rowBytes;
    if (file >= <u32> B) {
      memory.fill(row, 0, rowBytes);
      continue;
    }
    const from = dMean + <usize> file * rowBytes;
    const divisor = f32x4.splat(<f32> load<i32>(patchCount + (<usize> file << 2)));
    for (let c = 0; c < C; c += 4) {
      const at = <usize> c << 2;
      const lanes = min(4, C - c);
      storeLanes(row + at, f32x4.div(loadLanes(from + at, lanes), divisor), lanes);
    }
  }
}
