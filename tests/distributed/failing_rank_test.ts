import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { loadCheckpoint } from "@bgpt/core/files";
import { bgpt } from "../cli/bgpt.ts";
import { inTempFolder } from "../cli/temp_folder.ts";
import { mountTest } from "../mounts.ts";
import { type Mpi, mpiTest, processOf, start, startRanks } from "./mpirun.ts";
import { firstCheckpoint, smallRun } from "./runs.ts";

const long = ["--steps", "1000000", "--save-every", "5", "--dropout", "0"];

/** Two ranks in the middle of a run are given to a test; what it leaves is a job that ended badly, and a good run. */
async function whileTraining(
  mpi: Mpi,
  more: readonly string[],
  fail: (rank1: number) => void | Promise<void>,
): Promise<{ code: number; stderr: string }> {
  let outcome: { code: number; stderr: string } | undefined;
  await inTempFolder(async (folder) => {
    const out = `${folder}/out`;
    const job = startRanks(mpi, { ranks: 2, args: await smallRun(folder, out, ...long, ...more) });
    await firstCheckpoint(out);
    await fail(processOf(mpi, 1, out));
    outcome = await job.outcome();
    assertNotEquals(outcome.code, 0);
    const { checkpoint, passedOver } = await loadCheckpoint(out);
    assertEquals(passedOver, []);
    const { step } = checkpoint.run!;
    assertEquals(step % 5, 0);
    const args = await smallRun(folder, out, "--resume", "--steps", `${step + 1}`);
    assertEquals((await bgpt(args)).code, 0);
  });
  return outcome!;
}

/** Rank 0 has begun to wait for rank 1 when that has been stopped for so long. */
const stoppedMs = 300;

mpiTest("a rank that is killed while another waits for its gradients ends the job", async (mpi) => {
  await whileTraining(mpi, [], async (rank1) => {
    Deno.kill(rank1, "SIGSTOP");
    await new Promise((resolve) => setTimeout(resolve, stoppedMs));
    Deno.kill(rank1, "SIGKILL");
  });
});

mpiTest(
  "a rank that hangs ends the job after --hang-timeout, with the code of a failed device",
  async (mpi) => {
    const started = performance.now();
    const { code, stderr } = await whileTraining(mpi, ["--hang-timeout", "2"], (rank1) => {
      Deno.kill(rank1, "SIGSTOP");
    });
    assertEquals(code, 3, stderr);
    assertMatch(stderr, /error: Rank 0 has waited 2\.0 s for the others in MPI_Allreduce/);
    assert(performance.now() - started < 60_000);
  },
);

mpiTest("a rank that fails ends the job with its message and its code", async (mpi) => {
  await inTempFolder(async (folder) => {
    const out = `${folder}/out`;
    const args = await smallRun(folder, out, ...long);
    const groups = ["1", "2"].map((seed) => ({ ranks: 1, args: [...args, "--seed", seed] }));
    const { code, stderr } = await startRanks(mpi, ...groups).outcome();
    assertEquals(code, 1, stderr);
    assertMatch(
      stderr,
      /error: rank 1: Cannot train together: rank 1 differs from rank 0 in the options/,
    );
  });
});

mpiTest("--supervise --launch starts all ranks again when one was killed", async (mpi) => {
  await inTempFolder(async (folder) => {
    const out = `${folder}/out`;
    const run = await smallRun(folder, out, "--steps", "150", "--save-every", "25", "--dropout", "0");
    const entry = new URL("../../cli/main.ts", import.meta.url).pathname;
    const launch = [...mpi.launcher, "-n", "2"].join(" ");
    const words = ["run", "-A", "--no-check", entry, ...run, "--supervise", "--launch", launch];
    const job = start([Deno.execPath(), ...words], mpi);
    await firstCheckpoint(out);
    Deno.kill(processOf(mpi, 1, out), "SIGKILL");
    const { code, stdout, stderr } = await job.outcome();
    assertEquals(code, 0, stderr);
    assertMatch(stderr, /Restart 1 of 5/);
    assertMatch(stdout, /^Trained after 150 steps/m);
  });
});

Deno.test("a launcher that does not belong to the library is told of", async () => {
  await inTempFolder(async (folder) => {
    const args = await smallRun(folder, `${folder}/out`);
    // Nobody started this rank: whichever library there is, it knows of one alone.
    const { code, stderr } = await bgpt(args, { OMPI_COMM_WORLD_RANK: "0", OMPI_COMM_WORLD_SIZE: "2" });
    assertEquals(code, 1);
    assertMatch(stderr, /Cannot train as one of 2 ranks: (found no MPI library|lib.* knows of 1)/);
  });
});

mountTest(
  "where there is no MPI library, the error says which were looked for and what to install",
  async () => {
    await inTempFolder(async (folder) => {
      const args = await smallRun(folder, `${folder}/out`);
      const entry = new URL("../../cli/main.ts", import.meta.url).pathname;
      // In mounts of its own, every MPI library is an empty file.
      const hide = "for library in $(ldconfig -p | grep -oE '/[^ ]*libmpi(ch)?[.]so[.0-9]*$'); do " +
        'mount --bind /dev/null "$(readlink -f "$library")"; done; exec "$@"';
      const words = [
        "-m",
        "sh",
        "-c",
        hide,
        "sh",
        Deno.execPath(),
        "run",
        "-A",
        "--no-check",
        entry,
        ...args,
      ];
      const env = { OMPI_COMM_WORLD_RANK: "0", OMPI_COMM_WORLD_SIZE: "2" };
      const { code, stderr } = await new Deno.Command("unshare", { args: words, env }).output();
      assertEquals(code, 1);
      const message = new TextDecoder().decode(stderr);
      assertMatch(message, /Cannot train as one of 2 ranks: found no MPI library \(lib.*\)\. Install MPICH/);
    });
  },
);
