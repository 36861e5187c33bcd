import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import {
  loadCheckpoint,
  newestStep,
  removeUnfinishedCheckpoints,
  runIn,
  RunLock,
  saveCheckpoint,
  saveRunCheckpoint,
} from "@bgpt/core/files";
import { smallCheckpoint } from "../small_checkpoint.ts";

/** A test with a folder of its own, which is empty and removed afterwards. */
function folderTest(name: string, test: (folder: string) => Promise<void>): void {
  Deno.test(name, async () => {
    const folder = await Deno.makeTempDir();
    try {
      await test(folder);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

function namesIn(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
}

/** A checkpoint of a run after so many steps; its numbers are drawn from the step. */
const at = (step: number) => smallCheckpoint(step, step);
const stepPath = (run: string, step: number) => `${run}/checkpoints/step-${String(step).padStart(8, "0")}`;

/** Cuts a file of a checkpoint off, as a full disk or a broken copy does. */
async function cutOff(folder: string, name: string): Promise<void> {
  await Deno.truncate(`${folder}/${name}`, Math.floor((await Deno.stat(`${folder}/${name}`)).size / 2));
}

folderTest("a checkpoint folder comes back bit for bit", async (folder) => {
  await saveCheckpoint(`${folder}/a`, at(3));
  assertEquals(namesIn(`${folder}/a`), [
    "config.json",
    "model.safetensors",
    "optimizer.safetensors",
    "trainer.json",
  ]);
  const { checkpoint, path, passedOver } = await loadCheckpoint(`${folder}/a`);
  assertEquals({ checkpoint, path, passedOver }, { checkpoint: at(3), path: `${folder}/a`, passedOver: [] });
});

folderTest("of a run's folder the newest checkpoint is taken, not the best", async (folder) => {
  await saveRunCheckpoint(folder, at(9), true);
  const path = await saveRunCheckpoint(folder, at(10), false);
  const loaded = await loadCheckpoint(folder);
  assertEquals([loaded.path, loaded.checkpoint.run!.step], [path, 10]);
});

folderTest("only the last two steps are kept, and the best", async (folder) => {
  for (const step of [2, 4, 6, 8]) await saveRunCheckpoint(folder, at(step), step === 4);
  assertEquals(namesIn(`${folder}/checkpoints`), ["best", "step-00000006", "step-00000008"]);
  assertEquals((await loadCheckpoint(`${folder}/checkpoints/best`)).checkpoint, at(4));
  await saveRunCheckpoint(folder, at(10), true);
  assertEquals((await loadCheckpoint(`${folder}/checkpoints/best`)).checkpoint, at(10));
});

folderTest(
  "where the newest is damaged, the newest good one is taken, and the damage told",
  async (folder) => {
    for (const name of ["model.safetensors", "optimizer.safetensors", "config.json", "trainer.json"]) {
      const run = `${folder}/${name}`;
      for (const step of [2, 4]) await saveRunCheckpoint(run, at(step), false);
      await cutOff(stepPath(run, 4), name);
      const { checkpoint, path, passedOver } = await loadCheckpoint(run);
      assertEquals([path, checkpoint], [stepPath(run, 2), at(2)]);
      assertEquals(passedOver.length, 1);
      assertStringIncludes(passedOver[0]!, `Cannot read checkpoint "${stepPath(run, 4)}": ${name} is `);
      await Deno.remove(`${stepPath(run, 4)}/${name}`);
      assertStringIncludes((await loadCheckpoint(run)).passedOver[0]!, `${name} is missing`);
    }
  },
);

folderTest("a damaged newer step does not push a good one out", async (folder) => {
  for (const step of [2, 4]) await saveRunCheckpoint(folder, at(step), false);
  await cutOff(stepPath(folder, 4), "model.safetensors");
  await saveRunCheckpoint(folder, at(3), false);
  const { checkpoint } = await loadCheckpoint(folder);
  assertEquals(checkpoint, at(3));
  assertEquals((await loadCheckpoint(stepPath(folder, 2))).checkpoint, at(2));
});

folderTest("a checkpoint that a kill left beside its place is found", async (folder) => {
  await saveRunCheckpoint(folder, at(2), false);
  await saveRunCheckpoint(folder, at(4), false);
  await Deno.rename(stepPath(folder, 4), `${folder}/checkpoints/.step-00000004.bgpt-new`);
  assertEquals((await loadCheckpoint(folder)).checkpoint, at(4));
  assertEquals((await loadCheckpoint(stepPath(folder, 4))).checkpoint, at(4));
  assertEquals(await newestStep(folder), 4);
  await saveRunCheckpoint(folder, at(6), false);
  assertEquals(namesIn(`${folder}/checkpoints`).length, 2);
});

folderTest("of a step and what a kill left beside it to replace it, the latter is taken", async (folder) => {
  await saveRunCheckpoint(folder, at(4), false);
  await saveCheckpoint(`${folder}/checkpoints/.step-00000004.bgpt-new`, smallCheckpoint(5, 4));
  assertEquals((await loadCheckpoint(folder)).checkpoint, smallCheckpoint(5, 4));
});

folderTest("what stands beside a run is not taken for it, whatever its name", async (folder) => {
  await saveRunCheckpoint(`${folder}/songs`, at(2), false);
  for (const name of ["songs.new", ".songs.bgpt-new"]) {
    await saveRunCheckpoint(`${folder}/${name}`, at(4), false);
  }
  assertEquals((await loadCheckpoint(`${folder}/songs`)).checkpoint, at(2));
});

folderTest("where every checkpoint is damaged, the newest one's damage is told", async (folder) => {
  for (const step of [2, 4]) {
    await saveRunCheckpoint(folder, at(step), false);
    await cutOff(stepPath(folder, step), "model.safetensors");
  }
  const error = await assertRejects(
    () => loadCheckpoint(folder),
    SyntaxError,
    `Cannot read checkpoint "${folder}"`,
  );
  assertStringIncludes(error.message, stepPath(folder, 4));
});

folderTest("what is missing, empty, foreign or a file is refused by its path", async (folder) => {
  await Deno.mkdir(`${folder}/empty`);
  await Deno.mkdir(`${folder}/foreign`);
  await Deno.writeTextFile(`${folder}/foreign/model.safetensors`, "what?");
  await Deno.writeTextFile(`${folder}/file`, "");
  const refusals = [
    ["missing", "there is no such folder. Check the path"],
    ["empty", "it holds no model.safetensors, and no checkpoints of a run"],
    ["foreign", "config.json is missing"],
    ["file", "a folder must be"],
  ];
  for (const [name, message] of refusals) {
    const error = await assertRejects(() => loadCheckpoint(`${folder}/${name}`), Error, message);
    assertStringIncludes(error.message, `"${folder}/${name}"`);
  }
});

folderTest("a run counts from its first checkpoint on; before, it is begun", async (folder) => {
  assertEquals(await runIn(`${folder}/missing`), "nothing");
  await Deno.writeTextFile(`${folder}/notes.txt`, "mine");
  assertEquals(await runIn(folder), "nothing");
  await Deno.writeTextFile(`${folder}/metrics.jsonl`, "{}\n");
  assertEquals(await runIn(folder), "kept", "metrics that nobody knows of");
  new RunLock(folder)[Symbol.dispose]();
  assertEquals(await runIn(folder), "begun");
  for (const name of [".step-00000001.bgpt-tmp-9", ".best.bgpt-tmp-9-old", "best.tmp-9"]) {
    await Deno.mkdir(`${folder}/checkpoints/${name}`, { recursive: true });
  }
  assertEquals(await runIn(folder), "begun");
  await removeUnfinishedCheckpoints(folder);
  assertEquals(namesIn(`${folder}/checkpoints`), ["best.tmp-9"]);
  await saveRunCheckpoint(folder, at(1), false);
  assertEquals(await runIn(folder), "kept");
});

folderTest("a step that is kept as the best is kept only once the best is", async (folder) => {
  await saveRunCheckpoint(folder, at(1), false);
  await Deno.writeTextFile(`${folder}/checkpoints/best`, "in the way");
  await assertRejects(() => saveRunCheckpoint(folder, at(2), true), Error, "best");
  assertEquals((await loadCheckpoint(folder)).checkpoint, at(1));
});

folderTest("the weights alone are read without the optimizer's file, whatever it holds", async (folder) => {
  await saveCheckpoint(`${folder}/a`, at(3));
  await cutOff(`${folder}/a`, "optimizer.safetensors");
  await assertRejects(() => loadCheckpoint(`${folder}/a`), SyntaxError, "optimizer.safetensors is damaged");
  const { checkpoint } = await loadCheckpoint(`${folder}/a`, "weights");
  const { optimizer: _, ...weights } = at(3);
  assertEquals(checkpoint, weights);
});

folderTest(
  "the weights of a run are read though its best evaluation is damaged, to resume is not",
  async (folder) => {
    const { optimizer: _, run: { best: __, ...run }, ...weights } = at(3);
    for (const best of [{ step: 4, lossNats: null }, { step: -1, lossNats: 1 }, { step: 4 }, null]) {
      const path = await saveRunCheckpoint(folder, at(3), false);
      await Deno.writeTextFile(`${path}/trainer.json`, JSON.stringify({ ...run, best }));
      const message = `trainer.json has a best evaluation of ${JSON.stringify(best)}`;
      await assertRejects(() => loadCheckpoint(folder), SyntaxError, message);
      const { checkpoint, passedOver } = await loadCheckpoint(folder, "weights");
      assertEquals({ checkpoint, passedOver }, { checkpoint: { ...weights, run }, passedOver: [] });
    }
  },
);
