/**
 * Products of a few rows with a matrix that was packed for it: what generation spends its time on.
 *
 *   packPanels      panels[n / 32, k, n % 32] = b[k, n] (layout NN) or b[n, k] (NT); zeros beyond N
 *   packedProduct   out = epilogue(a·b), the epilogues as in matmul.ts
 *
 * A row meets every weight once, so the time is that of reading them. A panel is read from its first byte to its last,
 * where the columns of a matrix as it lies are short pieces far apart: 62 instead of 38 to 47 GB/s for a core (AMD EPYC,
 * Zen 4, Deno 2.9.6, weights in its third cache, 2026-11-23). The price is a second copy of the weights.
 *
 * On a GPU a workgroup takes a panel and a row: 8 vectors of columns by 32 shares of the terms.
 *
 * a [M, K], b [K, N] or [N, K], panels [⌈N / 32⌉, K, 32], bias [N], residual, out [M, N]
 * @module
 */
import { divideUp, foldWidth, foldWorkgroups, type Kernel, read, wgsl, write } from "../kernel.ts";
import { reductionWgsl } from "../reduction.ts";
import { gelu, geluWgsl } from "./gelu.ts";
import type { MatmulEpilogue } from "./matmul.ts";

/** Columns of a panel. */
const panelColumns = 32;

/** Sizes and variant of {@linkcode packedProduct}. */
export type PackedProductShape = {
  /** Rows. */
  readonly M: number;
  /** Columns of b. */
  readonly N: number;
  /** Terms of a sum. */
  readonly K: number;
  /** What is done with the product. */
  readonly epilogue: Extract<MatmulEpilogue, "none" | "bias" | "biasGelu" | "biasResidual">;
};

/** Numbers in the panels of b. */
export function panelLength(N: number, K: number): number {
  return divideUp(N, panelColumns) * panelColumns * K;
}

/** Packs b into panels. */
export const packPanels: Kernel<
  { readonly layout: "NN" | "NT"; readonly N: number; readonly K: number },
  "b" | "panels"
> = {
  name: "packPanels",
  operands: ({ N, K }) => ({ b: read(N * K), panels: write(panelLength(N, K)) }),
  dispatches({ layout, N, K }) {
    const groups = divideUp(panelLength(N, K), 256);
    const source = wgsl`
@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * ${foldWidth(groups)}u + group.x) * 256u + lane;
  if (i >= ${panelLength(N, K)}u) { return; }
  let n = i / ${panelColumns * K}u * ${panelColumns}u + i % ${panelColumns}u;
  let k = i / ${panelColumns}u % ${K}u;
  var value = 0.0;
  if (n < ${N}u) { value = b[${layout === "NN" ? `k * ${N}u + n` : `n * ${K}u + k`}]; }
  panels[i] = panelsElement(value);
}`;
    return [{ source, workgroups: foldWorkgroups(groups) }];
  },
  assembly: ({ layout, N, K }) => [{
    function: "packPanels",
    arguments: layout === "NN" ? ["b", 4, 4 * N, "panels", N, K] : ["b", 4 * K, 4, "panels", N, K],
  }],
  reference({ layout, N, K }, { b, panels }) {
    panels.fill(0);
    for (let n = 0; n < N; n++) {
      for (let k = 0; k < K; k++) panels[panelPlace(n, k, K)] = b[layout === "NN" ? k * N + n : n * K + k]!;
    }
  },
  cost: ({ N, K }) => ({ flops: 0, bytes: 4 * (N * K + panelLength(N, K)) }),
  tolerance: { absolute: 0, relative: 0, reason: "a copy is exact" },
  halves: ["panels"],
};

/** out = epilogue(a·b), b in panels. */
export const packedProduct: Kernel<PackedProductShape, "a" | "panels" | "bias" | "residual" | "out"> = {
  name: "packedProduct",
  operands: ({ M, N, K, epilogue }) => ({
    a: read(M * K),
    panels: read(panelLength(N, K)),
    ...(epilogue !== "none" ? { bias: read(N) } : {}),
    ...(epilogue === "biasResidual" ? { residual: read(M * N) } : {}),
    out: write(M * N),
  }),
  dispatches({ M, N, K, epilogue }, device) {
    const panelCount = divideUp(N, panelColumns);
    const groups = M * panelCount;
    const results = {
      none: "sum",
      bias: "sum + bias[n]",
      biasGelu: "gelu(sum + bias[n])",
      biasResidual: "residual[i] + (sum + bias[n])",
    };
    const source = wgsl`
${epilogue === "biasGelu" ? geluWgsl("f32") : ""}
${reductionWgsl("sumOf", "vec4f", 32, "+", device, 8)}
@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let index = group.y * ${foldWidth(groups)}u + group.x;
  if (index >= ${groups}u) { return; }
  let m = index / ${panelCount}u;
  let panel = index % ${panelCount}u;
  var own = vec4f();
  for (var k = lane / 8u; k < ${K}u; k += 32u) {
    own = fma(vec4f(a[m * ${K}u + k]), vec4f(panels[(panel * ${K}u + k) * 8u + lane % 8u]), own);
  }
  own = sumOf(own, lane);
  let n = panel * ${panelColumns}u + lane % 8u * 4u + lane / 8u;
  if (lane < ${panelColumns}u && n < ${N}u) {
    let sum = own[lane / 8u];
    let i = m * ${N}u + n;
    out[i] = ${results[epilogue]};
  }
}`;
    return [{ source, workgroups: foldWorkgroups(groups), vectors: ["panels"] }];
  },
  assembly: ({ M, N, K, epilogue }) => [{
    function: "packedProduct",
    arguments: [
      "a",
      "panels",
      epilogue === "none" ? null : "bias",
      epilogue === "biasResidual" ? "residual" : null,
      Number(epilogue === "biasGelu"),
      "out",
      M,
      N,
      K,
    ],
  }],
  reference({ M, N, K, epilogue }, { a, panels, bias, residual, out }) {
    for (let m = 0; m < M; m++) {
      for (let n = 0; n < N; n++) {
        let sum = epilogue === "none" ? 0 : bias[n]!;
        for (let k = 0; k < K; k++) sum += a[m * K + k]! * panels[panelPlace(n, k, K)]!;
        if (epilogue === "biasGelu") sum = gelu(sum);
        if (epilogue === "biasResidual") sum += residual[m * N + n]!;
        out[m * N + n] = sum;
      }
    }
  },
  cost: ({ M, N, K }) => ({ flops: 2 * M * N * K, bytes: 4 * (M * K + N * K + M * N) }),
  tolerance: {
    absolute: 1e-5,
    relative: 2e-6,
    reason: "as matmul's: K additions in f32; stated for K up to 1000",
  },
  halves: ["panels"],
};

/** Where b's element for column n and term k stands in the panels. */
function panelPlace(n: number, k: number, K: number): number {
  return (Math.floor(n / panelColumns) * K + k) * panelColumns + n % panelColumns;
}
