/**
 * Named configurations.
 * @module
 */
import { type Config, headSize, type ModelConfig, type TrainingConfig } from "./config.ts";

/**
 * What the architecture v2 changes of the published one, and how its matrices are trained: bytes see the 32 latest bytes
 * of their file with the feature of their patch on each, what their n-grams are looked up in, and the 112 latest bytes by
 * a convolution; the byte level has half the channels; positions are also told by rotation; Muon updates the matrices.
 */
export function v2Architecture(
  { hidden }: Pick<ModelConfig, "hidden">,
): Required<
  Pick<Config, "byteHidden" | "byteWindow" | "ngramRows" | "byteConvolution" | "positions" | "optimizer">
> {
  const byteHidden = headSize * Math.ceil(hidden / 2 / headSize);
  return {
    byteHidden,
    byteWindow: 32,
    ngramRows: 4096,
    byteConvolution: 112,
    positions: "both",
    optimizer: "muon",
  };
}

/** The default way to train: warm-up, cosine, clipping, decay of matrices only. */
const defaultTraining: TrainingConfig = {
  steps: 1000,
  batch: 16,
  accumulate: 1,
  learningRate: 1e-3,
  schedule: "cosine",
  warmup: 50,
  weightDecay: 0.1,
  decay: "matrices",
  beta1: 0.9,
  beta2: 0.95,
  maxGradientNorm: 1,
  dropout: 0,
  cut: "random",
  seed: 0,
  evalShare: 0.01,
  evalEvery: 250,
  saveEvery: 250,
};

/** The sizes of published architecture; `base` is the published 110-million-parameter model. */
const published: Readonly<Record<"tiny" | "small" | "base", Config>> = {
  tiny: { patchSize: 16, patchLength: 64, hidden: 128, patchLayers: 2, byteLayers: 1, ...defaultTraining },
  small: {
    patchSize: 16,
    patchLength: 128,
    hidden: 256,
    patchLayers: 4,
    byteLayers: 2,
    ...defaultTraining,
    learningRate: 6e-4,
  },
  base: {
    patchSize: 16,
    patchLength: 512,
    hidden: 768,
    patchLayers: 12,
    byteLayers: 3,
    ...defaultTraining,
    learningRate: 3e-4,
    warmup: 500,
    steps: 10000,
    evalEvery: 1000,
    saveEvery: 1000,
  },
};

/** Names of the presets. */
export type PresetName = "tiny" | "small" | "base" | "v2-tiny" | "v2-small" | "v2";

/**
 * Named configurations: `tiny`, `small` and `base` are of published architecture, `base` with the sizes of the published
 * 110-million-parameter model; `v2-tiny`, `v2-small` and `v2` are those with the architecture v2, at about eight
 * times the rate, which suits Muon: found at `tiny`, and not tried at the others.
 */
export const presets: Readonly<Record<PresetName, Config>> = {
  ...published,
  "v2-tiny": { ...published.tiny, ...v2Architecture(published.tiny), learningRate: 8e-3 },
  "v2-small": { ...published.small, ...v2Architecture(published.small), learningRate: 5e-3 },
  v2: { ...published.base, ...v2Architecture(published.base), learningRate: 2.4e-3 },
};

/** The published program's training: what `--recipe published` lays over a preset. */
export const publishedRecipe: Partial<TrainingConfig> = {
  learningRate: 1e-4,
  schedule: "constant",
  warmup: 0,
  weightDecay: 0.01,
  decay: "all",
  beta1: 0.9,
  beta2: 0.999,
  maxGradientNorm: 0,
  dropout: 0.1,
  optimizer: "adamw",
};
