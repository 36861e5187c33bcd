import { RandomStream } from "@bgpt/core";
import { folderSource, readFile } from "@bgpt/core/files";
import {
  assembleInstruction,
  cpuFile,
  encodeProgram,
  firstDeparture,
  formatStateScores,
  formatTrace,
  type Instruction,
  parseStateFile,
  predictFreeRunning,
  predictTeacherForced,
  startState,
  type StateFile,
  StateScore,
} from "@bgpt/tasks";
import { openGenerativeCheckpoint } from "../checkpoint.ts";
import { defineCommand } from "../command.ts";
import { engineOptions, openEngine } from "../engine.ts";
import { UsageError } from "../errors.ts";
import { jsonOption } from "../options.ts";
import { ProgressLine } from "../progress.ts";
import { note, print, printJson } from "../terminal.ts";

/** `bgpt simulate`: how well a model simulates the CPU. */
export default defineCommand({
  description:
    "Measures how well a model simulates the CPU on programs it never saw: bytes, whole states and whole runs right, " +
    "each state from the true one before it and running freely, beside the trivial predictor (PC + 1, the fetched " +
    "instruction, registers unchanged). With --program it runs one program in the model and shows where it departs.",
  options: {
    checkpoint: {
      kind: "path",
      placeholder: "DIR",
      required: true,
      help: "a checkpoint, or the --out folder of a run",
    },
    data: { kind: "paths", help: "state files, or folders of them, as bgpt data cpu writes" },
    program: {
      kind: "path",
      placeholder: "FILE",
      help: "one program to run: assembly text, or a state file (.bin)",
    },
    memory: {
      kind: "integer",
      placeholder: "BYTES",
      minimum: 16,
      default: 1024,
      help: "memory of an assembled program",
    },
    seed: {
      kind: "integer",
      minimum: 0,
      maximum: 0xffffffff,
      default: 0,
      help: "start registers of an assembled program",
    },
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
    {
      what: "run one program and see where the model departs",
      line: "simulate --checkpoint runs/cpu --program add.asm",
    },
  ],
  run: async (values) => {
    const { data, program, batch, json } = values;
    if ((data.length > 0) === (program !== undefined)) {
      throw new UsageError("Cannot simulate: give either --data or --program. See bgpt simulate --help");
    }
    const files = program === undefined
      ? await readStateFiles(data)
      : [await readProgram(program, values.memory, values.seed)];
    const model = await openGenerativeCheckpoint(values.checkpoint, "simulate");
    const engine = await openEngine(values);

    if (program !== undefined) {
      const [predicted] = await predictFreeRunning(engine, model, files, 1);
      engine.destroy();
      const departure = firstDeparture(files[0]!, predicted!);
      if (json) return printJson({ states: files[0]!.instructionCount, departsAtState: departure ?? null });
      return print(formatTrace(files[0]!, predicted!));
    }

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

/** Every state file below the paths; one that is none is named and left out. */
async function readStateFiles(paths: readonly string[]): Promise<StateFile[]> {
  const source = await folderSource(paths);
  const files: StateFile[] = [];
  let refused = 0;
  for (const [index, { path }] of source.files.entries()) {
    try {
      files.push(parseStateFile(await source.read(index)));
    } catch (error) {
      refused++;
      note(`Left out "${path}": ${(error as Error).message}`);
    }
  }
  if (files.length === 0) throw new Error(`Cannot simulate: none of ${refused} files holds CPU states`);
  return files;
}

async function readProgram(path: string, memoryBytes: number, seed: number): Promise<StateFile> {
  const bytes = await readFile(path);
  if (path.endsWith(".bin")) return parseStateFile(bytes);
  const program: Instruction[] = [];
  for (const [index, line] of new TextDecoder().decode(bytes).split("\n").entries()) {
    const code = line.replace(/;.*/, "").trim();
    if (code !== "") program.push(assembleInstruction(code, index + 1));
  }
  const random = new RandomStream(seed);
  const start = startState(random.below(256), Array.from({ length: 10 }, () => random.below(256)));
  return parseStateFile(cpuFile(encodeProgram(program, memoryBytes), start));
}
