import { importTorchCheckpoint, parameterTable, readTorchCheckpoint } from "@bgpt/core";
import { saveCheckpoint } from "@bgpt/core/files";
import { defineCommand } from "../command.ts";
import { jsonOption } from "../options.ts";
import { print, printJson } from "../terminal.ts";
import { formatCount } from "../units.ts";

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
    const checkpoint = importTorchCheckpoint(readTorchCheckpoint(await Deno.readFile(file)), `"${file}"`);
    await saveCheckpoint(out, checkpoint);
    const { parameterCount } = parameterTable(checkpoint.model);
    if (json) return printJson({ out, parameters: parameterCount, ...checkpoint.model });
    print(`Imported ${formatCount(parameterCount, "parameter")} to ${out}`);
  },
});
