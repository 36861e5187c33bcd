import { defineCommand } from "../command.ts";
import { presetNames } from "../config_options.ts";
import { examine } from "../doctor/examination.ts";
import { reportTrainingStep } from "../doctor/plan_report.ts";
import { printDoctorReport, printPlanReport } from "../doctor/print_report.ts";
import { jsonOption } from "../options.ts";
import { printJson } from "../terminal.ts";
import { webGpuOptions } from "../webgpu_provider.ts";

/** `bgpt doctor`: what this machine can compute, how fast, and what stands in the way. */
export default defineCommand({
  description:
    "Tells what this machine can compute: the WebGPU adapter, its features and limits, whether kernels compute right on " +
    "it and how fast, the memory that each preset takes, and known problems with what to do. With --plan it lists the " +
    "kernel calls of a training step instead, and computes nothing.",
  options: {
    plan: { kind: "flag", help: "list the kernel calls of a training step with what each costs" },
    preset: {
      kind: "choice",
      choices: presetNames,
      help: "one preset only (with --plan: tiny when not given)",
    },
    batch: {
      kind: "integer",
      minimum: 1,
      maximum: 65536,
      help: "files of full length (default: the preset's)",
    },
    ...webGpuOptions,
    json: jsonOption,
  },
  examples: [
    { what: "the machine, the adapter and what fits", line: "doctor" },
    { what: "what a training step of the published size consists of", line: "doctor --plan --preset base" },
  ],
  run: async ({ plan, preset, batch, json, ...webGpuChoice }) => {
    if (plan) {
      const report = reportTrainingStep(preset ?? "tiny", batch);
      return json ? printJson({ ...report }) : printPlanReport(report);
    }
    const report = await examine({
      ...(preset && { preset }),
      ...(batch !== undefined && { batch }),
      ...webGpuChoice,
    });
    if (json) printJson({ ...report });
    else printDoctorReport(report);
    const wrong = report.engines.flatMap(({ smoke }) => smoke).filter(({ agrees }) => !agrees).map((
      { kernel },
    ) => kernel);
    if (wrong.length > 0) {
      throw new Error(`Wrong results from ${wrong.join(", ")} on this adapter. Do not train on it`);
    }
  },
});
