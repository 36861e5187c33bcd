import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { packStrip, type TrainedPlan, trainingPlan } from "@bgpt/core";
import { encodeStep, planMemory, ReferenceEngine } from "@bgpt/kernels";
import { bucketGradients } from "../../../core/distributed/gradient_buckets.ts";
import { smallCapacity, smallConfig } from "../small_checkpoint.ts";

const config = { ...smallConfig, patchLayers: 2, dropout: 0.1 };

function small(): TrainedPlan {
  return trainingPlan(config, smallCapacity);
}

Deno.test("the backward pass is cut into the same calls in the same order, and its windows cover the gradients", () => {
  const trained = small();
  const { plan, buckets } = bucketGradients(trained, 6);
  assert(buckets.length > 2);
  assertEquals(
    buckets.flatMap(({ program }) => plan.programs.get(program)!),
    [...trained.plan.programs.get("backward")!],
  );
  let end = trained.gradients.length;
  for (const { gradients } of buckets) {
    assertEquals(gradients.offset + gradients.length, end);
    end = gradients.offset;
  }
  assertEquals(end, 0);
  assert(planMemory(plan).totalBytes <= planMemory(trained.plan).totalBytes);
});

Deno.test("a part's gradients are final when it has run, and not before", async () => {
  const trained = small();
  const { plan, buckets } = bucketGradients(trained, 6);
  const execution = await new ReferenceEngine().prepare(plan);
  const { length } = trained.model.parameters;
  execution.write(trained.model.parameters, Float32Array.from({ length }, (_, i) => Math.sin(i) / 8));
  const tokens = Uint16Array.from({ length: 8 * config.patchSize }, (_, i) => 7 * i % 256);
  const strip = packStrip([{ tokens }], smallCapacity, config.patchSize);
  trained.write(execution, strip);
  execution.write(trained.model.step, encodeStep({ lossScale: 1, dropoutRate: 0.1, dropoutSeed: 3 }));
  execution.run("clear", "forward");
  const before: Float32Array[] = [];
  const after: Float32Array[] = [];
  for (const { program, gradients } of buckets) {
    before.push(await execution.readFloats(gradients));
    execution.run(program);
    after.push(await execution.readFloats(gradients));
  }
  for (const [i, { gradients }] of buckets.entries()) {
    const final = await execution.readFloats(gradients);
    assertEquals(after[i], final);
    assertNotEquals(before[i], final);
  }
});

Deno.test("one part is the whole pass", () => {
  const trained = small();
  const { plan, buckets } = bucketGradients(trained, 1);
  assertEquals([...plan.programs.keys()].sort(), [...trained.plan.programs.keys()].sort());
  assertEquals(buckets.map(({ gradients }) => [gradients.offset, gradients.length]), [[
    0,
    trained.gradients.length,
  ]]);
});
