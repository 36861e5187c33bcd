// Matrix products, as kernels/operations/matmul.ts defines them.
//
// A thread takes a rectangle of the output. Blocks of b, then of a, are packed into panels in its scratch; every tile
// of the output is a product of two panels. Where rows are few, as when generating, to pack b would take about as long
// as to multiply: it is read where it lies. A sum over k is cut into blocks by K alone, each block one chain of
// multiply-adds, the blocks added in order: an element has the same bits whatever else is computed, wherever it stands
// and whichever way it is computed.
import { multiplyRows } from "./matmul_few_rows";
import { packColumns, packRows } from "./matmul_pack";
import { multiplyPanels, Pass, passTile, tileColumns, tileRows } from "./matmul_tile";
import { partStart } from "./parts";
import { scratch } from "./scratch";

/** Terms of a block of k, about: a panel of a and one of b share the first cache (20 of 32 KiB). */
const blockTerms: i32 = 384;
/** Rows of a packed at a time. */
const blockRows: i32 = 20 * tileRows;
/** Columns of b packed at a time: with the rows they stay in the second cache (0.9 of 1 MiB). */
const blockColumns: i32 = 64 * tileColumns;

// At N = 768 and K = 256 on one thread of an AMD EPYC (Zen 4, Deno 2.9.6, 2026-11-23) 1 row takes 18 µs, packed 67;
// 4 take 43, packed 67; 16 take 163, packed 186. Where b comes from memory (3072 by 768) 1 to 4 take 0.7 of the time
// or less, and 16 take 0.85.
/** Up to so many rows are not packed either. */
const fewRows: i32 = 2;
/** Up to so many rows are multiplied with b as it lies, if its columns lie side by side. */
const someRows: i32 = 4 * tileRows;

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
  const few = layout != Layout.TN && rows <= fewRows;
  const packed = !few && (layout == Layout.NT || rows > someRows);
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

  const rowPanelsAt = scratch() + rowPanelsOffset, columnPanelsAt = scratch() + columnPanelsOffset;
  // GELU's argument is kept, so the sum is made there.
  const sum = epilogue == Epilogue.BiasGelu ? other : out;
  const finish = lastPass(epilogue);
  const blocks = termBlocks(K);
  for (let n0 = nStart; n0 < nEnd; n0 += blockColumns) {
    const n1 = min(nEnd, n0 + blockColumns);
    for (let block = 0; block < blocks; block++) {
      const k0 = partStart(K, block, blocks);
      const terms = partStart(K, block + 1, blocks) - k0;
      const pass = block == 0 ? firstPass(epilogue) : Pass.Add;
      const bBlock = b + <usize> n0 * bColumnStride + <usize> k0 * bTermStride;
      if (packed) packColumns(bBlock, bColumnStride, bTermStride, n1 - n0, terms, columnPanelsAt);
      for (let m0 = mStart; m0 < mEnd; m0 += blockRows) {
        const m1 = min(mEnd, m0 + blockRows);
        const aBlock = a + <usize> m0 * aRowStride + <usize> k0 * aTermStride;
        const offset = (<usize> m0 * N + n0) << 2, column = <usize> n0 << 2;
        const sumBlock = sum + offset, biasBlock = bias + column;
        if (few) {
          const tiles = rowPanelsAt, panel = columnPanelsAt;
          multiplyRows(M, n1 - n0, terms, aBlock, aRowStride, bBlock, bColumnStride, bTermStride, tiles, panel);
          passTiles(pass, tiles, sumBlock, biasBlock, stride, M, n1 - n0);
        } else {
          const onesRow = M - m0;
          packRows(aBlock, aRowStride, aTermStride, min(m1 - m0, onesRow), terms, rowPanelsAt, m1 > M ? onesRow : -1);
          multiplyBlock(
            m1 - m0,
            n1 - n0,
            terms,
            packed ? columnPanelsAt : bBlock,
            packed ? 4 * tileColumns : bTermStride,
            packed,
            pass,
            sumBlock,
            stride,
            biasBlock,
            onesRow,
            dBias + column,
          );
        }
        // A whole block at a time, so that long rows are read where tiles would touch short pieces of many.
        if (finish >= 0 && block == blocks - 1) {
          passTile(finish, 0, out + offset, other + offset, stride, m1 - m0, n1 - n0);
        }
      }
    }
  }
}

/** Into how many blocks a sum of K terms is cut. */
export function termBlocks(K: i32): i32 {
  return max(1, (K + blockTerms / 2) / blockTerms);
}

/** Passes tiles on that stand behind one another, of all rows and eight columns each. */
function passTiles(pass: Pass, tiles: usize, out: usize, bias: usize, stride: usize, rows: i32, columns: i32): void {
  for (let n = 0; n < columns; n += tileColumns) {
    const column = <usize> n << 2;
    passTile(pass, tiles, out + column, bias + column, stride, rows, min(columns - n, tileColumns));
    tiles += <usize> rows * (4 * tileColumns);
  }
}

/**
 * Multiplies the packed rows and passes every tile on to `out`, the block's first element.
 * @param b, bStride the columns, and bytes from one term to the next
 * @param packed whether they are in panels; if not, the last few columns still have to be
 * @param onesRow the row that goes to `dBias` instead, if it is in the block
 */
function multiplyBlock(
  rows: i32,
  columns: i32,
  terms: i32,
  b: usize,
  bStride: usize,
  packed: bool,
  pass: Pass,
  out: usize,
  stride: usize,
  bias: usize,
  onesRow: i32,
  dBias: usize,
): void {
  const tile = scratch();
  for (let n = 0; n < columns; n += tileColumns) {
    const width = min(columns - n, tileColumns);
    const column = <usize> n << 2;
    if (!packed && width < tileColumns) {
      const panel = tile + columnPanelsOffset;
      packColumns(b, 4, bStride, width, terms, panel);
      b = panel;
      bStride = 4 * tileColumns;
    }
    let rowPanel = tile + rowPanelsOffset;
    for (let m = 0; m < rows; m += tileRows) {
      multiplyPanels(rowPanel, b, bStride, terms, tile);
      const height = min(min(rows, onesRow) - m, tileRows);
      passTile(pass, tile, out + <usize> m * stride + column, bias + column, stride, height, width);
      if (onesRow < min(rows, m + tileRows)) {
        passTile(Pass.Add, tile + 4 * tileColumns * (onesRow - m), dBias + column, 0, 0, 1, width);
      }
      rowPanel += <usize> (tileRows * terms) << 2;
    }
    b += packed ? <usize> (tileColumns * terms) << 2 : 4 * tileColumns;
  }
}

/** What becomes of the products of the first block of k; those of the others are added. */
function firstPass(epilogue: i32): Pass {
  if (epilogue >= Epilogue.Accumulate) return Pass.Add;
  return epilogue >= Epilogue.Bias && epilogue <= Epilogue.BiasResidual ? Pass.Bias : Pass.Set;
}

/** What is done with complete sums; −1 for nothing. */
function lastPass(epilogue: i32): i32 {
  if (epilogue == Epilogue.BiasGelu) return Pass.Gelu;
  if (epilogue == Epilogue.BiasResidual) return Pass.Residual;
  return epilogue == Epilogue.GeluGradient ? Pass.GeluGradient : -1;
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
