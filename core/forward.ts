/**
 * The model, top to bottom like the paper's figure: patches → vectors → patch-level decoder → a feature for each patch
 * → byte-level decoder → logits over the bytes of the next patch.
 *
 * GPT-2 blocks (pre-LayerNorm, tanh-GELU, learned positions), arXiv 2402.19155 section 3. A byte reaches this file from
 * `strip.ts` as a token and leaves it as a loss; `backward.ts` is the same list upside down.
 * @module
 */
import {
  byteEmbedding,
  crossEntropy,
  dropout,
  layerNorm,
  lossSums,
  ngramEmbedding,
  patchEmbedding,
  type PlanBuilder,
  type Tensor,
} from "@bgpt/kernels";
import {
  type BatchInputs,
  type BlockActivations,
  type ByteActivations,
  type Level,
  maskStride,
  type Model,
  type Normalised,
  type StackActivations,
} from "./model.ts";
import { byteVectors, convolutionForward } from "./byte_convolution.ts";
import { byteLevel, patchLevel } from "./levels.ts";
import {
  byteStack,
  byteTableName,
  featureProjectionName,
  ngramTableName,
  positionTableName,
  projectsFeature,
} from "./parameters.ts";

/** Patches to features: row p sees the patches of its file up to p. */
export function patchForward(
  plan: PlanBuilder,
  model: Model,
  inputs: Pick<BatchInputs, "patches" | "fileStart">,
): StackActivations {
  const level = patchLevel(plan, model, inputs.fileStart);
  return stackForward(plan, model, level, embedPatches(plan, model, level, inputs));
}

/** Patches to vectors. */
function embedPatches(
  plan: PlanBuilder,
  model: Model,
  level: Level,
  inputs: Pick<BatchInputs, "patches" | "fileStart">,
): Tensor {
  const { P, S, V, C } = model;
  const embedded = plan.tensor(`${level.name}.embedded`, [P, C]);
  plan.call(patchEmbedding, { P, S, V, C, L: learnedPositions(model) }, {
    tokens: inputs.patches,
    fileStart: inputs.fileStart,
    table: model.parameter("patch_level_decoder.patch_embedding.weight"),
    bias: model.parameter("patch_level_decoder.patch_embedding.bias"),
    ...(learnedPositions(model) > 0 && { positions: model.parameter(positionTableName) }),
    x: embedded,
  }, `${level.name}.embedding`);
  return embedded;
}

/** Rows of the patch level's table of positions, 0 where it has none. */
export function learnedPositions({ config, L }: Model): number {
  return config.positions === "rotary" ? 0 : L;
}

/**
 * Features to logits: row (n, t) sees feature n in place of the first byte, and the t bytes before byte t. With a window
 * over bytes it sees the bytes before byte t, those of patches before among them, each with the feature of its patch.
 */
export function byteForward(
  plan: PlanBuilder,
  model: Model,
  feature: Tensor, // [N, C]
  inputs: Pick<BatchInputs, "patches" | "nextPatches" | "byteFileStart">,
): ByteActivations {
  const level = byteLevel(plan, model, feature.shape[0]!, inputs.byteFileStart);
  const projected = projectFeature(plan, model, level, feature);
  const embedded = embedBytes(plan, model, level, projected, inputs);
  const vectors = model.config.byteConvolution ? byteVectors(plan, model) : undefined;
  if (vectors) convolutionForward(plan, model, vectors.y, embedded, inputs);
  const activations = stackForward(plan, model, level, embedded);
  return { ...activations, logits: byteHead(plan, model, activations), ...(vectors && { vectors }) };
}

/** Features to the channels of the byte level. */
export function projectFeature(plan: PlanBuilder, model: Model, level: Level, feature: Tensor): Tensor {
  if (!projectsFeature(model.config)) return feature;
  const out = plan.tensor(`${level.name}.feature`, [feature.shape[0]!, level.C]);
  const product = { a: feature, b: model.parameter(featureProjectionName), out };
  level.multiply("NN", "none", product, `${level.name}.feature projection`);
  return out;
}

/** Features and the bytes behind them to vectors. */
function embedBytes(
  plan: PlanBuilder,
  model: Model,
  level: Level,
  feature: Tensor, // [N, C of the byte level]
  { patches, nextPatches }: Pick<BatchInputs, "patches" | "nextPatches">,
): Tensor {
  const { S, V } = model;
  const { C } = level;
  const N = feature.shape[0]!;
  const embedded = plan.tensor(`${level.name}.embedded`, [N * S, C]);
  const { shape, operands } = featurePlace(model, patches);
  plan.call(byteEmbedding, { N, S, V, C, ...shape }, {
    ...operands,
    feature,
    tokens: nextPatches,
    table: model.parameter(byteTableName),
    positions: model.parameter(`${byteStack}wpe.weight`),
    x: embedded,
  }, `${level.name}.embedding`);
  const { ngramRows: rows } = model.config;
  if (rows) {
    const table = model.parameter(ngramTableName);
    const ngrams = { tokens: nextPatches, patches, table, x: embedded };
    plan.call(ngramEmbedding, { N, S, C, rows }, ngrams, `${level.name}.ngrams`);
  }
  return embedded;
}

/** Where features stand among bytes: what the embedding of bytes, its gradient and that of generation are told of it. */
export interface FeaturePlace {
  /** Part of their shape. */
  readonly shape: { readonly feature?: "every" };
  /** The patches before the bytes, where these see them. */
  readonly operands: { readonly patches?: Tensor };
}

/** Where the model's features stand. */
export function featurePlace({ config }: Model, patches: Tensor): FeaturePlace {
  return config.byteWindow
    ? { shape: { feature: "every" }, operands: { patches } }
    : { shape: {}, operands: {} };
}

/** What the byte level made of its rows to logits. */
export function byteHead(plan: PlanBuilder, model: Model, { level, finalNorm }: StackActivations): Tensor {
  const logits = plan.tensor("logits", [level.R, model.V], "output");
  const product = { a: finalNorm.y, b: model.parameter(byteTableName), out: logits };
  level.multiply("NT", "none", product, `${level.name}.head`);
  return logits;
}

/** Logits to nats; with `gradient`, the logits become their own gradient in the same pass. */
export function lossForward(
  plan: PlanBuilder,
  model: Model,
  logits: Tensor,
  inputs: Pick<BatchInputs, "nextPatches" | "lossWeights">,
  gradient: boolean,
): { readonly lossNats: Tensor; readonly sums: Tensor } {
  const { V } = model;
  const R = logits.shape[0]!;
  const { nextPatches: targets, lossWeights: weights } = inputs;
  const lossNats = plan.tensor("lossNats", [R], "output");
  const sums = plan.tensor("lossSums", [4], "output");
  plan.call(crossEntropy, { R, V, gradient }, {
    logits,
    targets,
    weights,
    lossNats,
    ...(gradient ? { step: model.step } : {}),
  }, "loss");
  plan.call(lossSums, { R }, { lossNats, targets, weights, sums }, "loss.sums");
  return { lossNats, sums };
}

/** All blocks of a level, and the norm behind them. */
export function stackForward(
  plan: PlanBuilder,
  model: Model,
  level: Level,
  embedded: Tensor, // [R, C]
): StackActivations {
  let x = dropped(plan, model, embedded, `${level.name}.embedding`, level.stream);
  const blocks: BlockActivations[] = [];
  for (let i = 0; i < level.layers; i++) {
    const { activations, out } = blockForward(plan, model, level, i, x);
    blocks.push(activations);
    x = out;
  }
  return { level, blocks, finalNorm: normForward(plan, model, level, "ln_f", x) };
}

/** x + attention(norm(x)), then that + mlp(norm(that)). */
function blockForward(
  plan: PlanBuilder,
  model: Model,
  level: Level,
  index: number,
  x: Tensor,
): { activations: BlockActivations; out: Tensor } {
  const { R, C } = level;
  const label = `${level.name}.${index}`;
  const stream = blockStream(level, index);
  const weight = (name: string) => model.parameter(`${level.stack}h.${index}.${name}`);

  const norm1 = normForward(plan, model, level, `h.${index}.ln_1`, x);
  const qkv = plan.tensor(`${label}.qkv`, [R, 3 * C]);
  level.multiply("NN", "bias", {
    a: norm1.y,
    b: weight("attn.c_attn.weight"),
    bias: weight("attn.c_attn.bias"),
    out: qkv,
  }, `${label}.qkv`);
  const attended = plan.tensor(`${label}.attended`, [R, C]);
  level.attention.forward(qkv, attended, `${label}.attention`, stream);
  const mixed = projectForward(plan, model, level, `${label}.projection`, stream + 1, {
    a: attended,
    b: weight("attn.c_proj.weight"),
    bias: weight("attn.c_proj.bias"),
    residual: x,
  });

  const norm2 = normForward(plan, model, level, `h.${index}.ln_2`, mixed);
  const preGelu = plan.tensor(`${label}.preGelu`, [R, 4 * C]);
  const inner = plan.tensor(`${label}.inner`, [R, 4 * C]);
  level.multiply("NN", "biasGelu", {
    a: norm2.y,
    b: weight("mlp.c_fc.weight"),
    bias: weight("mlp.c_fc.bias"),
    pre: preGelu,
    out: inner,
  }, `${label}.expand`);
  const out = projectForward(plan, model, level, `${label}.contract`, stream + 2, {
    a: inner,
    b: weight("mlp.c_proj.weight"),
    bias: weight("mlp.c_proj.bias"),
    residual: mixed,
  });
  return { activations: { norm1, qkv, attended, norm2, preGelu, inner }, out };
}

/** residual + dropout(a · b + bias): one kernel where nothing is dropped. */
function projectForward(
  plan: PlanBuilder,
  model: Model,
  level: Level,
  label: string,
  stream: number,
  operands: { a: Tensor; b: Tensor; bias: Tensor; residual: Tensor },
): Tensor {
  const { residual, ...product } = operands;
  const N = product.b.shape[1]!;
  const out = plan.tensor(`${label}.sum`, [level.R, N]);
  if (!model.dropout) {
    level.multiply("NN", "biasResidual", { ...operands, out }, label);
    return out;
  }
  const projected = plan.tensor(`${label}.projected`, [level.R, N]);
  level.multiply("NN", "bias", { ...product, out: projected }, label);
  plan.call(
    dropout,
    { length: level.R * N, stream, residual: true, ...maskStride(model, level.R * N / model.P) },
    { step: model.step, x: projected, residual, y: out },
    `${label}.dropout`,
  );
  return out;
}

function normForward(plan: PlanBuilder, model: Model, level: Level, name: string, x: Tensor): Normalised {
  const { R, C } = level;
  const label = `${level.name}.${name.replace("h.", "")}`;
  // What a level computes is kept for whoever wants to read it; the rest shares memory.
  const y = plan.tensor(`${label}.y`, [R, C], name === "ln_f" ? "output" : "activation");
  const mean = plan.tensor(`${label}.mean`, [R]);
  const rstd = plan.tensor(`${label}.rstd`, [R]);
  plan.call(layerNorm, { R, C }, {
    x,
    weight: model.parameter(`${level.stack}${name}.weight`),
    bias: model.parameter(`${level.stack}${name}.bias`),
    y,
    mean,
    rstd,
  }, label);
  return { x, y, mean, rstd };
}

function dropped(plan: PlanBuilder, model: Model, x: Tensor, label: string, stream: number): Tensor {
  if (!model.dropout) return x;
  const y = plan.tensor(`${label}.dropped`, x.shape);
  plan.call(
    dropout,
    { length: x.length, stream, residual: false, ...maskStride(model, x.length / model.P) },
    { step: model.step, x, y },
    `${label}.dropout`,
  );
  return y;
}

/** First of the three dropout streams of a block: attention, projection, contraction. */
export function blockStream(level: Level, index: number): number {
  return level.stream + 1 + 3 * index;
}
