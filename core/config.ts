/**
 * Everything a run can be told, as one flat object of typed fields: presets (`presets.ts`) are such objects, a JSON
 * config is one, and every field is a flag of the command line.
 * @module
 */
import { nearestName } from "./nearest_name.ts";
import { quotedValue } from "./quoted_value.ts";

/** Sizes of the model; they decide the shape of every parameter. */
export interface ModelConfig {
  /** S: bytes of a patch. */
  readonly patchSize: number;
  /** L: the most patches of a file that are read, the extension and end patches included. */
  readonly patchLength: number;
  /** C: channels, a multiple of 64; there is one attention head for every 64. */
  readonly hidden: number;
  /** Transformer blocks of the patch-level decoder. */
  readonly patchLayers: number;
  /** Transformer blocks of the byte-level decoder. */
  readonly byteLayers: number;
  /** Channels of the byte level, a multiple of 64; absent: those of the patch level, as published. */
  readonly byteHidden?: number;
  /**
   * Bytes that a byte of the byte level sees, those of patches before among them, with the feature of its patch added to
   * each; 0 or absent: as published the feature in place of the first byte, and the bytes of its own patch.
   */
  readonly byteWindow?: number;
  /** Heads of the byte level that see all of their file, where the others see `byteWindow` bytes; absent: 0. */
  readonly byteGlobalHeads?: number;
  /**
   * Rows of each table of hashed byte n-grams, a power of two: what the latest 2, 3 and 4 bytes of a byte are looked up
   * in is added to it (ngram_embedding.ts); absent or 0: none, as published.
   */
  readonly ngramRows?: number;
  /**
   * W: latest bytes whose vectors are added to each byte row, every channel weighted by their distance
   * (byte_convolution.ts); absent or 0: none, as published.
   */
  readonly byteConvolution?: number;
  /**
   * How a level knows where its rows stand: by a learned table, as published and where absent; by rotation of queries
   * and keys, for which the patch level has no table; or both. The byte level always has its table of the places in a
   * patch, and only with a `byteWindow` is it rotated, too.
   */
  readonly positions?: "learned" | "rotary" | "both";
}

/** How tables of bytes start: every row at random, or bytes alike that have bits in common (byte_tables.ts). */
export type ByteTables = "random" | "bits";

/** How a model is trained. */
export interface TrainingConfig {
  /** Optimizer steps in all. */
  readonly steps: number;
  /** Files of full length that a strip has room for; shorter files are packed back to back, so it often holds more. */
  readonly batch: number;
  /** Strips whose gradients are averaged for one optimizer step. */
  readonly accumulate: number;
  /** Highest learning rate. */
  readonly learningRate: number;
  /** `cosine` falls to a tenth of the rate after the warm-up; `constant` keeps it. */
  readonly schedule: "cosine" | "constant";
  /** Steps over which the rate rises from 0. */
  readonly warmup: number;
  /** How the tables of bytes, of both levels, start; absent: random, as published. */
  readonly byteTables?: ByteTables;
  /** What updates the matrices of blocks and projection; the rest, and where absent all, is AdamW's. */
  readonly optimizer?: "adamw" | "muon";
  /** Weight decay of AdamW and Muon. */
  readonly weightDecay: number;
  /** Which parameters decay: matrices and embeddings, or all of them as published. */
  readonly decay: "matrices" | "all";
  /** β₁ of AdamW. */
  readonly beta1: number;
  /** β₂ of AdamW. */
  readonly beta2: number;
  /** Largest global gradient norm; 0 for no clipping. */
  readonly maxGradientNorm: number;
  /** Probability that dropout clears an activation while training. */
  readonly dropout: number;
  /** Where a file beyond the patch length is cut: its head, or a random one of head, body and tail. */
  readonly cut: "head" | "random";
  /** Seed of initialisation, order, cuts and dropout. */
  readonly seed: number;
  /** Share of the files that is held out for evaluation where no evaluation data are given. */
  readonly evalShare: number;
  /** Steps between evaluations. */
  readonly evalEvery: number;
  /** Steps between checkpoints. */
  readonly saveEvery: number;
}

/** A complete configuration. */
export type Config = ModelConfig & TrainingConfig;

/** One field: what it means, and which values it takes. */
export interface ConfigField {
  /** Type of its value. */
  readonly kind: "integer" | "number" | "choice";
  /** What it means, in a few words. */
  readonly meaning: string;
  /** The least number it takes. */
  readonly minimum?: number;
  /** The largest number it takes. */
  readonly maximum?: number;
  /** The words it takes. */
  readonly choices?: readonly string[];
}

const integer = (meaning: string, minimum: number, maximum: number = 2 ** 31): ConfigField => ({
  kind: "integer",
  meaning,
  minimum,
  maximum,
});
const number = (meaning: string, minimum: number, maximum: number): ConfigField => ({
  kind: "number",
  meaning,
  minimum,
  maximum,
});
const choice = (meaning: string, ...choices: string[]): ConfigField => ({ kind: "choice", meaning, choices });

/** The fields in the order in which they are shown. */
export const configFields: Readonly<Record<keyof Config, ConfigField>> = {
  patchSize: integer("bytes of a patch", 1, 16),
  patchLength: integer("most patches of a file, extension and end included", 2, 65536),
  hidden: integer("channels, a multiple of 64", 64, 16384),
  patchLayers: integer("blocks of the patch-level decoder", 1, 256),
  byteLayers: integer("blocks of the byte-level decoder", 1, 256),
  byteHidden: integer(
    "channels of the byte level, a multiple of 64; else those of the patch level",
    64,
    16384,
  ),
  byteWindow: integer("bytes that the byte level sees, 0 for those of the patch alone", 0, 4096),
  byteGlobalHeads: integer("heads of the byte level that see the whole file, where it has a window", 0, 256),
  ngramRows: integer("rows of each table of hashed byte n-grams, a power of two, 0 for none", 0, 65536),
  byteConvolution: integer("bytes that are summed over with a weight for each distance, 0 for none", 0, 4096),
  positions: choice(
    "how positions are told: learned table, rotation of queries and keys",
    "learned",
    "rotary",
    "both",
  ),
  steps: integer("optimizer steps in all", 1),
  batch: integer("files of full length that a strip holds", 1, 65536),
  accumulate: integer("strips averaged for one optimizer step", 1, 65536),
  learningRate: number("highest learning rate", 0, 10),
  schedule: choice("course of the learning rate after the warm-up", "cosine", "constant"),
  warmup: integer("steps over which the learning rate rises from 0", 0),
  byteTables: choice(
    "how the tables of bytes start: at random, or alike where bytes have bits in common",
    "random",
    "bits",
  ),
  optimizer: choice(
    "what updates the matrices of blocks and projection; all else is AdamW's",
    "adamw",
    "muon",
  ),
  weightDecay: number("weight decay", 0, 10),
  decay: choice("what decays: matrices and embeddings, or everything as published", "matrices", "all"),
  beta1: number("β₁ of AdamW", 0, 0.999999),
  beta2: number("β₂ of AdamW", 0, 0.999999),
  maxGradientNorm: number("largest global gradient norm, 0 for no clipping", 0, 1e9),
  dropout: number("probability that dropout clears an activation", 0, 0.9),
  cut: choice("where a file that is too long is cut", "head", "random"),
  seed: integer("seed of initialisation, order, cuts and dropout", 0, 2 ** 32 - 1),
  evalShare: number("share of the files held out where no evaluation data are given", 0, 0.5),
  evalEvery: integer("steps between evaluations", 1),
  saveEvery: integer("steps between checkpoints", 1),
};

/**
 * Checks that a value is a part of a configuration.
 * @param source where it came from, for the error
 * @throws {TypeError} naming the nearest field for an unknown one
 * @throws {RangeError} for a value that a field cannot take
 */
export function checkConfigFields(value: unknown, source: string): Partial<Config> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new TypeError(`Cannot use ${source}: a configuration must be an object of fields`);
  }
  for (const [key, fieldValue] of Object.entries(value)) {
    const field = Object.hasOwn(configFields, key) ? configFields[key as keyof Config] : undefined;
    if (field === undefined) {
      const nearest = nearestName(key, Object.keys(configFields));
      const hint = nearest === undefined
        ? `the fields are ${Object.keys(configFields).join(", ")}`
        : `did you mean "${nearest}"?`;
      throw new TypeError(`Cannot use ${source}: there is no field ${quotedValue(key)}, ${hint}`);
    }
    checkField(key, field, fieldValue, source);
  }
  return value;
}

/**
 * Checks a complete configuration, also across fields.
 * @throws {RangeError} naming the field, its value and what is required
 */
export function checkConfig(value: unknown, source: string): Config {
  const config = checkConfigFields(value, source) as Config;
  const fields = Object.keys(configFields) as (keyof Config)[];
  requireFields(config, fields.filter((field) => !optionalFields.includes(field)), source);
  checkWidths(config, source);
  return config;
}

/**
 * Checks the sizes of a model, all of them and nothing else.
 * @throws {TypeError} for a missing or unknown field
 * @throws {RangeError} for a size that cannot be
 */
export function checkModelConfig(value: unknown, source: string): ModelConfig {
  const config = checkConfigFields(value, source);
  requireFields(config, modelFields, source);
  checkWidths(config as ModelConfig, source);
  return modelConfig(config as ModelConfig);
}

/** The sizes of the model alone. */
export function modelConfig(config: ModelConfig): ModelConfig {
  const { patchSize, patchLength, hidden, patchLayers, byteLayers } = config;
  const { byteHidden, byteWindow, byteGlobalHeads, ngramRows, byteConvolution, positions } = config;
  return {
    patchSize,
    patchLength,
    hidden,
    patchLayers,
    byteLayers,
    ...(byteHidden !== undefined && { byteHidden }),
    ...(byteWindow !== undefined && { byteWindow }),
    ...(byteGlobalHeads !== undefined && { byteGlobalHeads }),
    ...(ngramRows !== undefined && { ngramRows }),
    ...(byteConvolution !== undefined && { byteConvolution }),
    ...(positions !== undefined && { positions }),
  };
}

/** Bytes of a file that heads with all of it in sight can have: the rows of a slot that `cachedAttention` takes. */
const mostGlobalBytes = 2 ** 18;

/** D: channels of an attention head. */
export const headSize = 64;

const modelFields = ["patchSize", "patchLength", "hidden", "patchLayers", "byteLayers"] as const;
/** Fields that what was published has no word for: where they are absent, model and training are as published. */
export const optionalFields: readonly (keyof Config)[] = [
  "byteHidden",
  "byteWindow",
  "byteGlobalHeads",
  "ngramRows",
  "byteConvolution",
  "positions",
  "byteTables",
  "optimizer",
];

function requireFields(config: Partial<Config>, keys: readonly (keyof Config)[], source: string): void {
  const missing = keys.find((key) => config[key] === undefined);
  if (missing !== undefined) throw new TypeError(`Cannot use ${source}: field "${missing}" is missing`);
}

function checkWidths(config: ModelConfig, source: string): void {
  const { patchSize, patchLength, hidden, byteHidden = hidden } = config;
  const { byteWindow, byteGlobalHeads = 0, ngramRows = 0, byteConvolution = 0 } = config;
  for (const [name, width] of Object.entries({ hidden, byteHidden })) {
    if (width % headSize === 0) continue;
    throw new RangeError(
      `Cannot use ${source}: ${name} is ${width}, it must be a multiple of ${headSize} (a head has ${headSize} channels)`,
    );
  }
  const heads = byteHidden / headSize;
  if (byteGlobalHeads > 0 && (!byteWindow || byteGlobalHeads > heads)) {
    const why = byteWindow
      ? `but the byte level has ${heads} heads`
      : "which needs a byteWindow: as published all heads see the bytes of the patch alone";
    throw new RangeError(`Cannot use ${source}: byteGlobalHeads is ${byteGlobalHeads}, ${why}`);
  }
  if (byteGlobalHeads > 0 && patchLength * patchSize > mostGlobalBytes) {
    throw new RangeError(
      `Cannot use ${source}: byteGlobalHeads is ${byteGlobalHeads}, which takes files of at most ${mostGlobalBytes} bytes: ` +
        `patchLength ${patchLength} times patchSize ${patchSize} is ${patchLength * patchSize}`,
    );
  }
  const powerOfTwo = (ngramRows & (ngramRows - 1)) === 0;
  if (ngramRows > 0 && !(byteWindow && powerOfTwo)) {
    const why = powerOfTwo
      ? "which needs a byteWindow: as published bytes see none of the patch before"
      : "it must be a power of two";
    throw new RangeError(`Cannot use ${source}: ngramRows is ${ngramRows}, ${why}`);
  }
  if (ngramRows > 0 && patchSize < 2) {
    throw new RangeError(
      `Cannot use ${source}: ngramRows is ${ngramRows}, which needs a patchSize of 2 at least: it is ${patchSize}`,
    );
  }
  if (byteConvolution > 0 && !byteWindow) {
    throw new RangeError(
      `Cannot use ${source}: byteConvolution is ${byteConvolution}, which needs a byteWindow: as published bytes see none of the patch before`,
    );
  }
}

function checkField(key: string, field: ConfigField, value: unknown, source: string): void {
  const refuse = (required: string): never => {
    throw new RangeError(`Cannot use ${source}: ${key} is ${quotedValue(value)}, it must be ${required}`);
  };
  if (field.kind === "choice") {
    if (!field.choices!.includes(value as string)) refuse(`one of ${field.choices!.join(", ")}`);
    return;
  }
  if (typeof value !== "number" || !Number.isFinite(value)) return refuse("a number");
  if (field.kind === "integer" && !Number.isInteger(value)) refuse("a whole number");
  if (value < field.minimum! || value > field.maximum!) refuse(`from ${field.minimum} to ${field.maximum}`);
}
