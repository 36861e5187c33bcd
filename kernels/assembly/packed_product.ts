// Products of a few rows with a packed matrix, as kernels/operations/packed_product.ts defines them. Threads share
// panels: a thread reads the same ones every time, as far as its caches keep them.
//
// A sum is made as matmul.ts makes it: cut into blocks of terms by K alone, each one chain of multiply-adds, added in
// order. So it has the same bits.
//
// a [M, K], panels [⌈N / 32⌉, K, 32], bias [N], residual, out [M, N]
import { loadLanes, storeLanes } from "./lanes";
import { gelu, multiplyAdd } from "./math";
import { termBlocks } from "./matmul";
import { partStart } from "./parts";
import { scratch } from "./scratch";

/** Columns of a panel: as many sums as fit the registers, and two cache lines of every term. */
const panelColumns: i32 = 32;

/**
 * Packs the matrix [K, N].
 * @param columnStride, termStride bytes from one column, and from one term, to the next
 */
export function packPanels(
  b: usize,
  columnStride: i32,
  termStride: i32,
  panels: usize,
  N: i32,
  K: i32,
  part: i32,
  parts: i32,
): void {
  const count = (N + panelColumns - 1) / panelColumns;
  const end = partStart(count, part + 1, parts);
  for (let panel = partStart(count, part, parts); panel < end; panel++) {
    const first = panel * panelColumns;
    const width = min(N - first, panelColumns);
    let to = panels + (<usize> panel * K * panelColumns << 2);
    for (let k = 0; k < K; k++) {
      const from = b + <usize> first * columnStride + <usize> k * termStride;
      for (let n = 0; n < width; n++) store<f32>(to + (<usize> n << 2), load<f32>(from + <usize> n * columnStride));
      memory.fill(to + (<usize> width << 2), 0, <usize> (panelColumns - width) << 2);
      to += 4 * panelColumns;
    }
  }
}

/** `bias` and `residual` are 0 where the epilogue has none. */
export function packedProduct(
  a: usize,
  panels: usize,
  bias: usize,
  residual: usize,
  hasGelu: i32,
  out: usize,
  M: i32,
  N: i32,
  K: i32,
  part: i32,
  parts: i32,
): void {
  const count = (N + panelColumns - 1) / panelColumns;
  const blocks = termBlocks(K);
  const sums = scratch();
  const end = partStart(count, part + 1, parts);
  for (let panel = partStart(count, part, parts); panel < end; panel++) {
    const first = panel * panelColumns;
    const width = min(N - first, panelColumns);
    const own = panels + (<usize> panel * K * panelColumns << 2);
    for (let m = 0; m < M; m++) {
      const row = a + (<usize> (m * K) << 2);
      const place = <usize> (m * N + first) << 2;
      for (let n = 0; n < width; n += 4) {
        const at = <usize> n << 2;
        // −0 is what changes no number that is added to it.
        const start = bias ? loadLanes(bias + (<usize> first << 2) + at, min(4, width - n)) : f32x4.splat(-0.0);
        v128.store(sums + at, start);
      }
      for (let block = 0; block < blocks; block++) {
        const from = partStart(K, block, blocks), to = partStart(K, block + 1, blocks);
        addTerms(row + (<usize> from << 2), row + (<usize> to << 2), own + (<usize> (from * panelColumns) << 2), sums);
      }
      for (let n = 0; n < width; n += 4) {
        const at = <usize> n << 2, lanes = min(4, width - n);
        let sum = v128.load(sums + at);
        if (hasGelu) sum = gelu(sum);
        if (residual) sum = f32x4.add(sum, loadLanes(residual + place + at, lanes));
        storeLanes(out + place + at, sum, lanes);
      }
    }
  }
}

/** sums += Σ_k a[k] · panel[k] over the terms from `a` to `end`. */
function addTerms(a: usize, end: usize, panel: usize, sums: usize): void {
  let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0;
  // Not unrolled: four terms with one load of a gain at most 4 % (2026-11-23), and lose it where K is short.
  for (; a < end; a += 4) {
    const x = v128.load32_splat(a);
    s0 = multiplyAdd(x, v128.load(panel), s0);
    s1 = multiplyAdd(x, v128.load(panel, 16), s1);
    s2 = multiplyAdd(x, v128.load(panel, 32), s2);
    s3 = multiplyAdd(x, v128.load(panel, 48), s3);
    s4 = multiplyAdd(x, v128.load(panel, 64), s4);
    s5 = multiplyAdd(x, v128.load(panel, 80), s5);
    s6 = multiplyAdd(x, v128.load(panel, 96), s6);
    s7 = multiplyAdd(x, v128.load(panel, 112), s7);
    panel += 4 * panelColumns;
  }
  v128.store(sums, f32x4.add(v128.load(sums), s0));
  v128.store(sums, f32x4.add(v128.load(sums, 16), s1), 16);
  v128.store(sums, f32x4.add(v128.load(sums, 32), s2), 32);
  v128.store(sums, f32x4.add(v128.load(sums, 48), s3), 48);
  v128.store(sums, f32x4.add(v128.load(sums, 64), s4), 64);
  v128.store(sums, f32x4.add(v128.load(sums, 80), s5), 80);
  v128.store(sums, f32x4.add(v128.load(sums, 96), s6), 96);
  v128.store(sums, f32x4.add(v128.load(sums, 112), s7), 112);
}
