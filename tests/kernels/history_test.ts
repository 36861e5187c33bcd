import { assertEquals } from "@std/assert";
import { encodeStep, recordHistory, ReferenceEngine } from "@bgpt/kernels";
import { engineTest } from "../engines.ts";
import { anyThreadsTest } from "./any_threads.ts";
import { compareWithReference, randomFloats, runKernel } from "./compare.ts";

function operandsFor(rows: number, historyRow: number) {
  return {
    step: encodeStep({ historyRow }),
    sums: randomFloats(4, 1),
    norm: randomFloats(2, 2),
    history: randomFloats(rows * 8, 3),
  };
}

engineTest("the same row of the history is written as by the reference", async (engine) => {
  for (const [rows, historyRow] of [[1, 0], [1, 5], [3, 2], [17, 16], [17, 4_000_000_000]] as const) {
    await compareWithReference(engine, recordHistory, { rows }, operandsFor(rows, historyRow));
  }
});

engineTest("a norm that is not finite reaches the history", async (engine) => {
  const inputs = { ...operandsFor(2, 0), norm: Float32Array.of(Infinity, -1) };
  const { history } = await runKernel(engine, recordHistory, { rows: 2 }, inputs);
  assertEquals([...history!.subarray(4, 6)], [Infinity, -1]);
});

anyThreadsTest(recordHistory, [[{ rows: 3 }, operandsFor(3, 4)]]);

Deno.test("step 5 of a history of 3 rows goes to row 2 and leaves the others alone", async () => {
  const inputs = operandsFor(3, 5);
  const { history } = await runKernel(new ReferenceEngine(), recordHistory, { rows: 3 }, inputs);
  assertEquals([...history!], [...inputs.history.subarray(0, 16), ...inputs.sums, ...inputs.norm, 0, 0]);
});
