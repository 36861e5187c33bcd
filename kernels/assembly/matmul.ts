// Matrix products, as kernels/operations/matmul.ts defines them.
//
// A thread takes a rectangle of the output. Blocks of b, then of a, are packed into panels in its scratch; every tile of
// the output is a product of two panels. A sum over k is cut into blocks by K alone, each block one chain of
// multiply-adds, the blocks added in order: an element has the same bits whatever else is computed, and wherever it stands.
import { packColumns, packRows } from "./matmul_pack";
import { multiplyPanels, Pass, passTile, tileColumns, tileRows } from "./matmul_tile";
import { partStart } from "./parts";
import { scratch } from "./scratch";

/** Terms of a block of k, about: a panel of a and one of b share the first cache (14 of 32 KiB). */
const blockTerms: i32 = 256;
/** Rows of a packed at a time. */
const blockRows: i32 = 20 * tileRows;
/** Columns of b packed at a time: with the rows they stay in the second cache (up to 0.9 of 1 MiB). */
const blockColumns: i32 = 64 * tileColumns;

/** Where the tile and the panels of a lie in the scratch; the panels of b come last. */
const rowPanelsOffset: usize = 256;
/** The longest block of k has less than 1.5 times blockTerms. */
const columnPanelsOffset: usize = rowPanelsOffset + 4 * blockRows * (blockTerms + blockTerms / 2);

/** As kernels/operations/matmul.ts numbers them. */
const enum Layout {
  NN,
  NT,
  TN,
}

/** As kernels/operations/matmul.ts numbers them. */
const enum Epilogue {
  None,
  Bias,
  BiasGelu,
  BiasResidual,
  GeluGradient,
  Accumulate,
  AccumulateBias,
}

/**
 * out = epilogue(a·b). An operand that the epilogue does not have is 0.
 *
 * out [M, N]; bias, dBias [N]; other, which is residual or pre, [M, N]
 */
export function matmul(
  layout: i32,
  epilogue: i32,
  M: i32,
  N: i32,
  K: i32,
  a: usize,
  b: usize,
  out: usize,
  bias: usize,
  other: usize,
  dBias: usize,
  part: i32,
  parts: i32,
): void {
  // The column sums of b are one more row of the output, whose row of a is ones.
  const rows = epilogue == Epilogue.AccumulateBias ? M + 1 : M;
  const rowParts = partsByRows(rows, N, parts);
  const columnParts = parts / rowParts;
  const rowPanels = (rows + tileRows - 1) / tileRows, columnPanels = (N + tileColumns - 1) / tileColumns;
  const mStart = tileRows * partStart(rowPanels, part % rowParts, rowParts);
  const mEnd = min(rows, tileRows * partStart(rowPanels, part % rowParts + 1, rowParts));
  const nStart = tileColumns * partStart(columnPanels, part / rowParts, columnParts);
  const nEnd = min(N, tileColumns * partStart(columnPanels, part / rowParts + 1, columnParts));

  const aRowStride: usize = layout == Layout.TN ? 4 : <usize> K << 2;
  const aTermStride: usize = layout == Layout.TN ? <usize> M << 2 : 4;
  const bColumnStride: usize = layout == Layout.NT ? <usize> K << 2 : 4;
  const bTermStride: usize = layout == Layout.NT ? 4 : <usize> N << 2;
  const stride = <usize> N << 2;

  const tile = scratch();
  const rowPanelsAt = tile + rowPanelsOffset, columnPanelsAt = tile + columnPanelsOffset;
  const accumulates = epilogue >= Epilogue.Accumulate;
  const biased = epilogue >= Epilogue.Bias && epilogue <= Epilogue.BiasResidual;
  const firstPass = accumulates ? Pass.Add : biased ? Pass.Bias : Pass.Set;
  // GELU's argument is kept, so the sum is made there.
  const sum = epilogue == Epilogue.BiasGelu ? other : out;

  const blocks = max(1, (K + blockTerms / 2) / blockTerms);
  for (let n0 = nStart; n0 < nEnd; n0 += blockColumns) {
    const n1 = min(nEnd, n0 + blockColumns);
    for (let block = 0; block < blocks; block++) {
      const k0 = partStart(K, block, blocks);
      const terms = partStart(K, block + 1, blocks) - k0;
      const pass = block == 0 ? firstPass : Pass.Add;
      const last = block == blocks - 1;
      packColumns(
        b + <usize> n0 * bColumnStride + <usize> k0 * bTermStride,
        bColumnStride,
        bTermStride,
        n1 - n0,
        terms,
        columnPanelsAt,
      );
      for (let m0 = mStart; m0 < mEnd; m0 += blockRows) {
        const m1 = min(mEnd, m0 + blockRows);
        packRows(
          a + <usize> m0 * aRowStride + <usize> k0 * aTermStride,
          aRowStride,
          aTermStride,
          min(m1, M) - m0,
          terms,
          rowPanelsAt,
          m1 > M ? M - m0 : -1,
        );
        let columnPanel = columnPanelsAt;
        for (let n = n0; n < n1; n += tileColumns) {
          const columns = min(n1 - n, tileColumns);
          let rowPanel = rowPanelsAt;
          for (let m = m0; m < m1; m += tileRows) {
            multiplyPanels(rowPanel, columnPanel, terms, tile);
            const offset = (<usize> m * N + n) << 2;
            const height = min(M - m, tileRows);
            passTile(pass, tile, sum + offset, bias + (<usize> n << 2), stride, height, columns);
            if (last) finishTile(epilogue, out + offset, other + offset, stride, height, columns);
            if (m + tileRows > M && dBias != 0) {
              passTile(Pass.Add, tile + 32 * (M - m), dBias + (<usize> n << 2), 0, 0, 1, columns);
            }
            rowPanel += <usize> (tileRows * terms) << 2;
          }
          columnPanel += <usize> (tileColumns * terms) << 2;
        }
      }
    }
  }
}

/** What an epilogue does to a tile of complete sums. */
// @ts-ignore: decorator
@inline
function finishTile(
  epilogue: i32,
  out: usize,
  other: usize,
  stride: usize,
  rows: i32,
  columns: i32,
): void {
  if (epilogue == Epilogue.BiasGelu) passTile(Pass.Gelu, 0, out, other, stride, rows, columns);
  if (epilogue == Epilogue.BiasResidual) passTile(Pass.Residual, 0, out, other, stride, rows, columns);
  if (epilogue == Epilogue.GeluGradient) passTile(Pass.GeluGradient, 0, out, other, stride, rows, columns);
}

/**
 * Into how many parts to cut the rows, and the columns into `parts` by that: the cut with the least work for a thread.
 * To pack a number takes about as long as eight multiply-adds.
 */
function partsByRows(rows: i32, columns: i32, parts: i32): i32 {
  let best = 1;
  let least = f64.MAX_VALUE;
  for (let rowParts = 1; rowParts <= parts; rowParts++) {
    if (parts % rowParts != 0) continue;
    const columnParts = parts / rowParts;
    const m: f64 = tileRows * Math.ceil(Math.ceil(<f64> rows / tileRows) / rowParts);
    const n: f64 = tileColumns * Math.ceil(Math.ceil(<f64> columns / tileColumns) / columnParts);
    const work = m * n + 8 * (m + n);
    if (work < least) {
      least = work;
      best = rowParts;
    }
  }
  return best;
}
