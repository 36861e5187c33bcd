import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import {
  assembleProgram,
  cpuFile,
  encodeProgram,
  firstDeparture,
  formatTrace,
  parseStateFile,
  startState,
} from "@bgpt/tasks";

const start = startState(7, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
const file = parseStateFile(cpuFile(encodeProgram(assembleProgram("ADD A B\nHLT"), 16), start));
const truth = file.states.subarray(16);

Deno.test("a run as the machine's shows its states and no difference", () => {
  const trace = formatTrace(file, truth, { registers: 2, mark: () => "wrong" });
  assertEquals(trace.split("\n"), [
    "state  instruction         PC     ACC       A       B",
    "    0  start                0       7       1       2",
    "    1  ADD A B              1       7       1       2",
    "    2  HLT                  2       7       3       2",
    "The model runs the program as the machine does, all 2 instructions.",
  ]);
  assertEquals(firstDeparture(file, truth), undefined);
});

Deno.test("what differs is marked, in its column, and what the model did not write is a dash", () => {
  const wrong = truth.slice(0, 16);
  wrong[6] = 200;
  wrong[2] = 14;
  const lines = formatTrace(file, wrong, { registers: 1, mark: (text) => `<${text}>` }).split("\n");
  assertEquals(lines[2], "    1  <ADD A B ≠     >       1       7<   1→200>");
  assertMatch(lines[3]!, /^ {4}2 {2}HLT {11}( {7}–){3}$/);
  assertStringIncludes(lines[4]!, "departs from the machine in state 1 of 2");
});

Deno.test("a run that goes on behind the end departs there", () => {
  assertEquals(firstDeparture(file, Uint8Array.of(...truth, 0)), 3);
});
