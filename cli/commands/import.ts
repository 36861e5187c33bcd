import {
  importTorchCheckpoint,
  readTorchCheckpoint,
  tableOf,
  type TorchCheckpoint,
  TorchCheckpointError,
} from "@bgpt/core";
import { readFile, saveCheckpoint } from "@bgpt/core/files";
import { defineCommand } from "../command.ts";
import { jsonOption } from "../options.ts";
import { print, printJson } from "../terminal.ts";
import { formatCount } from "../units.ts";
import { checkVacant } from "../vacant_folder.ts";

/** `bgpt import`: a published checkpoint becomes one of this project's. */
export default defineCommand({
  description:
    "Turns a checkpoint of the published program (weights-*.pth) into a checkpoint folder. Nothing in the file is " +
    "run: anything but tensors and plain values is refused by name.",
  positionals: { file: { placeholder: "FILE.pth", help: "the published checkpoint" } },
  options: {
    out: { kind: "path", placeholder: "DIR", required: true, help: "the checkpoint folder to write" },
    json: jsonOption,
  },
  examples: [{ what: "the published image model", line: "import weights-image.pth --out models/image" }],
  run: async ({ file, out, json }) => {
    const bytes = await readFile(file);
    checkVacant(out, "import");
    const checkpoint = importTorchCheckpoint(readNamed(bytes, file), `"${file}"`);
    await saveCheckpoint(out, checkpoint);
    const { parameterCount } = tableOf(checkpoint);
    const { model, labels } = checkpoint;
    if (json) return printJson({ out, parameters: parameterCount, ...model, ...(labels && { labels }) });
    const classes = labels === undefined ? "" : ` and ${formatCount(labels.length, "class", "classes")}`;
    print(`Imported ${formatCount(parameterCount, "parameter")}${classes} to ${out}`);
  },
});

function readNamed(bytes: Uint8Array, path: string): TorchCheckpoint {
  try {
    return readTorchCheckpoint(bytes);
  } catch (error) {
    if (!(error instanceof TorchCheckpointError)) throw error;
    throw new Error(error.message.replace("PyTorch checkpoint", `PyTorch checkpoint "${path}"`), {
      cause: error,
    });
  }
}
