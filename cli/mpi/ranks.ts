import { type Communicator, singleRank } from "@bgpt/core";
import { beSilent } from "../terminal.ts";
import { ownLaunch } from "./launcher.ts";
import { MpiCommunicator } from "./mpi_communicator.ts";

let opened: MpiCommunicator | undefined;

/**
 * Connects the processes that mpirun or srun started; without them it is one, and no library is loaded. All but rank 0 are
 * silent from here on, except for errors.
 * @param hangSeconds how long a rank waits for the others before it ends the job
 * @throws {Error} when there is no MPI library, or it is not the launcher's
 */
export function openRanks(hangSeconds: number): Communicator {
  if (ownLaunch === undefined) return singleRank;
  if (ownLaunch.rank > 0) beSilent();
  return opened = new MpiCommunicator(ownLaunch, hangSeconds);
}

/** Ends what {@linkcode openRanks} began: with all ranks where all is well, else with an end to the whole job. */
export async function leaveRanks(code: number): Promise<void> {
  if (code === 0) await opened?.end();
  else await opened?.fail(code);
}
