import { type Checkpoint, type Config, configFields, modelConfig, optionalFields, tableOf } from "@bgpt/core";
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

/** Names of the figures of an evaluation in words; others keep their name. */
const figureNames: Readonly<Record<string, string>> = {
  files: "files",
  patches: "patches",
  bytes: "bytes predicted",
  lossNats: "mean loss (nats)",
  bpb: "bits per byte, as published",
  bpbBytes: "bits per real byte",
  accuracy: "accuracy",
  macroF1: "macro F1",
};

/**
 * The model card of a checkpoint as Markdown with the front matter that model hubs read: what it is, its sizes, how it was
 * trained, what it was measured at and how it is used.
 */
export function modelCard({ title, checkpoint, license, evaluation }: ModelCard): string {
  const { model, labels, config, run } = checkpoint;
  const tags = ["bgpt", "byte-model", labels === undefined ? "generation" : "classification"];
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
    }` +
    (labels === undefined
      ? ": it reads and continues files of bytes."
      : `: it tells ${formatCount(labels.length, "class", "classes")} of files apart.`),
    "",
    "## Use",
    "",
    "```sh",
    ...(labels === undefined
      ? ["bgpt generate --checkpoint DIR --extension txt", "bgpt eval --checkpoint DIR --data FILES"]
      : ["bgpt classify --checkpoint DIR FILES"]),
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
    table(["field", "value", "meaning"], sizes),
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
    table(["field", "value"], fields),
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
  const figures = Object.entries(evaluation ?? {}).filter(([, value]) => typeof value === "number");
  if (figures.length > 0) {
    const rows = figures.map(([key, value]) => [figureNames[key] ?? key, rounded(value as number)]);
    lines.push("", table(["figure", "value"], rows));
  }
  return lines.length > 0 ? lines : ["Not measured."];
}

function rounded(value: number): string {
  return Number.isInteger(value) ? value.toLocaleString("en") : value.toFixed(4);
}

function table(columns: readonly string[], rows: readonly (readonly unknown[])[]): string {
  const line = (cells: readonly unknown[]) => `| ${cells.join(" | ")} |`;
  return [line(columns), line(columns.map(() => "---")), ...rows.map(line)].join("\n");
}
