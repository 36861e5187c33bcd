/**
 * A copy of some parameters in f16, for what reads them often: block b of 64 numbers is that of the source that
 * `blocks[b]` counts.
 *
 *   shadow[64·b + i] = source[64·blocks[b] + i]
 *
 * source [sourceLength], blocks [length / 64], shadow f16 [length]; both lengths are multiples of 64
 * @module
 */
import { divideUp, foldWidth, foldWorkgroups, type Kernel, read, wgsl, write } from "../kernel.ts";
import { windowAlignment } from "../plan.ts";
import { workgroupThreads } from "../reduction.ts";

/** Sizes of {@linkcode shadow}. */
export type ShadowShape = {
  /** Numbers of the source. */
  readonly sourceLength: number;
  /** Numbers of the shadow. */
  readonly length: number;
};

/** Numbers of a block: windows on a flat storage start at multiples of it. */
export const shadowBlock: number = windowAlignment;

/** Copies blocks of parameters and rounds them to f16. Engines that store all in f32 have no use for it. */
export const shadow: Kernel<ShadowShape, "source" | "shadow", "blocks"> = {
  name: "shadow",
  operands: ({ sourceLength, length }) => ({
    source: read(sourceLength),
    blocks: read(length / shadowBlock, "u32"),
    shadow: write(length, "f16"),
  }),
  dispatches({ length }) {
    const count = length / 4;
    const groups = divideUp(count, workgroupThreads);
    const source = wgsl`
@compute @workgroup_size(${workgroupThreads})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let i = (group.y * ${foldWidth(groups)}u + group.x) * ${workgroupThreads}u + thread;
  if (i >= ${count}u) { return; }
  let place = blocks[i / ${shadowBlock / 4}u] * ${shadowBlock / 4}u + i % ${shadowBlock / 4}u;
  shadow[i] = vec4<f16>(source[place]);
}`;
    return [{ source, workgroups: foldWorkgroups(groups), vectors: ["source", "shadow"] }];
  },
  assembly() {
    throw new RangeError("Cannot keep f16 copies of parameters on the cpu engine: it computes in f32 alone");
  },
  reference({ length }, { source, blocks, shadow }) {
    for (let i = 0; i < length; i++) {
      shadow[i] = Math.f16round(
        source[blocks[Math.floor(i / shadowBlock)]! * shadowBlock + i % shadowBlock]!,
      );
    }
  },
  cost: ({ length }) => ({ flops: 0, bytes: 6 * length + length / 16 }),
  tolerance: { absolute: 0, relative: 0, reason: "one rounding to f16, to the nearest" },
};
