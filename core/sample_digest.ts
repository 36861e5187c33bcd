import type { Config } from "./config.ts";
import { crc32c } from "./crc32c.ts";
import { fileExtension } from "./patches.ts";
import type { SampleSource } from "./sample.ts";

/**
 * A number that is another one, all but certainly, where a run would learn from other samples: files of other kinds or
 * sizes, in another order, or sources by other weights. Folders do not count, so data may be moved. Nothing is read.
 * @param config whose patches the sizes are counted in, and whose seed orders the samples
 * @returns u32
 */
export function sampleDigest(samples: SampleSource, config: Config): number {
  const encoder = new TextEncoder();
  const uncut = { ...config, patchLength: Number.MAX_SAFE_INTEGER };
  let digest = 0;
  for (let i = 0; i < samples.count; i++) {
    const line = `${fileExtension(samples.name(i))} ${samples.patchCount(i, uncut)}\n`;
    digest = crc32c(encoder.encode(line), digest);
  }
  const order = samples.order?.(0, config.seed);
  return order === undefined ? digest : crc32c(encoder.encode(order.join(" ")), digest);
}
