import { assert, assertAlmostEquals, assertEquals, assertMatch } from "@std/assert";
import type { Checkpoint } from "@bgpt/core";
import { loadCheckpoint } from "@bgpt/core/files";
import { bgpt } from "../cli/bgpt.ts";
import { inTempFolder } from "../cli/temp_folder.ts";
import { completedRun } from "./completed_run.ts";
import { mpiTest } from "./mpirun.ts";
import { metricsOf, smallRun } from "./runs.ts";

/** A learning rate that does not depend on where a run is to end. */
const rate = ["--schedule", "constant", "--warmup", "1"];

/** ‖a − b‖ / ‖b‖ */
function relativeDifference(a: Float32Array, b: Float32Array): number {
  assertEquals(a.length, b.length);
  const norm = (values: Float32Array) => Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0));
  return norm(a.map((value, i) => value - b[i]!)) / norm(b);
}

function assertSameState(actual: Checkpoint, expected: Checkpoint, tolerance: number): void {
  assertEquals(actual.run!.step, expected.run!.step);
  for (const kind of ["parameters", "moment1", "moment2"] as const) {
    const difference = relativeDifference(actual.optimizer![kind], expected.optimizer![kind]);
    assert(difference <= tolerance, `${kind} differ by ${difference}`);
  }
}

mpiTest(
  "--shard-optimizer takes the same steps, and a run goes on with and without it, with any number of ranks",
  async (mpi) => {
    await inTempFolder(async (folder) => {
      const run = async (ranks: number, out: string, ...more: string[]) => {
        const args = await smallRun(
          folder,
          `${folder}/${out}`,
          ...rate,
          "--dropout",
          "0",
          ...more,
        );
        await completedRun(mpi, ranks, args);
        return (await loadCheckpoint(`${folder}/${out}`)).checkpoint;
      };
      const whole = await run(2, "whole", "--steps", "10");
      const sharded = await run(2, "sharded", "--steps", "10", "--shard-optimizer");
      assertSameState(sharded, whole, 1e-6);
      const [lines, expected] = [metricsOf(`${folder}/sharded`), metricsOf(`${folder}/whole`)];
      assertEquals(lines.length, expected.length);
      for (const [i, { lossNats, gradientNorm }] of expected.entries()) {
        for (const [name, value] of Object.entries({ lossNats, gradientNorm })) {
          if (typeof value !== "number") continue;
          assertAlmostEquals(lines[i]![name] as number, value, 1e-6 * value, `${name} of line ${i}`);
        }
      }
      await run(1, "sharded", "--steps", "13", "--resume");
      const again = await run(3, "sharded", "--steps", "16", "--resume", "--shard-optimizer");
      assertSameState(again, await run(2, "whole", "--steps", "16", "--resume"), 1e-5);
    });
  },
);

Deno.test("--shard-optimizer is refused with Muon", async () => {
  await inTempFolder(async (folder) => {
    const args = await smallRun(folder, `${folder}/out`, "--optimizer", "muon", "--shard-optimizer");
    const { code, stderr } = await bgpt(args);
    assertEquals(code, 2, stderr);
    assertMatch(stderr, /Cannot use --shard-optimizer with --optimizer muon: a rank's part may end within/);
  });
});
