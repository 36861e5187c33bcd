/**
 * A program of the simulated CPU: in the true machine, and beside it in the model.
 * @module
 */
import { RandomStream } from "@bgpt/core";
import {
  assembleProgram,
  cpuFile,
  encodeProgram,
  firstDeparture,
  parseStateFile,
  predictFreeRunning,
  registerNames,
  startState,
  type StateFile,
} from "@bgpt/tasks";
import { formatCount } from "../cli/units.ts";
import { field, find } from "./dom.ts";
import { Panel } from "./panel.ts";
import type { Session } from "./session.ts";
import { traceTable } from "./trace_table.ts";

/** Makes the panel work. */
export function cpuPanel(session: Session): void {
  const withoutModel =
    "The machine runs without a model. With a checkpoint that was trained on CPU states, the " +
    "model's run is shown beside it.";
  const panel: Panel = new Panel(session, "simulate", run, withoutModel);
  const { form, result } = panel;

  async function run(): Promise<void> {
    result.hidden = true;
    const file = assembled(form);
    result.replaceChildren(traceTable(file));
    result.hidden = false;
    panel.say(`The machine stops after ${formatCount(file.instructionCount, "instruction")}.`);
    if (session.obstacle !== undefined) return;
    await session.compute(async (engine, { checkpoint }) => {
      panel.say("Running it in the model…");
      const [predicted] = await predictFreeRunning(engine, checkpoint, [file], 1);
      result.replaceChildren(traceTable(file, predicted));
      const departure = firstDeparture(file, predicted!);
      panel.say(
        departure === undefined
          ? `The model runs the program as the machine does, all ${file.instructionCount} instructions.`
          : `The model departs from the machine in state ${departure} of ${file.instructionCount}: machine→model.`,
      );
    });
  }
}

/** @throws {SyntaxError} when the text is no program */
function assembled(form: HTMLFormElement): StateFile {
  const text = find("textarea", HTMLTextAreaElement, form).value;
  const random = new RandomStream(field(form, "seed").valueAsNumber);
  const start = startState(random.below(256), Array.from(registerNames, () => random.below(256)));
  return parseStateFile(
    cpuFile(encodeProgram(assembleProgram(text), field(form, "memory").valueAsNumber), start),
  );
}
