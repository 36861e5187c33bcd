/** The model against what the published program computes: hidden states, logits, loss, gradients, trajectories. */
import { assertEquals } from "@std/assert";
import {
  type Config,
  copyParameter,
  evaluationPlan,
  float32Of,
  meanLossNats,
  parseSafetensors,
  presets,
  publishedRecipe,
  Trainer,
  trainingPlan,
} from "@bgpt/core";
import { encodeStep, type Engine } from "@bgpt/kernels";
import { readGzip, sharedPath, sharedTest } from "../shared.ts";
import { assertClose } from "../kernels/compare.ts";
import { type Fixture, loadFixture } from "./fixture.ts";
import { assertPublishedGradients, type Demand, demandTest } from "./parity.ts";

/** Registers a parity test on every engine that is here. */
function parityTest(
  name: string,
  run: (engine: Engine, fixture: Fixture, demand: Demand) => Promise<void>,
) {
  demandTest(name, async (engine, demand) => await run(engine, await loadFixture(), demand));
}

function fixtureConfig(fixture: Fixture): Config {
  return { ...presets.tiny, ...fixture.checkpoint.model, ...publishedRecipe, dropout: 0 };
}

parityTest("hidden states, logits and loss are the published ones", async (engine, fixture, { relative }) => {
  const { strip, checkpoint } = fixture;
  const evaluation = evaluationPlan(checkpoint.model, strip.fileStart.length);
  const execution = await engine.prepare(evaluation.plan);
  execution.write(evaluation.model.parameters, checkpoint.parameters);
  evaluation.write(execution, strip);
  execution.write(evaluation.model.step, encodeStep({}));
  execution.run("clear", "forward");
  const sums = await execution.readFloats(evaluation.lossSums);
  const feature = await execution.readFloats(evaluation.feature);
  const logits = await execution.readFloats(evaluation.logits);
  execution.destroy();

  const C = checkpoint.model.hidden;
  const rowLength = 257;
  const hidden = fixture.expected("patch_hidden"); // [B, L, C]
  const byteLogits = fixture.expected("byte_logits"); // [N, 17, V]
  let start = 0;
  let target = 0;
  for (const [file, count] of fixture.patchCounts.entries()) {
    const from = file * hidden.shape[1]! * C;
    assertClose(
      feature.subarray(start * C, (start + count) * C),
      hidden.values.subarray(from, from + count * C),
      { absolute: 0, relative },
      `features of file ${file}`,
    );
    for (let p = start; p < start + count - 1; p++, target++) {
      const rows = 16 * rowLength;
      assertClose(
        logits.subarray(p * rows, (p + 1) * rows),
        byteLogits.values.subarray(target * 17 * rowLength, target * 17 * rowLength + rows),
        { absolute: 0, relative },
        `logits of patch ${p}`,
      );
    }
    start += count;
  }
  assertEquals(target, byteLogits.shape[0]);
  const loss = fixture.expected("loss").values[0]!;
  assertClose([sums[0]! / sums[1]!], [loss], { absolute: 0, relative }, "loss");
});

parityTest("the gradient of every parameter is the published one", async (engine, fixture, demand) => {
  const { strip, checkpoint } = fixture;
  const training = trainingPlan(fixtureConfig(fixture), strip.fileStart.length);
  const execution = await engine.prepare(training.plan);
  execution.write(training.model.parameters, checkpoint.parameters);
  training.write(execution, strip);
  execution.write(training.model.step, encodeStep({ lossScale: 1 / strip.lossWeight }));
  execution.run("clear", "forward", "backward");
  const flat = await execution.readFloats(training.gradients);
  execution.destroy();
  assertPublishedGradients(training.model.table, flat, fixture, demand);
});

const trajectories = [
  { name: "trajectory.json", learningRate: 1e-4, weightDecay: 0.01 },
  // Here a wrong weight decay shows by 1e-2.
  { name: "trajectory_strong.json", learningRate: 3e-4, weightDecay: 1 },
];
for (const { name, ...optimizer } of trajectories) {
  parityTest(`the losses of ${name} are reproduced over 20 AdamW steps`, async (engine, fixture) => {
    const trajectory = JSON.parse(await Deno.readTextFile(sharedPath("fixtures", "dev", name)!));
    const expected = trajectory.loss_fp64 as number[];
    const config: Config = { ...fixtureConfig(fixture), ...optimizer, steps: 20 };
    const { strip, checkpoint } = fixture;
    const trainer = await Trainer.create(engine, config, trainingPlan(config, strip.fileStart.length));
    trainer.restore({ parameters: checkpoint.parameters });
    for (let step = 0; step < 20; step++) trainer.train([strip]);
    const losses = (await trainer.metrics()).map(({ totals }) => meanLossNats(totals));
    const after = await trainer.evaluate((async function* () {
      yield await Promise.resolve({ strip });
    })());
    losses.push(meanLossNats(after.totals));
    trainer.destroy();
    assertEquals(losses.length, expected.length);
    assertClose(losses, expected, { absolute: 1e-4, relative: 0 }, name);
  });
}

sharedTest("the safetensors file holds the same weights as the .pth file", async () => {
  const { checkpoint } = await loadFixture();
  const bytes = await readGzip(sharedPath("fixtures", "dev", "model.safetensors.gz")!);
  const { tensors } = parseSafetensors(bytes);
  const { table } = trainingPlan({ ...presets.tiny, ...checkpoint.model }, 4).model;
  for (const parameter of table.parameters) {
    const { name, offset, length } = parameter;
    const values = new Float32Array(length);
    copyParameter(parameter, checkpoint.parameters.subarray(offset, offset + length), values, "toPublished");
    assertEquals(values, Float32Array.from(float32Of(tensors.get(name)!)), name);
  }
});
