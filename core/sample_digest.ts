import { crc32c } from "./crc32c.ts";
import { fileExtension } from "./patches.ts";
import type { SampleSource } from "./sample.ts";

/**
 * A number that is another one, all but certainly, where a run would learn from other samples: files of other kinds or
 * sizes, in another order, or sources by other weights. Nothing is read. Folders count only in the names of files without
 * a dot, whose extension they are a part of; all other data may be moved.
 * @param seed what orders the samples
 * @returns u32
 */
export function sampleDigest(samples: SampleSource, seed: number): number {
  const encoder = new TextEncoder();
  let digest = 0;
  for (let i = 0; i < samples.count; i++) {
    const line = `${fileExtension(samples.name(i))} ${samples.patchCount(i, byByte)}\n`;
    digest = crc32c(encoder.encode(line), digest);
  }
  const order = samples.order?.(0, seed);
  return order === undefined ? digest : crc32c(encoder.encode(order.join(" ")), digest);
}

/** Patches of a byte, and no cut: a sample has as many as it has bytes, but for its extension and end. */
const byByte = { patchSize: 1, patchLength: Number.MAX_SAFE_INTEGER };
