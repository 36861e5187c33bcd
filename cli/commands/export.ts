import { encodeCheckpoint } from "@bgpt/core";
import { writeFolderAtomically } from "@bgpt/core/files";
import { basename, resolve } from "@std/path";
import { openCheckpoint } from "../checkpoint.ts";
import { defineCommand } from "../command.ts";
import { modelCard } from "../model_card.ts";
import { jsonOption } from "../options.ts";
import { print, printJson } from "../terminal.ts";
import { checkVacant } from "../vacant_folder.ts";

/** `bgpt export`: a checkpoint becomes a folder to upload. */
export default defineCommand({
  description:
    "Writes a folder that is ready to upload to a model hub: model.safetensors with the published names, config.json, " +
    "and a model card filled from the run and from an evaluation. Without the optimizer: a run cannot go on from it, " +
    "but train --init can start from it.",
  positionals: { checkpoint: { placeholder: "DIR", help: "a checkpoint, or the --out folder of a run" } },
  options: {
    out: { kind: "path", placeholder: "DIR", required: true, help: "the folder to write" },
    evaluation: {
      kind: "path",
      placeholder: "FILE",
      help: "a record that eval --json wrote, for the model card",
    },
    title: { kind: "string", help: "title of the model card (default: the name of --out)" },
    license: { kind: "string", placeholder: "ID", help: "licence of the weights, as SPDX names it" },
    json: jsonOption,
  },
  examples: [
    {
      what: "the best checkpoint of a run",
      line: "export runs/a/checkpoints/best --out upload --license mit",
    },
    {
      what: "with figures measured on files it never saw",
      line: "export runs/a --out upload --evaluation unseen.json",
    },
  ],
  run: async ({ checkpoint: path, out, evaluation, title, license, json }) => {
    checkVacant(out, "export");
    const checkpoint = await openCheckpoint(path);
    const record = evaluation === undefined ? undefined : await readRecord(evaluation);
    const card = modelCard({
      title: title ?? basename(resolve(out)),
      checkpoint,
      ...(license !== undefined && { license }),
      ...(record && { evaluation: record }),
    });
    const { optimizer: _, run: __, ...weights } = checkpoint;
    await writeFolderAtomically(out, { ...encodeCheckpoint(weights), "README.md": card });
    const files = ["model.safetensors", "config.json", "README.md"];
    if (json) return printJson({ out, files });
    print(`Wrote ${files.join(", ")} to ${out}`);
  },
});

async function readRecord(path: string): Promise<Record<string, unknown>> {
  const refuse = (why: string): never => {
    throw new Error(`Cannot use evaluation "${path}": ${why}. Give a file that bgpt eval --json wrote`);
  };
  const text = await Deno.readTextFile(path).catch((error: Error) => refuse(error.message));
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return refuse("it is not JSON");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return refuse("it is no object");
  return value as Record<string, unknown>;
}
