import { type Config, nearestName, presets, v2Architecture } from "@bgpt/core";
import { UsageError } from "../errors.ts";

/** What a variant changes of a configuration of published architecture. */
export interface Variant {
  /** What it is, in a few words. */
  readonly what: string;
  /** The fields that it changes. */
  readonly changes: (config: Config) => Partial<Config>;
}

/** Bytes that a byte sees in the variants with a window: those of v2. */
const { byteWindow, ngramRows, byteConvolution } = v2Architecture(presets.tiny);

/** Bytes that a byte sees in `v2-far`: as many as the convolution of v2 reaches. */
const farWindow = byteConvolution;

/** Muon's rate for one of AdamW: each did best at its own, at `tiny` on text 8e-3 and 2e-3. */
export const muonRate = 4;

/** The variants of the study by their names; the first is what the others are held against. */
export const variants: Readonly<Record<string, Variant>> = {
  base: { what: "as published", changes: () => ({}) },
  window: {
    what: `bytes see the latest ${byteWindow}, with the feature of their patch on each`,
    changes: () => ({ byteWindow }),
  },
  rotary: { what: "positions by rotation", changes: () => ({ positions: "rotary" }) },
  "window+rotary": {
    what: `window of ${byteWindow} bytes, positions by rotation`,
    changes: () => ({ byteWindow, positions: "rotary" }),
  },
  both: { what: "positions by table and rotation", changes: () => ({ positions: "both" }) },
  narrow: {
    what: "byte level of half the channels",
    changes: ({ hidden }) => ({ byteHidden: hidden / 2 }),
  },
  deep: {
    what: "byte level of one block more",
    changes: ({ byteLayers }) => ({ byteLayers: byteLayers + 1 }),
  },
  muon: {
    what: `Muon for matrices, at ${muonRate} times the rate`,
    changes: ({ learningRate }) => ({ optimizer: "muon", learningRate: muonRate * learningRate }),
  },
  v2: {
    what:
      `window of ${byteWindow} bytes, ${ngramRows} rows of n-grams, convolution of ${byteConvolution} bytes, ` +
      `byte level of half the channels, positions by table and rotation, Muon at ${muonRate} times the rate`,
    changes: v2,
  },
  "v2-attention": { what: "v2 without its convolution", changes: v2Attention },
  "v2-plain": {
    what: "v2-attention without n-grams, its byte level of all channels",
    changes: v2Plain,
  },
  "v2-wide": {
    what: "v2-attention, its byte level of all channels",
    changes: (config) => ({ ...v2Attention(config), byteHidden: config.hidden }),
  },
  "v2-far": {
    what: `v2-attention, bytes see the latest ${farWindow}`,
    changes: (config) => ({ ...v2Attention(config), byteWindow: farWindow }),
  },
  "v2-bits": {
    what: "v2-attention, its tables of bytes alike where bytes have bits in common",
    changes: (config) => ({ ...v2Attention(config), byteTables: "bits" }),
  },
  "v2-global": {
    what: "v2-plain, one head of its byte level without the window",
    changes: (config) => ({ ...v2Plain(config), byteGlobalHeads: 1 }),
  },
  "v2-plain-conv": {
    what: `v2-plain, with the convolution of ${byteConvolution} bytes`,
    changes: (config) => ({ ...v2Plain(config), byteConvolution }),
  },
  "v2-global-conv": {
    what: `v2-global, with the convolution of ${byteConvolution} bytes`,
    changes: (config) => ({ ...v2Plain(config), byteGlobalHeads: 1, byteConvolution }),
  },
};

/** v2, which bytes reach by attention and n-grams alone. */
function v2Attention(config: Config): Partial<Config> {
  return { ...v2(config), byteConvolution: 0 };
}

function v2Plain(config: Config): Partial<Config> {
  return { ...v2Attention(config), byteHidden: config.hidden, ngramRows: 0 };
}

function v2(config: Config): Partial<Config> {
  return { ...v2Architecture(config), learningRate: muonRate * config.learningRate };
}

/**
 * The variants that `--variants` names, in the order of the table; all where it names none.
 * @throws {UsageError} for an unknown one, with the nearest known one
 */
export function chosenVariants(names: readonly string[]): readonly string[] {
  const known = Object.keys(variants);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown === undefined) return known.filter((name) => names.length === 0 || names.includes(name));
  const near = nearestName(unknown, known);
  const hint = near === undefined ? `one of ${known.join(", ")} is required` : `did you mean "${near}"?`;
  throw new UsageError(`Cannot use --variants ${unknown}: there is no such variant, ${hint}`);
}
