/**
 * Matrix products with what stands around them in the model folded in:
 *
 *   NN   out = a·b     a [M, K], b [K, N]     a layer's forward pass
 *   NT   out = a·bᵀ    a [M, K], b [N, K]     the gradient of its input; the tied logits
 *   TN   out = aᵀ·b    a [K, M], b [K, N]     the gradient of its weight, K being the rows of the batch
 *
 * out [M, N]; bias, dBias [N]; residual, pre [M, N]; all row-major. See {@linkcode MatmulEpilogue} for what happens to
 * the product. The WGSL is in matmul_wgsl.ts, the choice of its tile in matmul_tile.ts; for tensor cores, in mixed
 * precision, in matmul_subgroup_matrix.ts and matmul_subgroup_tile.ts.
 *
 * A sum is one chain of f32 multiply-adds in the order of k, whatever the tile: a tuner's choice never changes a bit, and a
 * row's result does not depend on the other rows. Its error grows with the chain: at most 1.3e-6 of the largest output at
 * K = 1000, 4e-6 at 8192, 1.6e-5 at 131072 (lavapipe of Mesa 26.2, 2026-11-23; uniform random operands). The assembly
 * cuts the chain into blocks of about 384 terms, by K alone, and has shorter ones.
 *
 * A weight gradient has a small output and a long K, and would leave part of a large GPU idle: on a GPU its terms are divided
 * among workgroups (matmul_split.ts), by the sizes alone.
 * @module
 */
import {
  type DeviceFacts,
  type Dispatch,
  type Kernel,
  read,
  update,
  type Variant,
  write,
} from "../kernel.ts";
import { gelu, geluGradient } from "./gelu.ts";
import { splitsOf } from "./matmul_split.ts";
import { subgroupMatrixDispatch } from "./matmul_subgroup_matrix.ts";
import { likelySubgroupTiles, threadsOf } from "./matmul_subgroup_tile.ts";
import { likelyTiles, threadCount } from "./matmul_tile.ts";
import { matmulDispatch, sumParts } from "./matmul_wgsl.ts";

/**
 * What is done with the product a·b (as the layout has it):
 *
 * | epilogue | |
 * | --- | --- |
 * | `none` | out = a·b |
 * | `bias` | out = a·b + bias |
 * | `biasGelu` | pre = a·b + bias; out = gelu(pre) |
 * | `biasResidual` | out = residual + a·b + bias |
 * | `geluGradient` | out = a·b ⊙ gelu′(pre) |
 * | `accumulate` | out += a·b |
 * | `accumulateBias` | out += a·b; dBias += column sums of b; layout TN only |
 */
export type MatmulEpilogue =
  | "none"
  | "bias"
  | "biasGelu"
  | "biasResidual"
  | "geluGradient"
  | "accumulate"
  | "accumulateBias";

/** Sizes and variant of {@linkcode matmul}. */
export type MatmulShape = {
  readonly layout: "NN" | "NT" | "TN";
  readonly M: number;
  readonly N: number;
  readonly K: number;
  readonly epilogue: MatmulEpilogue;
};

/** Operands of {@linkcode matmul} in 32-bit floating point. */
export type MatmulOperand = "a" | "b" | "out" | "bias" | "residual" | "pre" | "dBias";

/** How the assembly numbers layouts and epilogues. */
const assemblyLayouts: readonly MatmulShape["layout"][] = ["NN", "NT", "TN"];
const assemblyEpilogues: readonly MatmulEpilogue[] = [
  "none",
  "bias",
  "biasGelu",
  "biasResidual",
  "geluGradient",
  "accumulate",
  "accumulateBias",
];

/** out = epilogue(a·b). */
export const matmul: Kernel<MatmulShape, MatmulOperand> = {
  name: "matmul",
  operands({ layout, M, N, K, epilogue }) {
    if (epilogue === "accumulateBias" && layout !== "TN") {
      throw new RangeError(
        `Cannot plan a matmul of layout ${layout} with "accumulateBias": it needs layout TN`,
      );
    }
    const [biased, accumulates] = [epilogue.startsWith("bias"), epilogue.startsWith("accumulate")];
    return {
      a: read(M * K),
      b: read(K * N),
      out: accumulates ? update(M * N) : write(M * N),
      ...(biased ? { bias: read(N) } : {}),
      ...(epilogue === "biasResidual" ? { residual: read(M * N) } : {}),
      ...(epilogue === "biasGelu" ? { pre: write(M * N) } : {}),
      ...(epilogue === "geluGradient" ? { pre: read(M * N) } : {}),
      ...(epilogue === "accumulateBias" ? { dBias: update(N) } : {}),
    };
  },
  dispatches: (shape, device) => variantsOf(shape, device)[0]!.dispatches(),
  variants: (shape, device) => variantsOf(shape, device),
  assembly(shape) {
    const { layout, M, N, K, epilogue } = shape;
    const operands = matmul.operands(shape);
    const given = (name: MatmulOperand) => operands[name] === undefined ? null : name;
    const variant = [assemblyLayouts.indexOf(layout), assemblyEpilogues.indexOf(epilogue)];
    const other = epilogue === "biasResidual" ? "residual" : given("pre");
    return [{
      function: "matmul",
      arguments: [...variant, M, N, K, "a", "b", "out", given("bias"), other, given("dBias")],
    }];
  },
  reference(shape, t) {
    const { M, N, K, epilogue } = shape;
    const sum = epilogue === "biasGelu" ? t.pre : t.out;
    for (let m = 0; m < M; m++) {
      const row = sum.subarray(m * N, (m + 1) * N);
      if (epilogue === "none" || epilogue === "geluGradient") row.fill(0);
      else if (epilogue.startsWith("bias")) row.set(t.bias);
    }
    addProduct(shape, t.a, t.b, sum);
    if (epilogue === "biasGelu") { for (let i = 0; i < M * N; i++) t.out[i] = gelu(t.pre[i]!); }
    if (epilogue === "biasResidual") { for (let i = 0; i < M * N; i++) t.out[i]! += t.residual[i]!; }
    if (epilogue === "geluGradient") { for (let i = 0; i < M * N; i++) t.out[i]! *= geluGradient(t.pre[i]!); }
    if (epilogue === "accumulateBias") {
      for (let k = 0; k < K; k++) {
        for (let n = 0; n < N; n++) t.dBias[n]! += t.b[k * N + n]!;
      }
    }
  },
  cost({ M, N, K, epilogue }) {
    // How often [M, N] is touched: written, and read or written once more.
    const touches = epilogue === "none" || epilogue === "bias" ? 1 : 2;
    return { flops: 2 * M * N * K, bytes: 4 * (M * K + K * N + touches * M * N) };
  },
  tolerance: {
    absolute: 1e-5,
    relative: 2e-6,
    reason:
      "K additions in f32, one after the other; stated for K up to 1000, beyond that it grows (see above)",
  },
  halves: ["a", "b", "out", "pre"],
};

/** A variant for each tile that may be the fastest: on tensor cores where the device has them. */
function variantsOf(
  shape: MatmulShape,
  { subgroupMatrix, halves = new Set() }: DeviceFacts = {},
): readonly Variant[] {
  const { M, N, epilogue } = shape;
  const splits = splitsOf(shape);
  const variant = (tile: object, product: () => Dispatch): Variant => ({
    name: Object.values(tile).join(" "),
    dispatches: () => splits === 1 ? [product()] : [product(), sumParts(shape, splits)],
  });
  // Threads add up b's columns in lanes of rows, so that their sums' bits depend on how many lanes there are.
  const sameLanes = <T extends { readonly columns: number }>(
    tiles: readonly T[],
    threads: (tile: T) => number,
  ) => {
    const lanes = (tile: T) => threads(tile) / tile.columns;
    return epilogue === "accumulateBias" ? tiles.filter((tile) => lanes(tile) === lanes(tiles[0]!)) : tiles;
  };
  const onMatrices = subgroupMatrix === undefined ? [] : sameLanes(
    likelySubgroupTiles(shape, subgroupMatrix, splits, halves),
    (tile) => threadsOf(tile, subgroupMatrix),
  ).map((tile) => variant(tile, () => subgroupMatrixDispatch(shape, tile, subgroupMatrix, splits)));
  if (onMatrices.length > 0) return onMatrices;
  return sameLanes(likelyTiles(M, N, splits), threadCount)
    .map((tile) => variant(tile, () => matmulDispatch(shape, tile, splits)));
}

/** sum += a·b in the order of the layout; blocks of both operands stay in the cache. */
function addProduct(shape: MatmulShape, a: Float64Array, b: Float64Array, sum: Float64Array): void {
  const { layout, M, N, K } = shape;
  if (layout === "NT") return addRowProducts(M, N, K, a, b, sum);
  const [rowStride, termStride] = layout === "NN" ? [K, 1] : [1, M];
  const terms = 64;
  const columns = 512;
  for (let n0 = 0; n0 < N; n0 += columns) {
    for (let k0 = 0; k0 < K; k0 += terms) {
      const [n1, k1] = [Math.min(n0 + columns, N), Math.min(k0 + terms, K)];
      for (let m = 0; m < M; m++) {
        let k = k0;
        // Four rows of b at a time, so that the row of the sum is read and written a quarter as often.
        for (; k + 4 <= k1; k += 4) {
          const i = m * rowStride + k * termStride;
          const [a0, a1, a2, a3] = [
            a[i]!,
            a[i + termStride]!,
            a[i + 2 * termStride]!,
            a[i + 3 * termStride]!,
          ];
          const [b0, b1, b2, b3] = [k * N, (k + 1) * N, (k + 2) * N, (k + 3) * N];
          for (let n = n0; n < n1; n++) {
            sum[m * N + n]! += a0 * b[b0 + n]! + a1 * b[b1 + n]! + a2 * b[b2 + n]! + a3 * b[b3 + n]!;
          }
        }
        for (; k < k1; k++) {
          const a0 = a[m * rowStride + k * termStride]!;
          for (let n = n0; n < n1; n++) sum[m * N + n]! += a0 * b[k * N + n]!;
        }
      }
    }
  }
}

/** sum += a·bᵀ: every sum is a product of two rows; four rows of b at a time, in blocks that stay in the cache. */
function addRowProducts(
  M: number,
  N: number,
  K: number,
  a: Float64Array,
  b: Float64Array,
  sum: Float64Array,
): void {
  const rows = 32;
  for (let n0 = 0; n0 < N; n0 += rows) {
    const n1 = Math.min(n0 + rows, N);
    for (let m = 0; m < M; m++) {
      let n = n0;
      for (; n + 4 <= n1; n += 4) {
        let [s0, s1, s2, s3] = [0, 0, 0, 0];
        const [b0, b1, b2, b3] = [n * K, (n + 1) * K, (n + 2) * K, (n + 3) * K];
        for (let k = 0; k < K; k++) {
          const x = a[m * K + k]!;
          s0 += x * b[b0 + k]!;
          s1 += x * b[b1 + k]!;
          s2 += x * b[b2 + k]!;
          s3 += x * b[b3 + k]!;
        }
        sum[m * N + n]! += s0;
        sum[m * N + n + 1]! += s1;
        sum[m * N + n + 2]! += s2;
        sum[m * N + n + 3]! += s3;
      }
      for (; n < n1; n++) {
        let s = 0;
        for (let k = 0; k < K; k++) s += a[m * K + k]! * b[n * K + k]!;
        sum[m * N + n]! += s;
      }
    }
  }
}
