/**
 * What forward and backward share: the sizes of a plan, the inputs of a batch, and what one pass leaves for the other.
 * @module
 */
import { type PlanBuilder, stepLength, type Tensor } from "@bgpt/kernels";
import { headSize, type ModelConfig } from "./config.ts";
import { byteChannels, type ParameterTable, parameterTable } from "./parameters.ts";
import { vocabularySize } from "./vocabulary.ts";

/** Sizes of a plan by shape letter, and the model's parameters in it. */
export interface Model {
  /** The sizes by their names. */
  readonly config: ModelConfig;
  /** Where each parameter lies. */
  readonly table: ParameterTable;
  /** Patches that the strip holds. */
  readonly P: number;
  /** Bytes of a patch. */
  readonly S: number;
  /** Patch length: rows of the patch level's position table. */
  readonly L: number;
  /** Channels of the patch level. */
  readonly C: number;
  /** Channels of the byte level. */
  readonly byteC: number;
  /** Channels of a head. */
  readonly D: number;
  /** Vocabulary: bytes and the end id. */
  readonly V: number;
  /** Whether activations pass through dropout. */
  readonly dropout: boolean;
  /** Patches of the longer strip that strips are parts of, whose dropout masks they get; absent: their own. */
  readonly maskPatches?: number;
  /** The flat storage of all parameters. */
  readonly parameters: Tensor; // [storageLength]
  /** One parameter by its published name. */
  parameter(name: string): Tensor;
  /** The numbers that change each step. */
  readonly step: Tensor; // u32 [stepLength]
}

/** Declares the parameters in a plan. */
export function declareModel(
  plan: PlanBuilder,
  config: ModelConfig,
  options: {
    readonly patchCapacity: number;
    readonly dropout: boolean;
    readonly maskPatches?: number;
    readonly classCount?: number;
  },
): Model {
  const table = parameterTable(config, options.classCount);
  const parameters = plan.tensor("parameters", [table.storageLength], "parameter");
  const windows = declareWindows(plan, table, parameters, "");
  return {
    config,
    table,
    P: options.patchCapacity,
    S: config.patchSize,
    L: config.patchLength,
    C: config.hidden,
    byteC: byteChannels(config),
    D: headSize,
    V: vocabularySize,
    dropout: options.dropout,
    ...(options.maskPatches !== undefined && { maskPatches: options.maskPatches }),
    parameters,
    parameter: (name) => windows.get(name)!,
    step: plan.tensor("step", [stepLength], "input", "u32"),
  };
}

/**
 * What makes a dropout mask that of the longer strip, where there is one.
 * @param count counters of a patch
 */
export function maskStride({ maskPatches }: Model, count: number): { maskStride?: number } {
  return maskPatches === undefined ? {} : { maskStride: count };
}

/** One window on a flat storage for every parameter, named with a prefix (`d` for gradients). */
export function declareWindows(
  plan: PlanBuilder,
  table: ParameterTable,
  storage: Tensor,
  prefix: string,
): ReadonlyMap<string, Tensor> {
  return new Map(table.parameters.map(({ name, offset, shape, transposed }) => {
    const stored = transposed ? [...shape].reverse() : shape;
    return [name, plan.window(`${prefix}${name}`, storage, offset, stored)];
  }));
}

/** A strip as tensors of the plan. */
export interface BatchInputs {
  /** Tokens of the patches. */
  readonly patches: Tensor; // u32 [P, S]
  /** First patch of each patch's file. */
  readonly fileStart: Tensor; // u32 [P]
  /** Tokens to be predicted: the next patch of each. */
  readonly nextPatches: Tensor; // u32 [P, S]
  /** First byte row of each byte row's file, where bytes see those of patches before. */
  readonly byteFileStart?: Tensor; // u32 [P · S]
  /** Weight of each predicted byte in the loss. */
  readonly lossWeights: Tensor; // [P, S]
}

/** Declares the inputs of a strip. */
export function declareInputs(plan: PlanBuilder, { P, S, config }: Model): BatchInputs {
  return {
    patches: plan.tensor("patches", [P, S], "input", "u32"),
    fileStart: plan.tensor("fileStart", [P], "input", "u32"),
    nextPatches: plan.tensor("nextPatches", [P, S], "input", "u32"),
    ...(config.byteWindow && { byteFileStart: plan.tensor("byteFileStart", [P * S], "input", "u32") }),
    lossWeights: plan.tensor("lossWeights", [P, S], "input"),
  };
}

/** Attention of one level: over the patches of a file, or over the bytes of a patch. */
export interface Attention {
  /** Causal attention; `stream` is the random stream of its dropout. */
  forward(qkv: Tensor, out: Tensor, label: string, stream: number): void;
  /** The gradient of what `forward` computed under the same label. */
  backward(qkv: Tensor, out: Tensor, dOut: Tensor, dQkv: Tensor, label: string, stream: number): void;
}

/** Plans out = epilogue(a·b), with b as the layout has it (`matmul`) and the operands that the epilogue takes. */
export type Multiply = (
  layout: "NN" | "NT",
  epilogue: "none" | "bias" | "biasGelu" | "biasResidual",
  operands: {
    readonly a: Tensor;
    readonly b: Tensor;
    readonly bias?: Tensor;
    readonly residual?: Tensor;
    readonly pre?: Tensor;
    readonly out: Tensor;
  },
  label: string,
) => void;

/** One of the two stacks. */
export interface Level {
  /** What the names of its tensors begin with. */
  readonly name: "patch" | "byte" | "lastPatch" | "nextByte";
  /** Prefix of its parameters' names. */
  readonly stack: string;
  /** Rows of its activations: a patch each, or a byte each; of what is cached, one for each sequence. */
  readonly R: number;
  /** Channels. */
  readonly C: number;
  /** Blocks. */
  readonly layers: number;
  /** What attends to what. */
  readonly attention: Attention;
  /** How its rows are multiplied with weights. */
  readonly multiply: Multiply;
  /** First of its dropout streams; each block uses three, the embedding one. */
  readonly stream: number;
}

/** What a LayerNorm leaves for its gradient. */
export interface Normalised {
  /** Before. */
  readonly x: Tensor; // [R, C]
  /** After. */
  readonly y: Tensor; // [R, C]
  /** Mean of each row. */
  readonly mean: Tensor; // [R]
  /** Reciprocal standard deviation of each row. */
  readonly rstd: Tensor; // [R]
}

/** What a block leaves for its gradient. */
export interface BlockActivations {
  /** The norm before attention. */
  readonly norm1: Normalised;
  /** Queries, keys and values. */
  readonly qkv: Tensor; // [R, 3C]
  /** What attention made of them. */
  readonly attended: Tensor; // [R, C]
  /** The norm before the inner network. */
  readonly norm2: Normalised;
  /** Before GELU. */
  readonly preGelu: Tensor; // [R, 4C]
  /** After GELU. */
  readonly inner: Tensor; // [R, 4C]
}

/** What the byte level leaves for its gradient. */
export interface ByteActivations extends StackActivations {
  /** Over the bytes of the next patch. */
  readonly logits: Tensor; // [N · S, V]
  /** The vectors of all bytes that the convolution adds, where there is one. */
  readonly vectors?: Normalised; // [V, C]
}

/** What a stack leaves for its gradient; the last norm's `y` is its output. */
export interface StackActivations {
  /** Which stack. */
  readonly level: Level;
  /** Of each block, the first one first. */
  readonly blocks: readonly BlockActivations[];
  /** The norm behind the last block. */
  readonly finalNorm: Normalised;
}
