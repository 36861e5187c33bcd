import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import { saveCheckpoint } from "@bgpt/core/files";
import { inTempFolder } from "../cli/temp_folder.ts";
import { poisoned, writePoisonedData } from "../cli/poisoned.ts";
import { mpiTest, startRanks } from "./mpirun.ts";
import { metricsOf } from "./runs.ts";

mpiTest("a bad step tells its file and tensor, whichever rank had them", async (mpi) => {
  await inTempFolder(async (folder) => {
    const data = await writePoisonedData(join(folder, "data"));
    const init = join(folder, "poisoned");
    await saveCheckpoint(init, poisoned());
    const out = join(folder, "out");
    const args = [
      ...[
        "train",
        "--data",
        data,
        "--init",
        init,
        "--out",
        out,
        "--device",
        "cpu",
        "--threads",
        "1",
        "--batch",
        "2",
      ],
      ...["--steps", "14", "--eval-share", "0", "--on-bad-step", "skip"],
    ];
    const { code, stderr } = await startRanks(mpi, { ranks: 2, args }).outcome();
    assertEquals(code, 0, stderr);
    const dropped = metricsOf(out).filter(({ kind }) => kind === "dropped");
    // Once in the five files of each epoch: the batches of two shift, so that both ranks get it.
    assert(dropped.length >= 5 && dropped.length <= 6, `${dropped.length} steps were dropped`);
    for (const { files, reason } of dropped) {
      assertEquals(files as unknown, [join(data, "bad.bin")]);
      assertMatch(`${reason}`, /the first bad tensor is "patch\.\S+", which has Infinity after call/);
    }
  });
});
