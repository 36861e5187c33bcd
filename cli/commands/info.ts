import { tableOf } from "@bgpt/core";
import { openCheckpoint } from "../checkpoint.ts";
import { defineCommand } from "../command.ts";
import { jsonOption } from "../options.ts";
import { print, printJson } from "../terminal.ts";
import { formatCount } from "../units.ts";

/** `bgpt info`: what a checkpoint holds. */
export default defineCommand({
  description: "Shows what a checkpoint holds: sizes, parameters, how it was trained and how far.",
  positionals: { checkpoint: { placeholder: "DIR", help: "a checkpoint, or the --out folder of a run" } },
  options: {
    tensors: { kind: "flag", help: "list every parameter with its shape" },
    json: jsonOption,
  },
  examples: [
    { what: "the newest checkpoint of a run", line: "info runs/a" },
    { what: "its parameters by their published names", line: "info runs/a --tensors" },
  ],
  run: async ({ checkpoint: path, tensors, json }) => {
    const checkpoint = await openCheckpoint(path);
    const { model, labels, config, run } = checkpoint;
    const { parameters, parameterCount } = tableOf(checkpoint);
    const listed = parameters.map(({ name, shape }) => ({ name, shape }));
    if (json) {
      return printJson({
        parameterCount,
        model,
        ...(labels && { labels }),
        ...(config && { config }),
        ...(run && { run }),
        ...(tensors && { tensors: listed }),
      });
    }
    const rows: [string, unknown][] = [
      ["parameters", formatCount(parameterCount, "parameter")],
      // A classifier has no byte level, whatever its configuration says of one.
      ...Object.entries(model).filter(([key]) => labels === undefined || !key.startsWith("byte")),
      ...Object.entries(config ?? {}).filter(([key]) => !(key in model)),
      ...(run === undefined
        ? []
        : [["step", run.step], ["epoch", run.position.epoch]] as [string, unknown][]),
      ...(run?.best === undefined
        ? []
        : [["best loss", `${run.best.lossNats} nats at step ${run.best.step}`]] as [string, unknown][]),
      ...(run?.best?.accuracy === undefined
        ? []
        : [["best accuracy", run.best.accuracy]] as [string, unknown][]),
      ...(labels === undefined ? [] : [["classes", labels.join(", ")]] as [string, unknown][]),
    ];
    for (const [name, value] of rows) print(`${name.padEnd(18)}${value}`);
    if (tensors) { for (const { name, shape } of listed) print(`${name}  [${shape.join(", ")}]`); }
  },
});
