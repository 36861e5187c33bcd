/**
 * The mean of a file's patches: what a classifier sees of a file.
 *
 *   mean[b]  = 1 / patchCount[b] · Σ x[firstPatch[b] + i],  i < patchCount[b]
 *   dx[p]    = dMean[fileOf[p]] / patchCount[fileOf[p]]
 *
 * A slot without patches has mean 0. Patches in no file have fileOf ≥ B, and gradient 0.
 *
 * x, dx [P, C]; mean, dMean [B, C]; firstPatch, patchCount u32 [B]; fileOf u32 [P]
 * @module
 */
import { divideUp, foldWidth, foldWorkgroups, type Kernel, read, wgsl, write } from "../kernel.ts";

/** Sizes of {@linkcode fileMean} and its backward pass. */
export type FileMeanShape = {
  /** Patches of the strip. */
  readonly P: number;
  /** Channels. */
  readonly C: number;
  /** Files that the strip has room for. */
  readonly B: number;
};

/** Columns of a workgroup; its 256 threads are four lanes of patches by these. */
const columns = 64;
/** Patches of a lane that are summed before they join its total, so that no chain of additions grows long. */
const chunk = 64;

/** mean[b] = the mean of the file's rows of x. */
export const fileMean: Kernel<FileMeanShape, "x" | "mean", "firstPatch" | "patchCount"> = {
  name: "fileMean",
  operands: ({ P, C, B }) => ({
    x: read(P * C),
    firstPatch: read(B, "u32"),
    patchCount: read(B, "u32"),
    mean: write(B * C),
  }),
  dispatches({ C, B }) {
    const blocks = divideUp(C, columns);
    const source = wgsl`
var<workgroup> partial: array<f32, 256>;
@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let index = group.y * ${foldWidth(B * blocks)}u + group.x;
  if (index >= ${B * blocks}u) { return; }
  let file = index / ${blocks}u;
  let column = (index % ${blocks}u) * ${columns}u + lane % ${columns}u;
  let count = patchCount[file];
  var total = 0.0;
  if (column < ${C}u) {
    for (var first = lane / ${columns}u; first < count; first += ${4 * chunk}u) {
      var sum = 0.0;
      for (var i = first; i < min(first + ${4 * chunk}u, count); i += 4u) {
        sum += x[(firstPatch[file] + i) * ${C}u + column];
      }
      total += sum;
    }
  }
  partial[lane] = total;
  workgroupBarrier();
  if (lane < ${columns}u && column < ${C}u) {
    let sum = (partial[lane] + partial[lane + ${columns}u]) +
      (partial[lane + ${2 * columns}u] + partial[lane + ${3 * columns}u]);
    mean[file * ${C}u + column] = sum / f32(max(count, 1u));
  }
}`;
    return [{ source, workgroups: foldWorkgroups(B * blocks) }];
  },
  assembly: ({ C, B }) => [{
    function: "fileMean",
    arguments: ["x", "firstPatch", "patchCount", "mean", C, B],
  }],
  reference({ C, B }, { x, firstPatch, patchCount, mean }) {
    mean.fill(0);
    for (let b = 0; b < B; b++) {
      for (let i = 0; i < patchCount[b]!; i++) {
        const row = (firstPatch[b]! + i) * C;
        for (let c = 0; c < C; c++) mean[b * C + c]! += x[row + c]! / patchCount[b]!;
      }
    }
  },
  cost: ({ P, C, B }) => ({ flops: P * C, bytes: 4 * (P * C + B * C + 2 * B) }),
  tolerance: {
    absolute: 1e-6,
    relative: 1e-6,
    reason: "f32 additions in chains of at most 64 for files up to 4,096 patches, and one division",
  },
};

/** dx[p] = the gradient of the file's mean over its patches. */
export const fileMeanBackward: Kernel<FileMeanShape, "dMean" | "dx", "fileOf" | "patchCount"> = {
  name: "fileMean.backward",
  operands: ({ P, C, B }) => ({
    dMean: read(B * C),
    fileOf: read(P, "u32"),
    patchCount: read(B, "u32"),
    dx: write(P * C),
  }),
  dispatches({ P, C, B }) {
    const groups = divideUp(P * C, 256);
    const source = wgsl`
@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * ${foldWidth(groups)}u + group.x) * 256u + lane;
  if (i >= ${P * C}u) { return; }
  let file = fileOf[i / ${C}u];
  if (file >= ${B}u) {
    dx[i] = 0.0;
    return;
  }
  dx[i] = dMean[file * ${C}u + i % ${C}u] / f32(patchCount[file]);
}`;
    return [{ source, workgroups: foldWorkgroups(groups) }];
  },
  assembly: ({ P, C, B }) => [{
    function: "fileMeanBackward",
    arguments: ["dMean", "fileOf", "patchCount", "dx", P, C, B],
  }],
  reference({ P, C, B }, { dMean, fileOf, patchCount, dx }) {
    for (let p = 0; p < P; p++) {
      const file = fileOf[p]!;
      for (let c = 0; c < C; c++) dx[p * C + c] = file < B ? dMean[file * C + c]! / patchCount[file]! : 0;
    }
  },
  cost: ({ P, C, B }) => ({ flops: P * C, bytes: 4 * (P * C + B * C + P + B) }),
  tolerance: { absolute: 1e-6, relative: 1e-6, reason: "one division in f32" },
};
