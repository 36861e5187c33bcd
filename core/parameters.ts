/**
 * The one ordered table of the model's parameters: names and shapes as published, where each lies in the flat storage,
 * how it starts and whether it decays. Allocation, initialisation, AdamW, checkpoints and the gradient tests follow it.
 * @module
 */
import { elementCount, ngramTableRows, windowAlignment } from "@bgpt/kernels";
import { fillByBits } from "./byte_tables.ts";
import type { ByteTables, ModelConfig } from "./config.ts";
import { RandomStream } from "./random.ts";
import { vocabularySize } from "./vocabulary.ts";

/** How a parameter starts. */
export type Initialisation =
  | { readonly kind: "zeros" }
  | { readonly kind: "ones" }
  | { readonly kind: "normal"; readonly deviation: number }
  | { readonly kind: "uniform"; readonly bound: number }
  | { readonly kind: "bytes"; readonly deviation: number };

/** One parameter. */
export interface Parameter {
  /** As in the published state dict. */
  readonly name: string;
  /** As published. */
  readonly shape: readonly number[];
  /** Whether the flat storage holds the transpose, so that a kernel's gathers are contiguous. */
  readonly transposed: boolean;
  /** How it starts. */
  readonly initialisation: Initialisation;
  /** Whether it decays where only matrices do. */
  readonly matrix: boolean;
  /** Whether training touches it: the patch decoder's own `wte` exists in checkpoints only. */
  readonly trained: boolean;
  /** First element in the flat storage. */
  readonly offset: number;
  /** Elements, without the padding to the next multiple of 64. */
  readonly length: number;
}

/** The parameters of a model in published order. */
export interface ParameterTable {
  /** One after the other, as they lie in the flat storage. */
  readonly parameters: readonly Parameter[];
  /** Elements of the flat storage, padding included. */
  readonly storageLength: number;
  /** Elements without padding, the unused one included: 110,084,352 at the published sizes. */
  readonly parameterCount: number;
}

/** Second name of the byte embedding in published checkpoints: the output head is tied to it. */
export const tiedHeadName = "byte_level_decoder.base.lm_head.weight";
/** The byte embedding, and with it the output head. */
export const byteTableName = "byte_level_decoder.base.transformer.wte.weight";
/** Prefix of the patch-level stack. */
export const patchStack = "patch_level_decoder.base.";
/** Positions of patches in their file, where they are learned. */
export const positionTableName = `${patchStack}wpe.weight`;
/** From a feature to the byte level's channels. */
export const featureProjectionName = "byte_level_decoder.feature_projection.weight";
/** What hashed byte n-grams are looked up in, the tables of all their lengths one below the other. */
export const ngramTableName = "byte_level_decoder.ngrams.weight";
/** How much of the byte at each distance, in every channel, the convolution adds. */
export const convolutionName = "byte_level_decoder.convolution.weight";
/** Prefix of the norm of the bytes' vectors that the convolution adds. */
export const convolutionNorm = "byte_level_decoder.convolution.norm";
/** Prefix of the byte-level stack. */
export const byteStack = "byte_level_decoder.base.transformer.";

/**
 * The table for a model of these sizes.
 * @param classCount K: with classes, a classifier of files stands in place of the byte-level decoder
 */
export function parameterTable(config: ModelConfig, classCount = 0): ParameterTable {
  const { patchSize: S, patchLength: L, hidden: C, patchLayers, byteLayers } = config;
  const byteC = byteChannels(config);
  const V = vocabularySize;
  const parameters: Parameter[] = [];
  let offset = 0;
  const add = (
    name: string,
    shape: number[],
    initialisation: Initialisation,
    traits: Partial<Parameter> = {},
  ) => {
    const length = elementCount(shape);
    const matrix = shape.length === 2;
    parameters.push({
      name,
      shape,
      initialisation,
      matrix,
      transposed: false,
      trained: true,
      ...traits,
      offset,
      length,
    });
    offset += Math.ceil(length / windowAlignment) * windowAlignment;
  };
  const normal: Initialisation = { kind: "normal", deviation: 0.02 };
  const bytes: Initialisation = { kind: "bytes", deviation: 0.02 };
  const zeros: Initialisation = { kind: "zeros" };
  const ones: Initialisation = { kind: "ones" };

  const addStack = (prefix: string, layers: number, C: number) => {
    // Each residual projection starts smaller, by the number of residuals of its own stack (GPT-2).
    const projection: Initialisation = { kind: "normal", deviation: 0.02 / Math.sqrt(2 * layers) };
    for (let i = 0; i < layers; i++) {
      const block = `${prefix}h.${i}.`;
      add(`${block}ln_1.weight`, [C], ones);
      add(`${block}ln_1.bias`, [C], zeros);
      add(`${block}attn.c_attn.weight`, [C, 3 * C], normal);
      add(`${block}attn.c_attn.bias`, [3 * C], zeros);
      add(`${block}attn.c_proj.weight`, [C, C], projection);
      add(`${block}attn.c_proj.bias`, [C], zeros);
      add(`${block}ln_2.weight`, [C], ones);
      add(`${block}ln_2.bias`, [C], zeros);
      add(`${block}mlp.c_fc.weight`, [C, 4 * C], normal);
      add(`${block}mlp.c_fc.bias`, [4 * C], zeros);
      add(`${block}mlp.c_proj.weight`, [4 * C, C], projection);
      add(`${block}mlp.c_proj.bias`, [C], zeros);
    }
    add(`${prefix}ln_f.weight`, [C], ones);
    add(`${prefix}ln_f.bias`, [C], zeros);
  };

  const embeddingBound = 1 / Math.sqrt(S * V);
  add("patch_level_decoder.patch_embedding.weight", [C, S * V], bytes, { transposed: true });
  add("patch_level_decoder.patch_embedding.bias", [C], { kind: "uniform", bound: embeddingBound });
  add(`${patchStack}wte.weight`, [1, C], normal, { trained: false, matrix: false });
  if (config.positions !== "rotary") add(positionTableName, [L, C], normal);
  addStack(patchStack, patchLayers, C);
  if (classCount > 0) {
    add("classifier.weight", [classCount, C], normal);
    add("classifier.bias", [classCount], { kind: "uniform", bound: 1 / Math.sqrt(C) });
  } else {
    if (projectsFeature(config)) {
      // A feature has channels of deviation 1. It stands in place of a byte, or is added to bytes' smaller vectors.
      const deviation = (config.byteWindow ? 0.02 : 1) / Math.sqrt(C);
      add(featureProjectionName, [C, byteC], { kind: "normal", deviation });
    }
    if (config.ngramRows) add(ngramTableName, [ngramTableRows(config.ngramRows), byteC], normal);
    if (config.byteConvolution) {
      add(`${convolutionNorm}.weight`, [byteC], ones);
      add(`${convolutionNorm}.bias`, [byteC], zeros);
      add(convolutionName, [config.byteConvolution, byteC], zeros);
    }
    add(byteTableName, [V, byteC], bytes);
    add(`${byteStack}wpe.weight`, [S + 1, byteC], normal);
    addStack(byteStack, byteLayers, byteC);
  }

  const parameterCount = parameters.reduce((sum, { length }) => sum + length, 0);
  return { parameters, storageLength: offset, parameterCount };
}

/** Channels of the byte level. */
export function byteChannels({ hidden, byteHidden = hidden }: ModelConfig): number {
  return byteHidden;
}

/** Whether features pass through a matrix on their way to the byte level. */
export function projectsFeature(config: ModelConfig): boolean {
  return Boolean(config.byteWindow) || byteChannels(config) !== config.hidden;
}

/**
 * Freshly initialised values of the flat storage; every parameter draws from a stream of its own.
 * @param byteTables how the tables of bytes start (byte_tables.ts)
 */
export function initialParameters(
  table: ParameterTable,
  seed: number,
  byteTables: ByteTables = "random",
): Float32Array {
  const values = new Float32Array(table.storageLength);
  for (const [index, { initialisation, offset, length, shape, transposed }] of table.parameters.entries()) {
    const random = new RandomStream(seed, initialisationStream + index);
    const own = values.subarray(offset, offset + length);
    if (initialisation.kind === "bytes" && byteTables === "bits") {
      // Published tables have bytes in rows; the patch embedding, a matrix to multiply with, has them in columns.
      fillByBits(own, shape[transposed ? 0 : 1]!, initialisation.deviation, random);
      continue;
    }
    const draw = drawer(initialisation, random);
    for (let i = 0; i < length; i++) own[i] = draw();
  }
  return values;
}

/**
 * Checks that numbers are as many as a flat storage has.
 * @param what what they are, for the error
 * @throws {RangeError} when they are not
 */
export function checkStorage(
  { storageLength }: Pick<ParameterTable, "storageLength">,
  values: Float32Array,
  what = "parameters",
): void {
  if (values.length === storageLength) return;
  throw new RangeError(
    `Cannot use ${values.length} numbers as ${what}: the model's storage has ${storageLength}. ` +
      "Give those of a checkpoint of the same sizes",
  );
}

/** First of the random streams of initialisation, one for each parameter. */
const initialisationStream = 0x1000_0000;

function drawer(initialisation: Initialisation, random: RandomStream): () => number {
  switch (initialisation.kind) {
    case "zeros":
      return () => 0;
    case "ones":
      return () => 1;
    case "normal":
    case "bytes":
      return () => initialisation.deviation * random.normal();
    case "uniform":
      return () => initialisation.bound * (2 * random.uniform() - 1);
  }
}

/**
 * Whether a parameter is a matrix that vectors are multiplied with: those of the blocks and the projection of features.
 * The tables of embeddings are none; they are read by row.
 */
export function isLinearMatrix(name: string): boolean {
  return name === featureProjectionName || /\.h\.\d+\.(attn|mlp)\.\w+\.weight$/.test(name);
}

/**
 * Weight decay of every block of 64 elements of the flat storage, as the AdamW kernel reads it: -1 for those that Muon
 * updates.
 */
export function decayBlocks(
  table: ParameterTable,
  weightDecay: number,
  decay: "matrices" | "all",
  optimizer: "adamw" | "muon" = "adamw",
): Float32Array {
  const blocks = new Float32Array(table.storageLength / windowAlignment);
  for (const { name, offset, length, matrix, trained } of table.parameters) {
    if (!trained || !(matrix || decay === "all")) continue;
    const own = optimizer === "muon" && isLinearMatrix(name) ? -1 : weightDecay;
    blocks.fill(own, offset / windowAlignment, Math.ceil((offset + length) / windowAlignment));
  }
  return blocks;
}

/** Copies between a parameter's published layout and the flat storage's, transposing where the table says so. */
export function copyParameter(
  parameter: Parameter,
  from: Float32Array,
  to: Float32Array,
  direction: "toStorage" | "toPublished",
): void {
  if (!parameter.transposed) {
    to.set(from);
    return;
  }
  const [publishedRows, publishedColumns] = parameter.shape as [number, number];
  const [rows, columns] = direction === "toStorage"
    ? [publishedRows, publishedColumns]
    : [publishedColumns, publishedRows];
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) to[c * rows + r] = from[r * columns + c]!;
  }
}
