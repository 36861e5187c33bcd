import { assertEquals, assertThrows } from "@std/assert";
import fc from "../../fast_check.ts";
import { cpuStateFile } from "../../../tasks/cpu_states/corpus.ts";
import { assembleInstruction } from "../../../tasks/cpu_states/instructions.ts";
import { cpuFile, startState } from "../../../tasks/cpu_states/machine.ts";
import { encodeProgram } from "../../../tasks/cpu_states/program.ts";
import { scoreStates, StateScore } from "../../../tasks/cpu_states/score.ts";
import { parseStateFile, type StateFile } from "../../../tasks/cpu_states/state_file.ts";
import { trivialFreeRunning, trivialTeacherForced } from "../../../tasks/cpu_states/trivial_predictor.ts";

const files = Array.from({ length: 20 }, (_, i) => parseStateFile(cpuStateFile(i, { seed: 9 })));
const truth = (file: StateFile) => file.states.slice(16);

/** States 1..4 show nothing, LOADI 5, ADD A (which adds 0), INC B; the trivial predictor misses the second and fourth. */
const program = ["LOADI 5", "ADD A", "INC B", "HLT"].map((line) => assembleInstruction(line));
const small = parseStateFile(cpuFile(encodeProgram(program, 16), startState(9, Array(10).fill(0))));

Deno.test("the truth has every byte, state and run right", () => {
  const report = scoreStates(
    files,
    files.map((file) => ({ teacherForced: truth(file), freeRunning: truth(file) })),
  );
  for (const score of [report.teacherForced!, report.freeRunning!]) {
    assertEquals(score.predicted, score.total);
    for (const tallies of Object.values(score.byInstruction)) assertEquals(tallies.predicted, tallies.total);
  }
  const stateCount = files.reduce((sum, file) => sum + file.instructionCount, 0);
  assertEquals(report.freeRunning!.total, { bytes: 16 * stateCount, states: stateCount, runs: 20 });
});

Deno.test("the trivial predictor's own predictions score as the trivial predictor", () => {
  const { teacherForced, freeRunning } = scoreStates(
    files,
    files.map((file) => ({
      teacherForced: trivialTeacherForced(file),
      freeRunning: trivialFreeRunning(file),
    })),
  );
  for (const score of [teacherForced!, freeRunning!]) {
    assertEquals(score.predicted, score.trivial);
    for (const tallies of Object.values(score.byInstruction)) {
      assertEquals(tallies.predicted, tallies.trivial);
    }
  }
});

Deno.test("a state counts for the instruction that was executed between it and the state before", () => {
  const { teacherForced, freeRunning } = scoreStates([small], [{
    teacherForced: truth(small),
    freeRunning: truth(small),
  }]);
  const shown = (trivialBytes: number, trivialStates: number) => ({
    total: { bytes: 16, states: 1 },
    predicted: { bytes: 16, states: 1 },
    trivial: { bytes: trivialBytes, states: trivialStates },
  });
  assertEquals(teacherForced!.byInstruction, {
    none: shown(16, 1),
    INC: shown(15, 0),
    LOADI: shown(15, 0),
    ADD: shown(16, 1),
  });
  assertEquals(Object.keys(teacherForced!.byInstruction), ["none", "INC", "LOADI", "ADD"]);
  assertEquals(teacherForced!.trivial, { bytes: 62, states: 2, runs: 0 });
  // Running freely, ACC stays wrong after LOADI.
  assertEquals(freeRunning!.byInstruction.ADD, shown(15, 0));
  assertEquals(freeRunning!.trivial, { bytes: 64 - 1 - 1 - 2, states: 1, runs: 0 });
});

Deno.test("one wrong byte costs one byte, one state and one run", () => {
  fc.assert(fc.property(fc.nat(), fc.integer({ min: 1, max: 255 }), (position, change) => {
    const predictions = files.map((file) => ({ freeRunning: truth(file) }));
    const last = predictions.at(-1)!.freeRunning;
    last[position % last.length]! ^= change;
    const { total, predicted } = scoreStates(files, predictions).freeRunning!;
    assertEquals(predicted, { bytes: total.bytes - 1, states: total.states - 1, runs: total.runs - 1 });
  }));
});

Deno.test("what a prediction lacks at its end is wrong, nothing else is", () => {
  const shortened = { freeRunning: truth(small).slice(0, 2 * 16 + 5) };
  const { predicted } = scoreStates([small], [shortened]).freeRunning!;
  assertEquals(predicted, { bytes: 2 * 16 + 5, states: 2, runs: 0 });
  const empty = scoreStates([small], [{ freeRunning: new Uint8Array() }]).freeRunning!;
  assertEquals(empty.predicted, { bytes: 0, states: 0, runs: 0 });
  assertEquals(empty.total, { bytes: 64, states: 4, runs: 1 });
});

Deno.test("a run that goes on beyond the last state is wrong, its states are not", () => {
  const longer = Uint8Array.from([...truth(small), ...truth(small).slice(-16)]);
  const { predicted } = scoreStates([small], [{ freeRunning: longer }]).freeRunning!;
  assertEquals(predicted, { bytes: 64, states: 4, runs: 0 });
});

Deno.test("the end of the file, 256, is wrong inside a state even where the byte is 0", () => {
  const values = Uint16Array.from(truth(small));
  assertEquals(values[15], 0);
  values[15] = 256;
  const { predicted } = scoreStates([small], [{ teacherForced: values }]).teacherForced!;
  assertEquals(predicted, { bytes: 63, states: 3, runs: 0 });
});

Deno.test("a mode that was not predicted is left out of the report", () => {
  assertEquals(Object.keys(scoreStates([small], [{ teacherForced: truth(small) }])), ["teacherForced"]);
  assertEquals(new StateScore().report(), {});
});

Deno.test("a score that accumulates is the score of all files at once, and survives JSON", () => {
  const predictions = files.map((file) => ({
    teacherForced: trivialTeacherForced(file),
    freeRunning: truth(file),
  }));
  const score = new StateScore();
  files.forEach((file, i) => score.add(file, predictions[i]!));
  const report = score.report();
  assertEquals(report, scoreStates(files, predictions));
  assertEquals(JSON.parse(JSON.stringify(report)), report);
  score.add(files[0]!, predictions[0]!);
  assertEquals(report.teacherForced!.total.runs, 20);
});

Deno.test("predictions of fewer files than there are cannot be scored", () => {
  assertThrows(() => scoreStates(files, []), RangeError, "Cannot score 0 predictions of 20 files");
});
