/**
 * A run in the model beside the true machine, as text for people.
 * @module
 */
import { decodeInstruction, disassembleInstruction, registerNames } from "./instructions.ts";
import { stateBytes, stateOffsets } from "./machine.ts";
import type { StateFile } from "./state_file.ts";

/** How a trace is shown. */
export interface TraceOptions {
  /** How many registers are shown, 1 to 10; all by default. */
  readonly registers?: number;
  /** What is done to the text of each difference, such as to colour it; its width must stay. */
  readonly mark?: (difference: string) => string;
}

/**
 * One line for each state: the instruction in IR, then PC, ACC and registers in decimal. Where the model departs from
 * the machine the line shows `true→model`; a state that the model did not write shows as `–`.
 * @param predicted states 1.. as the model wrote them
 */
export function formatTrace(
  file: StateFile,
  predicted: Uint8Array,
  { registers = registerNames.length, mark = (difference) => difference }: TraceOptions = {},
): string {
  const names = ["PC", "ACC", ...registerNames.slice(0, registers)];
  const lines = [`state  ${"instruction".padEnd(14)}${names.map((name) => name.padStart(8)).join("")}`];
  for (let k = 0; k <= file.instructionCount; k++) {
    const truth = file.states.subarray(k * stateBytes, (k + 1) * stateBytes);
    const model = k === 0 ? truth : predicted.subarray((k - 1) * stateBytes, k * stateBytes);
    const columns = [
      stateOffsets.pc,
      stateOffsets.acc,
      ...names.slice(2).map((_, i) => stateOffsets.registers + i),
    ];
    const cells = columns.map((i) => {
      if (model.length <= i) return "–".padStart(8);
      if (model[i] === truth[i]) return String(truth[i]).padStart(8);
      const difference = `${truth[i]}→${model[i]}`;
      return mark(difference.padStart(8));
    });
    const fetched = irText(truth);
    const instruction = model.length < stateBytes || irText(model) === fetched
      ? fetched.padEnd(14)
      : mark(`${fetched} ≠`.padEnd(14));
    lines.push(`${String(k).padStart(5)}  ${instruction}${cells.join("")}`);
  }
  const departs = firstDeparture(file, predicted);
  lines.push(
    departs === undefined
      ? `The model runs the program as the machine does, all ${file.instructionCount} instructions.`
      : `The model departs from the machine in state ${departs} of ${file.instructionCount}.`,
  );
  return lines.join("\n");
}

/** The first state in which the model's run differs from the machine's, a missing or a surplus one included. */
export function firstDeparture(file: StateFile, predicted: Uint8Array): number | undefined {
  const truth = file.states.subarray(stateBytes);
  const length = Math.max(truth.length, predicted.length);
  for (let i = 0; i < length; i++) if (truth[i] !== predicted[i]) return 1 + Math.floor(i / stateBytes);
  return undefined;
}

/** State 0 has no instruction in IR yet. */
function irText(state: Uint8Array): string {
  if (state[stateOffsets.pc] === 0) return "start";
  try {
    return disassembleInstruction(decodeInstruction(state.subarray(stateOffsets.ir, stateOffsets.ir + 4)));
  } catch {
    return "invalid";
  }
}
