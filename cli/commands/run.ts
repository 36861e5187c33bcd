import { RandomStream } from "@bgpt/core";
import { readFile } from "@bgpt/core/files";
import {
  assembleProgram,
  cpuFile,
  encodeProgram,
  firstDeparture,
  formatTrace,
  parseStateFile,
  predictFreeRunning,
  startState,
  stateBytes,
  type StateFile,
} from "@bgpt/tasks";
import { checkpointOption, openGenerativeCheckpoint } from "../checkpoint.ts";
import { defineCommand } from "../command.ts";
import { engineOptions, openEngine } from "../engine.ts";
import { jsonOption } from "../options.ts";
import { paint, print, printJson } from "../terminal.ts";

/** `bgpt run`: a program in the model. */
export default defineCommand({
  description:
    "Runs a program of the simulated CPU in a model, and shows its states beside those of the true machine, " +
    "true→model where it departs. A program is text, an instruction a line, as ADD A B C, LOADI 17 or HLT, which ends " +
    "it; what stands behind ; is a comment.",
  positionals: {
    program: { placeholder: "PROGRAM.asm", help: "the program, or a state file (.bin) that holds one" },
  },
  options: {
    checkpoint: checkpointOption,
    memory: {
      kind: "integer",
      placeholder: "BYTES",
      minimum: 16,
      default: 1024,
      help: "memory of an assembled program, as in the files that the model was trained on",
    },
    seed: {
      kind: "integer",
      minimum: 0,
      maximum: 0xffffffff,
      default: 0,
      help: "start registers of an assembled program",
    },
    ...engineOptions,
    json: jsonOption,
  },
  examples: [
    { what: "a program, and where the model departs", line: "run add.asm --checkpoint runs/cpu" },
    { what: "the same from other registers", line: "run add.asm --checkpoint runs/cpu --seed 7" },
  ],
  run: async (values) => {
    const file = await readProgram(values.program, values.memory, values.seed);
    const checkpoint = await openGenerativeCheckpoint(values.checkpoint, "run a program");
    const engine = await openEngine(values);
    const [predicted] = await predictFreeRunning(engine, checkpoint, [file], 1);
    engine.destroy();
    if (values.json) {
      const { states, instructionCount } = file;
      return printJson({
        states: instructionCount,
        departsAtState: firstDeparture(file, predicted!) ?? null,
        start: [...states.subarray(0, stateBytes)],
        machine: statesOf(states.subarray(stateBytes)),
        model: statesOf(predicted!),
      });
    }
    print(formatTrace(file, predicted!, { mark: (difference) => paint(difference, "red", "stdout") }));
  },
});

async function readProgram(path: string, memoryBytes: number, seed: number): Promise<StateFile> {
  const bytes = await readFile(path);
  if (path.endsWith(".bin")) return parseStateFile(bytes);
  const program = assembleProgram(new TextDecoder().decode(bytes));
  const random = new RandomStream(seed);
  const start = startState(random.below(256), Array.from({ length: 10 }, () => random.below(256)));
  return parseStateFile(cpuFile(encodeProgram(program, memoryBytes), start));
}

/** The bytes of each state; of the last fewer than 16 where the model ended in the middle of it. */
function statesOf(bytes: Uint8Array): number[][] {
  return Array.from(
    { length: Math.ceil(bytes.length / stateBytes) },
    (_, k) => [...bytes.subarray(k * stateBytes, (k + 1) * stateBytes)],
  );
}
