import { assert, assertEquals, assertRejects } from "@std/assert";
import { type Communicator, type Config, type RunEvents, singleRank, trainingRun } from "@bgpt/core";
import { ReferenceEngine } from "@bgpt/kernels";
import { prepareRun } from "../../cli/prepare_run.ts";
import { ranksInProcess } from "../core/distributed/ranks_in_process.ts";
import { memorySamples } from "../core/memory_source.ts";
import { smallCheckpoint, smallConfig } from "../core/small_checkpoint.ts";

const config: Config = { ...smallConfig, ...{ patchLength: 16, batch: 1, steps: 1, warmup: 1 } };
const training = memorySamples([3, 4]);
const evaluation = [{ name: "held out", source: memorySamples([40, 2, 5]) }];
const run = { engine: new ReferenceEngine(), config, training, evaluation, out: "runs/a" };
const events: RunEvents = {
  onSteps() {},
  onEvaluation() {},
  onUnreadable: (error) => {
    throw error;
  },
  save: () => Promise.resolve(),
};

for (const ranks of [[singleRank], ranksInProcess(2)]) {
  Deno.test(`a held-out file is longer than what is trained on, ranks: ${ranks.length}`, async () => {
    const evaluated = await Promise.all(ranks.map(async (communicator: Communicator) => {
      const { trainer, data } = await prepareRun({ ...run, communicator });
      // A batch is one training file of 3 patches all the same.
      assertEquals([data.patchCapacity, trainer.plan.model.P], [3, 12]);
      const { lastEvaluation } = await trainingRun(trainer, data, events);
      trainer.destroy();
      return lastEvaluation!;
    }));
    for (const { samples, totals } of evaluated) {
      assertEquals([samples, totals.bytes], [3, 40 + 2 + 5]);
      assert(Number.isFinite(totals.lossNats));
    }
  });
}

Deno.test("what is held out, however long, changes neither batches nor dropout of a training", async () => {
  const dropping = { ...run, config: { ...config, batch: 2, steps: 3, dropout: 0.2 } };
  const weights = await Promise.all(
    [[], evaluation].map(async (evaluation) => {
      const { trainer, data } = await prepareRun({ ...dropping, evaluation });
      await trainingRun(trainer, data, events);
      const { parameters } = await trainer.state();
      trainer.destroy();
      return parameters;
    }),
  );
  assertEquals(weights[0], weights[1]);
});

Deno.test("a run that goes on refuses a file that its strips have no room for, before it takes a step", async () => {
  const checkpoint = smallCheckpoint();
  const resume = { ...checkpoint, run: { ...checkpoint.run, patchCapacity: 4 } };
  await assertRejects(
    () => prepareRun({ ...run, training: memorySamples([40, 2]), resume }),
    RangeError,
    'Cannot resume "runs/a": "file0.bin" takes 12 patches, a strip of the run holds 4. ' +
      "Name the files that the run was started with, or start a new run from its weights with --init",
  );
});
