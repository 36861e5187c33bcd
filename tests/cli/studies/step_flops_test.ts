import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { presets, trainingPlan } from "@bgpt/core";
import { reportTrainingStep } from "../../../cli/doctor/plan_report.ts";
import { stepFlops } from "../../../cli/studies/step_flops.ts";

const { tiny } = presets;

Deno.test("a step with one file of full length takes what its plan's kernels take", () => {
  const { plan } = trainingPlan(tiny, tiny.patchLength);
  assertEquals(stepFlops(plan, 1, 1), reportTrainingStep("tiny", 1).total.flops);
});

Deno.test("with every strip more, forward and backward are taken again, and the update is not", () => {
  const { plan } = trainingPlan(tiny, tiny.patchLength);
  const { byProgram } = reportTrainingStep("tiny", 1);
  const passes = byProgram.filter(({ name }) => name === "forward" || name === "backward");
  const more = stepFlops(plan, 1, 3) - stepFlops(plan, 1, 2);
  assertAlmostEquals(more, passes.reduce((sum, { flops }) => sum + flops, 0), 1);
});

Deno.test("files are counted apart: four of them take four times the passes of one, and less than one of their length", () => {
  const passesOf = (batch: number) => {
    const { plan } = trainingPlan(tiny, batch * tiny.patchLength);
    return stepFlops(plan, batch, 2) - stepFlops(plan, batch, 1);
  };
  // Sums over the strip cost a little more or less than in proportion.
  assertAlmostEquals(passesOf(4) / passesOf(1), 4, 0.01);
  const { plan } = trainingPlan(tiny, 4 * tiny.patchLength);
  assert(passesOf(4) < stepFlops(plan, 1, 2) - stepFlops(plan, 1, 1));
});
