import type { Communicator } from "@bgpt/core";

/** Ranks that live in one process, each the place of one in MPI. */
export function ranksInProcess(size: number): Communicator[] {
  const calls: { sums: number[]; arrived: number; all: Promise<void>; finish: () => void }[] = [];
  const callOf = (index: number, length: number) => {
    if (calls[index] === undefined) {
      const { promise, resolve } = Promise.withResolvers<void>();
      calls[index] = { sums: new Array(length).fill(0), arrived: 0, all: promise, finish: resolve };
    }
    return calls[index];
  };
  return Array.from({ length: size }, (_, rank) => {
    let next = 0;
    return {
      rank,
      size,
      async allReduceSum(values) {
        const call = callOf(next++, values.length);
        for (const [i, value] of values.entries()) call.sums[i]! += value;
        if (++call.arrived === size) call.finish();
        await call.all;
        values.set(call.sums);
      },
      broadcast: () => Promise.reject(new Error("not needed")),
      barrier: () => Promise.reject(new Error("not needed")),
    };
  });
}
