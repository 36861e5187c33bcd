import { assertEquals } from "@std/assert";
import { bgpt } from "../cli/bgpt.ts";
import { type Mpi, startRanks } from "./mpirun.ts";

/** Runs a training to its end in so many processes; one without a launcher. */
export async function completedRun(mpi: Mpi, ranks: number, args: readonly string[]): Promise<void> {
  const job = ranks === 1
    ? await bgpt([...args])
    : await startRanks(mpi, { ranks, args: [...args] }).outcome();
  assertEquals(job.code, 0, job.stderr);
  assertEquals(job.stdout.match(/^Trained after/gm)?.length, 1, "one rank speaks for all");
}
