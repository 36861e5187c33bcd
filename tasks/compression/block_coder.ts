/**
 * Blocks to coded bytes and back, as many at once as the model predicts in step.
 * @module
 */
import { byteValues, cumulativeFrequencies } from "./frequencies.ts";
import { RangeDecoder, RangeEncoder } from "./range_coder.ts";

/** What predicts the next byte of B sequences in step; `NextByte` of `@bgpt/core` is one. */
export interface BytePredictor {
  /** B: sequences. */
  readonly sequenceCount: number;
  /** Begins all sequences anew with a patch of tokens [S]. */
  start(firstPatch: Uint16Array): void;
  /** The logits of each sequence's next byte: [B, V]. */
  next(): Promise<Float32Array>;
  /** What the bytes were: [B]. */
  push(bytes: Uint8Array): void;
}

/**
 * Codes at most B blocks.
 * @param firstPatch what every block begins with: tokens [S]
 */
export async function encodeBlocks(
  predictor: BytePredictor,
  firstPatch: Uint16Array,
  blocks: readonly Uint8Array[],
): Promise<Uint8Array[]> {
  const encoders = blocks.map(() => new RangeEncoder());
  await codeInStep(predictor, firstPatch, blocks.map(({ length }) => length), (b, step, cumulative) => {
    const byte = blocks[b]![step]!;
    encoders[b]!.encode(cumulative[byte]!, cumulative[byte + 1]! - cumulative[byte]!);
    return byte;
  });
  return encoders.map((encoder) => encoder.finish());
}

/**
 * Decodes at most B blocks; damaged ones become other bytes.
 * @param byteLengths of the blocks
 */
export async function decodeBlocks(
  predictor: BytePredictor,
  firstPatch: Uint16Array,
  coded: readonly Uint8Array[],
  byteLengths: readonly number[],
): Promise<Uint8Array[]> {
  const decoders = coded.map((bytes) => new RangeDecoder(bytes));
  const blocks = byteLengths.map((byteLength) => new Uint8Array(byteLength));
  await codeInStep(predictor, firstPatch, byteLengths, (b, step, cumulative) => {
    return blocks[b]![step] = decoders[b]!.decode(cumulative);
  });
  return blocks;
}

/** Gives `code` the frequencies of every byte, and the model the byte that it returns. */
async function codeInStep(
  predictor: BytePredictor,
  firstPatch: Uint16Array,
  byteLengths: readonly number[],
  code: (b: number, step: number, cumulative: Uint32Array) => number,
): Promise<void> {
  const cumulative = new Uint32Array(byteValues + 1);
  const bytes = new Uint8Array(predictor.sequenceCount);
  const steps = Math.max(0, ...byteLengths);
  if (steps > 0) predictor.start(firstPatch);
  for (let step = 0; step < steps; step++) {
    const logits = await predictor.next();
    const V = logits.length / predictor.sequenceCount;
    bytes.fill(0);
    for (const [b, byteLength] of byteLengths.entries()) {
      if (step >= byteLength) continue;
      cumulativeFrequencies(logits.subarray(b * V, (b + 1) * V), cumulative);
      bytes[b] = code(b, step, cumulative);
    }
    predictor.push(bytes);
  }
}
