import type { Execution, Tensor } from "@bgpt/kernels";

/** How long a program takes. */
export interface ProgramTime {
  readonly bestSeconds: number;
  readonly medianSeconds: number;
  /** Every round, the shortest first. */
  readonly rounds: readonly number[];
}

/** A round runs the program as often as takes this long, so that the clock and the read-back do not matter. */
const roundSeconds = 0.06;
const maxRunsPerRound = 4096;

/**
 * Times one run of a prepared program. Deno takes at least 10 ms for each read-back, however little is read, so a round
 * queues many runs and waits once; what a read-back alone takes is subtracted.
 *
 * @param flag a small tensor, read to wait for the queued work
 */
export async function timeProgram(
  execution: Execution,
  program: string,
  flag: Tensor,
  rounds = 3,
): Promise<ProgramTime> {
  const seconds = async (runs: number): Promise<number> => {
    const start = performance.now();
    if (runs > 0) execution.run(...Array<string>(runs).fill(program));
    await execution.readFloats(flag);
    return (performance.now() - start) / 1000;
  };
  await seconds(1); // compiles, and touches the memory for the first time
  const reading = Math.min(await seconds(0), await seconds(0), await seconds(0));
  const perRun = async (runs: number) => Math.max((await seconds(runs) - reading) / runs, 1e-9);
  let runs = 1;
  let first = await perRun(runs);
  while (first * runs < roundSeconds && runs < maxRunsPerRound) {
    runs = Math.min(maxRunsPerRound, runs * Math.ceil(Math.min(8, roundSeconds / (first * runs))));
    first = await perRun(runs);
  }
  const times = [first];
  while (times.length < rounds) times.push(await perRun(runs));
  times.sort((a, b) => a - b);
  return { bestSeconds: times[0]!, medianSeconds: times[times.length >> 1]!, rounds: times };
}
