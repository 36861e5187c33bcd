/** The best of many short rounds, by the clock and by the time of the cores. */
import process from "node:process";

/** How long something takes, in ms: by the clock, and by the time of all cores that worked on it. */
export interface Time {
  readonly wall: number;
  readonly cores: number;
}

function coresMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** The best of rounds of `run` for about `totalMs`, and three at least. */
export async function bestTime(run: () => Promise<void> | void, totalMs: number): Promise<Time> {
  let [wall, cores] = [Infinity, Infinity];
  const end = performance.now() + totalMs;
  for (let round = 0; round < 3 || performance.now() < end; round++) {
    const [start, coresStart] = [performance.now(), coresMs()];
    await run();
    wall = Math.min(wall, performance.now() - start);
    cores = Math.min(cores, coresMs() - coresStart);
  }
  return { wall, cores };
}
