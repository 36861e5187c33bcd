/**
 * The sizes at which PyTorch was measured, too (`../shared/bench/README.md`), and `medium` between them: the peer's of
 * that name has 8+2 layers, so it is none to compare with.
 */
import { type Config, packStrip, presets, type Strip } from "@bgpt/core";
import { randomUint32 } from "@bgpt/kernels";

/** A model's sizes, with the files of full length that a step computes. */
export interface BenchSize {
  readonly config: Config;
  readonly batch: number;
}

/** What a size is called. */
export type SizeName = "tiny" | "small" | "medium" | "official";

/** By name. */
export const benchSizes: Readonly<Record<SizeName, BenchSize>> = {
  tiny: { config: presets.tiny, batch: 4 },
  small: { config: presets.small, batch: 4 },
  medium: {
    config: { ...presets.small, hidden: 512, patchLayers: 8, byteLayers: 3, patchLength: 256 },
    batch: 4,
  },
  official: { config: presets.base, batch: 1 },
};

/** `--size`. */
export const sizeOption = {
  kind: "choice",
  choices: ["tiny", "small", "medium", "official"],
  default: "tiny",
  help: "128 channels, 2+1 layers, 4 x 64 patches; 256, 4+2, 4 x 128; 512, 8+3, 4 x 256; 768, 12+3, 1 x 512",
} as const;

/** A strip of files of full length whose bytes are random. */
export function randomStrip({ patchLength, patchSize }: Config, batch: number): Strip {
  const length = patchLength * patchSize;
  const files = Array.from(
    { length: batch },
    (_, file) => Uint16Array.from({ length }, (_, i) => randomUint32(i, file, 0) % 256),
  );
  return packStrip(files.map((tokens) => ({ tokens })), batch * patchLength, patchSize);
}
