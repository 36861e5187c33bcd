/** What attention and its gradient are tested on: files in a strip, and operands that belong together. */
import {
  attention,
  attentionBackward,
  type AttentionShape,
  encodeStep,
  type Engine,
  ReferenceEngine,
} from "@bgpt/kernels";
import {
  compareWithReference,
  finiteDifferences,
  randomFloats,
  randomIntegers,
  runKernel,
  type Values,
} from "./compare.ts";

const reference = new ReferenceEngine();
/** With dropout. */
export const step: Uint32Array = encodeStep({ dropoutSeed: 11, dropoutRate: 0.3 });

/** `fileStart` of files of 1 to `longest` patches back to back; the last `padding` patches belong to none. */
export function packFiles(P: number, longest: number, padding: number, seed: number): Uint32Array {
  const sizes = randomIntegers(P, seed, longest);
  const fileStart = Uint32Array.from({ length: P }, (_, p) => p);
  for (let start = 0, file = 0; start < P - padding; file++) {
    const end = Math.min(P - padding, start + 1 + sizes[file]!);
    fileStart.fill(start, start, end);
    start = end;
  }
  return fileStart;
}

/** Operands of both kernels; `out` and `logSumExp` are those of the forward pass. Scores reach a few units. */
export async function operandsFor(
  shape: AttentionShape,
  fileStart: Uint32Array,
  seed: number,
): Promise<Values> {
  const { P, H, D } = shape;
  const forward = { step, fileStart, qkv: randomFloats(P * 3 * H * D, seed, 2) };
  const { out, logSumExp } = await runKernel(reference, attention, shape, forward);
  return { ...forward, out: out!, logSumExp: logSumExp!, dOut: randomFloats(P * H * D, seed + 1) };
}

/** Both kernels on the engine and on the reference. */
export async function compareBoth(
  engine: Engine,
  shape: AttentionShape,
  fileStart: Uint32Array,
  seed: number,
): Promise<void> {
  const inputs = await operandsFor(shape, fileStart, seed);
  await compareWithReference(engine, attention, shape, inputs);
  await compareWithReference(engine, attentionBackward, shape, inputs);
}

/** dQkv of the reference, and the same by finite differences, of a strip of 11 patches, 2 heads and 4 channels. */
export function backwardAndSlope(
  choice: Pick<AttentionShape, "dropout" | "window" | "globalHeads">,
): { readonly actual: Float64Array; readonly expected: Float64Array } {
  const shape = { P: 11, H: 2, D: 4, stream: 6, ...choice };
  const f64 = (length: number, seed: number) => Float64Array.from(randomFloats(length, seed, 1.5));
  const inputs = {
    step,
    fileStart: Uint32Array.of(0, 0, 0, 0, 4, 5, 5, 5, 5, 5, 10),
    qkv: f64(11 * 24, 1),
    dOut: f64(11 * 8, 2),
  };
  const results = {
    out: new Float64Array(88),
    logSumExp: new Float64Array(22),
    delta: new Float64Array(22),
    dQkv: new Float64Array(264),
  };
  attention.reference(shape, { ...inputs, ...results });
  attentionBackward.reference(shape, { ...inputs, ...results });
  const expected = finiteDifferences(attention, shape, inputs, {
    operand: "qkv",
    output: "out",
    weights: inputs.dOut,
    indices: Array.from({ length: 264 }, (_, i) => i),
  });
  return { actual: results.dQkv, expected };
}
