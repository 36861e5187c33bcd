/**
 * A run of the simulated CPU as a table: what each instruction changed, and where the model departs.
 * @module
 */
import {
  decodeInstruction,
  disassembleInstruction,
  registerNames,
  stateBytes,
  type StateFile,
  stateOffsets,
} from "@bgpt/tasks";
import { create } from "./dom.ts";

const columns: readonly (readonly [name: string, offset: number])[] = [
  ["PC", stateOffsets.pc],
  ["ACC", stateOffsets.acc],
  ...Array.from(registerNames, (name, i) => [name, stateOffsets.registers + i] as const),
];

/**
 * One row for each state, in decimal: what the instruction before changed stands out, and where the model departs the
 * cell is `machine→model`; a state that the model did not write shows as `–`.
 * @param predicted states 1.. as the model wrote them, where there is a model
 */
export function traceTable(file: StateFile, predicted?: Uint8Array): HTMLElement {
  const table = create("table", headRow());
  table.className = "trace";
  for (let k = 0; k <= file.instructionCount; k++) {
    const truth = stateAt(file.states, k);
    const before = k === 0 ? truth : stateAt(file.states, k - 1);
    const model = k === 0 || predicted === undefined ? truth : stateAt(predicted, k - 1);
    const instruction = create("td", k === 0 ? "start" : instructionOf(truth));
    const fetches = model.length === stateBytes && irOf(model).every((byte, i) => byte === irOf(truth)[i]);
    mark(instruction, "departs", !fetches);
    const cells = columns.map(([name, i]) => {
      const departs = model[i] !== truth[i];
      const cell = create("td", departs ? `${truth[i]}→${model[i] ?? "–"}` : `${truth[i]}`);
      mark(cell, "departs", departs);
      mark(cell, "changed", name !== "PC" && truth[i] !== before[i]);
      return cell;
    });
    const number = create("th", `${k}`);
    number.scope = "row";
    table.append(create("tr", number, instruction, ...cells));
  }
  const scroll = create("div", table);
  scroll.className = "scroll";
  return scroll;
}

function headRow(): HTMLElement {
  const cells = ["State", "Instruction", ...columns.map(([name]) => name)].map((name) => {
    const cell = create("th", name);
    cell.scope = "col";
    return cell;
  });
  return create("thead", create("tr", ...cells));
}

function stateAt(states: Uint8Array, k: number): Uint8Array {
  return states.subarray(k * stateBytes, (k + 1) * stateBytes);
}

function irOf(state: Uint8Array): Uint8Array {
  return state.subarray(stateOffsets.ir, stateOffsets.registers);
}

function instructionOf(state: Uint8Array): string {
  return disassembleInstruction(decodeInstruction(irOf(state)));
}

function mark(cell: HTMLElement, name: string, marked: boolean): void {
  if (marked) cell.classList.add(name);
}
