/** A program that computes through Dawn as the commands do, `engine.destroy()` its last call; it prints what it computed. */
import { clear, PlanBuilder } from "@bgpt/kernels";
import { openEngine } from "../../cli/engine.ts";

const engine = await openEngine({
  device: "gpu",
  webgpu: "dawn",
  webgpuUnchecked: Deno.args.includes("unchecked"),
});
const plan = new PlanBuilder();
plan.program("clear");
const x = plan.tensor("x", [3], "output");
plan.call(clear, { length: 3 }, { x }, "clear");
const execution = await engine.prepare(plan.build());
execution.write(x, new Float32Array([1, 2, 3]));
execution.run("clear");
console.log([...await execution.readFloats(x)].join());
if (Deno.args.includes("throw")) throw new Error("on purpose");
execution.destroy();
engine.destroy();
