import { assertAlmostEquals, assertEquals } from "@std/assert";
import { cpuStateFile } from "../../../tasks/cpu_states/corpus.ts";
import { scoreStates } from "../../../tasks/cpu_states/score.ts";
import { parseStateFile } from "../../../tasks/cpu_states/state_file.ts";
import { trivialFreeRunning, trivialTeacherForced } from "../../../tasks/cpu_states/trivial_predictor.ts";
import { hexBytes, smallMemoryBytes, smallProgram, smallStates } from "./small_vector.ts";
import { assembleInstruction } from "../../../tasks/cpu_states/instructions.ts";
import { cpuFile } from "../../../tasks/cpu_states/machine.ts";
import { encodeProgram } from "../../../tasks/cpu_states/program.ts";

const program = smallProgram.map((line) => assembleInstruction(line));
const states = hexBytes(smallStates);
const smallFile = parseStateFile(cpuFile(encodeProgram(program, smallMemoryBytes), states.slice(0, 16)));

Deno.test("the trivial predictor knows PC and instruction, and keeps the values of the state before", () => {
  const predicted = trivialTeacherForced(smallFile);
  assertEquals(predicted.length, states.length - 16);
  for (let k = 1; k <= program.length; k++) {
    const [now, before] = [states.slice(16 * k, 16 * k + 16), states.slice(16 * k - 16, 16 * k)];
    const expected = [now[0]!, before[1]!, ...now.slice(2, 6), ...before.slice(6)];
    assertEquals([...predicted.slice(16 * k - 16, 16 * k)], expected);
  }
});

Deno.test("running freely it keeps the values of state 0 for ever", () => {
  const predicted = trivialFreeRunning(smallFile);
  assertEquals(predicted.length, states.length - 16);
  for (let k = 1; k <= program.length; k++) {
    const now = states.slice(16 * k, 16 * k + 16);
    const expected = [now[0]!, states[1]!, ...now.slice(2, 6), ...states.slice(6, 16)];
    assertEquals([...predicted.slice(16 * k - 16, 16 * k)], expected);
  }
});

Deno.test("on published programs it has the specification's 95.06 %, 25.1 % and 39.6 %", () => {
  const files = Array.from({ length: 1000 }, (_, i) => parseStateFile(cpuStateFile(i, { seed: 1 })));
  const report = scoreStates(
    files,
    files.map((file) => ({
      teacherForced: trivialTeacherForced(file),
      freeRunning: trivialFreeRunning(file),
    })),
  );
  const { teacherForced, freeRunning } = report;
  // The tolerances are about three deviations of 1,000 files.
  const { total, trivial } = teacherForced!;
  assertAlmostEquals(trivial.bytes / total.bytes, 0.9506, 0.0010);
  assertAlmostEquals(trivial.states / total.states, 0.251, 0.008);
  assertAlmostEquals(freeRunning!.trivial.bytes / freeRunning!.total.bytes, 0.396, 0.010);
});
