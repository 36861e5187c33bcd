import type { ModelConfig } from "@bgpt/core";
import { folderSource } from "@bgpt/core/files";
import {
  checkPredictable,
  formatStateScores,
  parseStateFile,
  predictFreeRunning,
  predictTeacherForced,
  type StateFile,
  StateScore,
} from "@bgpt/tasks";
import { checkpointOption, openGenerativeCheckpoint } from "../checkpoint.ts";
import { defineCommand } from "../command.ts";
import { engineOptions, openEngine } from "../engine.ts";
import { jsonOption } from "../options.ts";
import { ProgressLine } from "../progress.ts";
import { note, print, printJson } from "../terminal.ts";
import { formatCount } from "../units.ts";

/** `bgpt simulate`: how well a model simulates the CPU. */
export default defineCommand({
  description:
    "Measures how well a model simulates the CPU on programs it never saw: bytes, whole states and whole runs right, " +
    "each state from the true one before it and running freely, beside the trivial predictor (PC + 1, the fetched " +
    "instruction, registers unchanged).",
  options: {
    checkpoint: checkpointOption,
    data: { kind: "paths", required: true, help: "state files, or folders of them, as bgpt data cpu writes" },
    batch: { kind: "integer", minimum: 1, default: 16, help: "files computed at a time" },
    freeRunning: {
      kind: "flag",
      negatable: true,
      default: true,
      help: "also let the model run freely, which takes longer",
    },
    ...engineOptions,
    json: jsonOption,
  },
  examples: [
    { what: "score a model on unseen programs", line: "simulate --checkpoint runs/cpu --data unseen" },
  ],
  run: async (values) => {
    const { data, batch, json } = values;
    const model = await openGenerativeCheckpoint(values.checkpoint, "simulate");
    const files = await readStateFiles(data, model.model);
    const engine = await openEngine(values);
    const score = new StateScore();
    {
      using progress = new ProgressLine("Simulating", files.length, "programs");
      for (let first = 0; first < files.length; first += batch) {
        const group = files.slice(first, first + batch);
        const teacherForced = await predictTeacherForced(engine, model, group, batch);
        const freeRunning = values.freeRunning ? await predictFreeRunning(engine, model, group, batch) : [];
        for (const [i, file] of group.entries()) {
          const ran = freeRunning[i];
          score.add(file, { teacherForced: teacherForced[i]!, ...(ran && { freeRunning: ran }) });
        }
        progress.update(first + group.length);
      }
    }
    engine.destroy();
    const report = score.report();
    if (json) return printJson({ files: files.length, ...report });
    print(formatStateScores(report));
  },
});

/** Every state file below the paths; one that is none, or that the model cannot predict, is named and left out. */
async function readStateFiles(paths: readonly string[], model: ModelConfig): Promise<StateFile[]> {
  checkPredictable(model, []);
  const source = await folderSource(paths);
  const files: StateFile[] = [];
  let refused = 0;
  for (const [index, { path }] of source.files.entries()) {
    try {
      const file = parseStateFile(await source.read(index));
      checkPredictable(model, [file]);
      files.push(file);
    } catch (error) {
      refused++;
      note(`Left out "${path}": ${(error as Error).message}`);
    }
  }
  if (files.length === 0) {
    throw new Error(
      `Cannot simulate: ${formatCount(refused, "file")} left out, and there is no other. ` +
        "Name files of CPU states that fit the model's patch length",
    );
  }
  return files;
}
