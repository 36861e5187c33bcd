import { RandomStream } from "@bgpt/core";
import { readFile } from "@bgpt/core/files";
import {
  assembleProgram,
  cpuFile,
  encodeProgram,
  firstDeparture,
  formatTrace,
  type Instruction,
  instructionKind,
  parseStateFile,
  predictFreeRunning,
  registerNames,
  startState,
  stateBytes,
  type StateFile,
} from "@bgpt/tasks";
import { checkpointOption, openGenerativeCheckpoint } from "../checkpoint.ts";
import { defineCommand } from "../command.ts";
import { cpuCorpusOptions } from "../cpu_corpus.ts";
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
    registers: cpuCorpusOptions.registers,
    unusedRegistersZero: cpuCorpusOptions.unusedRegistersZero,
    ...engineOptions,
    json: jsonOption,
  },
  examples: [
    { what: "a program, and where the model departs", line: "run add.asm --checkpoint runs/cpu" },
    { what: "the same from other registers", line: "run add.asm --checkpoint runs/cpu --seed 7" },
    {
      what: "in a model that knows programs on three registers, as that of a long demo",
      line: "run add.asm --checkpoint runs/demo --memory 32 --registers 3 --unused-registers-zero",
    },
  ],
  run: async (values) => {
    const file = await readProgram(values.program, values);
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

/** How a program is assembled and started. */
interface Assembly {
  readonly memory: number;
  readonly seed: number;
  readonly registers: number;
  readonly unusedRegistersZero: boolean;
}

async function readProgram(path: string, assembly: Assembly): Promise<StateFile> {
  const bytes = await readFile(path);
  if (path.endsWith(".bin")) return parseStateFile(bytes);
  const program = assembleProgram(new TextDecoder().decode(bytes));
  const { memory, seed, registers, unusedRegistersZero } = assembly;
  checkRegisters(path, program, registers);
  const random = new RandomStream(seed);
  const acc = random.below(256);
  const values = Array.from(
    registerNames,
    (_, register) => unusedRegistersZero && register >= registers ? 0 : random.below(256),
  );
  return parseStateFile(cpuFile(encodeProgram(program, memory), startState(acc, values)));
}

/** @throws {RangeError} when a program uses a register that it is not to use */
function checkRegisters(path: string, program: readonly Instruction[], registers: number): void {
  for (const { mnemonic, operands } of program) {
    if (instructionKind(mnemonic)!.operands === "immediate") continue;
    const other = operands.find((register) => register > registers);
    if (other === undefined) continue;
    const [used, ...allowed] = [other - 1, ...Array(registers).keys()].map((i) => registerNames[i]);
    throw new RangeError(
      `Cannot run "${path}": it uses register ${used}, with --registers ${registers} it may use ` +
        `${allowed.join(", ")} alone. Use those, or say --registers ${other}`,
    );
  }
}

/** The bytes of each state; of the last fewer than 16 where the model ended in the middle of it. */
function statesOf(bytes: Uint8Array): number[][] {
  return Array.from(
    { length: Math.ceil(bytes.length / stateBytes) },
    (_, k) => [...bytes.subarray(k * stateBytes, (k + 1) * stateBytes)],
  );
}
