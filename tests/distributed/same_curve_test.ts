import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { inTempFolder } from "../cli/temp_folder.ts";
import { completedRun } from "./completed_run.ts";
import { mpiTest } from "./mpirun.ts";
import { type MetricsLine, metricsOf, smallRun } from "./runs.ts";

/** Every number that does not depend on the time is the same but for rounding. */
function assertSameCurve(actual: readonly MetricsLine[], expected: readonly MetricsLine[]): void {
  const lineOf = ({ step, kind }: MetricsLine) =>
    actual.find((line) => line.step === step && line.kind === kind);
  for (const line of expected) {
    const other = lineOf(line);
    assert(other !== undefined, `${line.kind} of step ${line.step} is missing`);
    for (const name of ["lossNats", "bpbBytes", "gradientNorm", "learningRate", "samples"]) {
      const value = line[name];
      if (typeof value !== "number") continue;
      assertAlmostEquals(other[name] as number, value, 1e-4 * value, `${name} of ${line.kind} ${line.step}`);
    }
  }
}

mpiTest(
  "1, 2 and 4 ranks take the same 50 steps, and a run goes on with another number of them",
  async (mpi) => {
    await inTempFolder(async (folder) => {
      const run = async (ranks: number, out: string, ...more: string[]) => {
        const args = await smallRun(
          folder,
          `${folder}/${out}`,
          "--eval-every",
          "10",
          "--dropout",
          "0.2",
          ...more,
        );
        await completedRun(mpi, ranks, args);
        return metricsOf(`${folder}/${out}`);
      };
      const expected = await run(1, "one", "--steps", "60");
      const first50 = expected.filter(({ step }) => step as number <= 50);
      assertEquals(first50.length, 50 + 5);
      assertSameCurve(await run(2, "two", "--steps", "50"), first50);
      assertSameCurve(await run(4, "four", "--steps", "50"), first50);
      assertSameCurve(await run(4, "two", "--steps", "60", "--resume"), expected);
    });
  },
);
