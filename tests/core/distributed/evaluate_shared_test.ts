import { assertEquals, assertRejects } from "@std/assert";
import { fileSamples, type SampleSource, Trainer, trainingPlan } from "@bgpt/core";
import { ReferenceEngine } from "@bgpt/kernels";
import { AgreedError } from "../../../core/distributed/agreed_error.ts";
import { evaluateShared } from "../../../core/distributed/evaluate_shared.ts";
import { memorySource } from "../memory_source.ts";
import { smallCapacity, smallConfig } from "../small_checkpoint.ts";
import { ranksInProcess } from "./ranks_in_process.ts";

/** Files of which those at these places have vanished. */
function without(gone: readonly number[]): SampleSource {
  const files = memorySource([9, 3, 14, 6]);
  const read = (index: number) =>
    gone.includes(index) ? Promise.reject(new Error("It has gone")) : files.read(index);
  return fileSamples({ ...files, read });
}

/** What each of so many ranks makes of the files, and the files that it tells of. */
function evaluated(source: SampleSource, ranks: number) {
  return ranksInProcess(ranks).map(async (communicator) => {
    const plan = trainingPlan(smallConfig, smallCapacity);
    const trainer = await Trainer.create(new ReferenceEngine(), smallConfig, plan, communicator);
    const told: string[] = [];
    const onUnreadable = ({ path }: { path: string }) => void told.push(path);
    const options = { ...smallConfig, patchCapacity: smallCapacity, onUnreadable };
    const evaluation = await evaluateShared(trainer, [{ name: "held out", source }], options)
      .finally(() => trainer.destroy());
    return { evaluation, told };
  });
}

Deno.test("a rank whose files have all gone evaluates along with the one that has some left", async () => {
  // The second rank has the odd ones.
  const source = without([1, 3]);
  const [first, second] = await Promise.all(evaluated(source, 2));
  assertEquals(second!.told, ["file1.bin", "file3.bin"]);
  assertEquals(first!.evaluation.samples, 2);
  assertEquals(second!.evaluation, first!.evaluation);
  const [alone] = await Promise.all(evaluated(source, 1));
  assertEquals(first!.evaluation.totals.bytes, alone!.evaluation.totals.bytes);
});

Deno.test("where all files have gone in all ranks, each of them says so", async () => {
  // The fifth rank has no file at all.
  await Promise.all(
    evaluated(without([0, 1, 2, 3]), 5).map((rank) =>
      assertRejects(
        () => rank,
        AgreedError,
        'Cannot evaluate without files: none of the 4 of "held out" can be read any more in any rank',
      )
    ),
  );
});
