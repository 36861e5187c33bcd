import { type Checkpoint, type Config, configFields, modelConfig, optionalFields, tableOf } from "@bgpt/core";
import { type Conversion, parseConversion } from "@bgpt/tasks";
import { directionsIn, figuresTable, markdownTable } from "./card_figures.ts";
import { shellLine } from "./shell_line.ts";
import { formatCount } from "./units.ts";

/** What a model card is made of. */
export interface ModelCard {
  readonly title: string;
  readonly checkpoint: Checkpoint;
  /** An SPDX identifier, where one was given. */
  readonly license?: string;
  /** What `bgpt eval --json` wrote. */
  readonly evaluation?: Readonly<Record<string, unknown>>;
}

/**
 * The model card of a checkpoint as Markdown with the front matter that model hubs read: what it is, its sizes, how it was
 * trained, what it was measured at and how it is used.
 */
export function modelCard({ title, checkpoint, license, evaluation }: ModelCard): string {
  const { model, labels, config, run } = checkpoint;
  const { tag, purpose, lines } = purposeOf(labels, conversionOf(checkpoint, evaluation));
  const tags = ["bgpt", "byte-model", tag];
  const front = [
    "---",
    ...(license === undefined ? [] : [`license: ${license}`]),
    "library_name: bgpt",
    `tags: [${tags.join(", ")}]`,
    "---",
  ];
  const sizes = Object.entries(modelConfig(model))
    // A classifier has no byte level, whatever its configuration says of one.
    .filter(([key]) => labels === undefined || !key.startsWith("byte"))
    .map(([key, value]) => [key, value, configFields[key as keyof typeof configFields].meaning] as const);
  const unpublished = sizes.map(([key]) => key).filter((key) => optionalFields.includes(key as keyof Config));
  return [
    ...front,
    "",
    `# ${title}`,
    "",
    `A hierarchical byte model (bGPT, arXiv 2402.19155) of ${
      formatCount(tableOf(checkpoint).parameterCount, "parameter")
    }: ${purpose}.`,
    "",
    "## Use",
    "",
    "```sh",
    ...lines,
    "```",
    "",
    "The tensors in `model.safetensors` have the names of the published program's state dict." +
    (unpublished.length === 0
      ? ""
      : ` The architecture is not the published one: ${
        unpublished.map((key) => `\`${key}\``).join(" and ")
      } below say how, and other programs cannot run it.`),
    "",
    "## Sizes",
    "",
    markdownTable(["field", "value", "meaning"], sizes),
    ...(labels === undefined ? [] : ["", "## Classes", "", labels.map((label) => `\`${label}\``).join(", ")]),
    "",
    "## Training",
    "",
    ...trainingLines(config, run),
    "",
    "## Evaluation",
    "",
    ...evaluationLines(run, evaluation),
    "",
  ].join("\n");
}

function trainingLines(config: Checkpoint["config"], run: Checkpoint["run"]): string[] {
  if (config === undefined) return ["Not known: the checkpoint was imported."];
  const fields = Object.entries(config).filter(([key]) => !(key in modelConfig(config)));
  return [
    run === undefined
      ? "The state of the run is not part of the checkpoint."
      : `${formatCount(run.step, "step")} on ${formatCount(run.sampleCount, "sample")}, ` +
        `${run.position.epoch} whole passes over them.`,
    "",
    markdownTable(["field", "value"], fields),
  ];
}

function evaluationLines(run: Checkpoint["run"], evaluation: ModelCard["evaluation"]): string[] {
  const lines: string[] = [];
  if (run?.best !== undefined) {
    const { step, lossNats, accuracy } = run.best;
    lines.push(
      `Best held-out loss while training: ${lossNats.toFixed(4)} nats` +
        (accuracy === undefined
          ? ` (${(lossNats / Math.LN2).toFixed(4)} bits per byte as published)`
          : `, accuracy ${(100 * accuracy).toFixed(2)} %`) +
        `, at step ${step}.`,
    );
  }
  const figures = evaluation && figuresTable(evaluation);
  if (figures !== undefined) lines.push("", figures);
  return lines.length > 0 ? lines : ["Not measured."];
}

/** What a checkpoint's model converts: its run says so, or else what it was measured at, in one direction or in two. */
function conversionOf({ run }: Checkpoint, evaluation: ModelCard["evaluation"]): Conversion | undefined {
  const [measured, back] = directionsIn(evaluation ?? {}).map(([name]) => name);
  const pairs = run?.sampleKind?.pairs ?? (back === undefined ? measured : measured?.replace("->", "<->"));
  try {
    return pairs === undefined ? undefined : parseConversion(pairs);
  } catch {
    return undefined; // It is named in no way that the program writes.
  }
}

/** What the model is for, and the command lines that use it. */
function purposeOf(labels: Checkpoint["labels"], conversion: Conversion | undefined) {
  if (labels !== undefined) {
    return {
      tag: "classification",
      purpose: `it tells ${formatCount(labels.length, "class", "classes")} of files apart`,
      lines: ["bgpt classify --checkpoint DIR FILES"],
    };
  }
  if (conversion === undefined) {
    return {
      tag: "generation",
      purpose: "it reads and continues files of bytes",
      lines: ["bgpt generate --checkpoint DIR --extension txt", "bgpt eval --checkpoint DIR --data FILES"],
    };
  }
  const { from, to, bothWays } = conversion;
  const convert = (to: string) => `bgpt convert --checkpoint DIR --to ${shellLine([to])} FILES`;
  const pairs = shellLine([`${from}${bothWays ? "<->" : "->"}${to}`]);
  return {
    tag: "conversion",
    purpose: `it converts .${from} files into .${to}${bothWays ? " and back" : ""}`,
    lines: [
      convert(to),
      ...(bothWays ? [convert(from)] : []),
      `bgpt eval --checkpoint DIR --data FILES --pairs ${pairs}`,
    ],
  };
}
